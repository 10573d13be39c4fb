//! Archives of strangers: what is read of one is bounded, and so is what of it is kept in memory.

use std::cell::Cell;
use std::io::{self, Read};
use std::ops::ControlFlow;

use tar::{Archive, Entry};

/// Most bytes of heads before one entry, among them long names and attributes, which are read into memory.
const HEADS_BYTES_MAX: u64 = 1 << 20;

/// How much may still be unpacked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    left: u64,
    all: u64,
}

impl Room {
    pub(crate) const fn of(bytes: u64) -> Self {
        Self {
            left: bytes,
            all: bytes,
        }
    }
}

/// Goes through an archive, entry by entry, until it ends or `act` breaks. What it takes is taken off `room`.
pub(crate) fn each(
    archive: impl Read,
    room: &mut Room,
    mut act: impl FnMut(&mut Entry<'_, Bounded<'_, '_>>) -> io::Result<ControlFlow<()>>,
) -> io::Result<()> {
    let meter = Meter {
        room: Cell::new(*room),
        heads: Cell::new(Some(HEADS_BYTES_MAX)),
    };
    let mut archive = archive;
    let mut archive = Archive::new(Bounded {
        inner: &mut archive,
        meter: &meter,
    });
    for entry in archive.entries()? {
        let mut entry = entry?;
        // What it leaves out is not in the archive, and would have no end.
        if entry.header().entry_type().is_gnu_sparse() {
            return Err(io::Error::other("it has a sparse file, which is not taken"));
        }
        meter.heads.set(None);
        if act(&mut entry)?.is_break() {
            break;
        }
        // So that nothing but heads comes until the next.
        io::copy(&mut entry, &mut io::sink())?;
        meter.heads.set(Some(HEADS_BYTES_MAX));
    }
    *room = meter.room.get();
    Ok(())
}

struct Meter {
    room: Cell<Room>,
    /// What is left for heads, between two entries.
    heads: Cell<Option<u64>>,
}

/// An archive that ends with an error where it is longer than may be.
pub(crate) struct Bounded<'a, 'm> {
    inner: &'a mut dyn Read,
    meter: &'m Meter,
}

impl Read for Bounded<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let Room { left, all } = self.meter.room.get();
        let left = left.checked_sub(read as u64);
        let left = left.ok_or_else(|| io::Error::other(format!("it is larger than {all} bytes when unpacked")))?;
        self.meter.room.set(Room { left, all });
        if let Some(heads) = self.meter.heads.get() {
            let heads = heads.checked_sub(read as u64);
            let heads = heads.ok_or_else(|| io::Error::other("an entry's name and attributes are too long"))?;
            self.meter.heads.set(Some(heads));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use tar::{Builder, EntryType, Header};

    use super::*;

    fn archive(entries: &[(EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (kind, content) in entries {
            let mut header = Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_path("x").expect("short");
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, *content).expect("in memory");
        }
        builder.into_inner().expect("in memory")
    }

    /// The sizes of the entries, each read to its end.
    fn sizes(archive: &[u8], room: &mut Room) -> io::Result<Vec<u64>> {
        let mut sizes = Vec::new();
        each(archive, room, |entry| {
            sizes.push(io::copy(entry, &mut io::sink())?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(sizes)
    }

    #[test]
    fn an_archive_has_an_end() {
        let large = vec![7; 3 << 20];
        let whole = archive(&[(EntryType::Regular, &large), (EntryType::Regular, b"1")]);
        let mut room = Room::of(whole.len() as u64);
        assert_eq!(sizes(&whole, &mut room).expect("within bounds"), [3 << 20, 1]);
        let refused = sizes(&whole, &mut Room::of(3 << 20)).expect_err("too large");
        assert!(refused.to_string().contains("larger than 3145728 bytes"), "{refused}");
        // Also where nobody wants what is in it.
        let skipped = each(&whole[..], &mut Room::of(1 << 20), |_| Ok(ControlFlow::Continue(())));
        skipped.expect_err("too large");
    }

    #[test]
    fn names_and_attributes_that_are_kept_in_memory_have_an_end() {
        let (short, long) = (vec![b'x'; 4000], vec![b'x'; 2 << 20]);
        for kind in [EntryType::GNULongName, EntryType::GNULongLink, EntryType::XHeader] {
            let made = |content: &[u8]| {
                archive(&[
                    (EntryType::Regular, &[0; 600]),
                    (kind, content),
                    (EntryType::Regular, b""),
                ])
            };
            let room = || Room::of(u64::MAX);
            assert_eq!(sizes(&made(&short), &mut room()).expect("within bounds"), [600, 0]);
            let refused = sizes(&made(&long), &mut room()).expect_err("too long");
            assert!(refused.to_string().contains("too long"), "{refused}");
        }
    }

    #[test]
    fn a_file_of_holes_is_refused_unread() {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::GNUSparse);
        header.set_path("x").expect("short");
        header.set_size(0);
        let gnu = header.as_gnu_mut().expect("just made");
        gnu.set_real_size(1 << 62);
        gnu.sparse[0].set_offset(1 << 62);
        gnu.sparse[0].set_length(0);
        header.set_cksum();
        let mut builder = Builder::new(Vec::new());
        builder.append(&header, &[][..]).expect("in memory");
        let made = builder.into_inner().expect("in memory");
        let refused = sizes(&made, &mut Room::of(u64::MAX)).expect_err("endless");
        assert!(refused.to_string().contains("sparse"), "{refused}");
    }
}
