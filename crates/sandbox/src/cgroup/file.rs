//! Control files: small texts the kernel writes and reads in one call each, through descriptors kept open.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use parking_lot::Mutex;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// Longer than any file read here: `memory.events` and `cpu.stat` have some ten short lines.
const TEXT_BYTES_MAX: usize = 2048;

/// A control file kept open, since opening one costs ten times as much as reading it.
#[derive(Debug)]
pub(super) struct ControlFile(OwnedFd);

impl ControlFile {
    pub(super) fn open(folder: &Path, name: &str, access: OFlags) -> io::Result<Self> {
        Ok(Self(rustix::fs::open(
            folder.join(name),
            access | OFlags::CLOEXEC,
            Mode::empty(),
        )?))
    }

    /// As `open`, for files that some kernels do not have.
    pub(super) fn open_if_there(folder: &Path, name: &str, access: OFlags) -> io::Result<Option<Self>> {
        match Self::open(folder, name, access) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn write(&self, text: &str) -> io::Result<()> {
        loop {
            match rustix::io::pwrite(&self.0, text.as_bytes(), 0) {
                Ok(_) => return Ok(()),
                // Lowering a memory limit reclaims, which a signal interrupts.
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// The whole file, which the kernel makes anew for a read at its beginning.
    pub(super) fn read<T>(&self, parse: impl FnOnce(&str) -> Option<T>) -> io::Result<T> {
        let mut buffer = [0_u8; TEXT_BYTES_MAX];
        let length = rustix::io::retry_on_intr(|| rustix::io::pread(&self.0, &mut buffer, 0))?;
        let text = buffer
            .get(..length)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or_default();
        parse(text).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("unexpected text {text:?}")))
    }

    pub(super) fn read_number(&self) -> io::Result<u64> {
        self.read(|text| text.trim().parse().ok())
    }

    /// The number after `key` in a file of `key number` lines.
    pub(super) fn read_line(&self, key: &str) -> io::Result<u64> {
        self.read(|text| number_after(text, key))
    }
}

impl From<ControlFile> for OwnedFd {
    fn from(file: ControlFile) -> Self {
        file.0
    }
}

impl AsFd for ControlFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A number the kernel keeps for us. Setting it to what it is costs nothing.
#[derive(Debug)]
pub(super) struct Setting {
    file: ControlFile,
    last: Mutex<Option<u64>>,
}

impl Setting {
    pub(super) fn open(folder: &Path, name: &str) -> io::Result<Self> {
        Ok(Self {
            file: ControlFile::open(folder, name, OFlags::WRONLY)?,
            last: Mutex::new(None),
        })
    }

    pub(super) fn open_if_there(folder: &Path, name: &str) -> io::Result<Option<Self>> {
        let file = ControlFile::open_if_there(folder, name, OFlags::WRONLY)?;
        Ok(file.map(|file| Self {
            file,
            last: Mutex::new(None),
        }))
    }

    /// What it was set to last; `None` when it has not been set.
    pub(super) fn last(&self) -> Option<u64> {
        *self.last.lock()
    }

    /// For when somebody else set it meanwhile.
    pub(super) fn forget(&self) {
        *self.last.lock() = None;
    }

    pub(super) fn set(&self, number: u64) -> io::Result<()> {
        let mut last = self.last.lock();
        if *last == Some(number) {
            return Ok(());
        }
        self.file.write(&number.to_string())?;
        *last = Some(number);
        Ok(())
    }
}

/// The number after `key` in a text of `key number` lines.
pub(super) fn number_after(text: &str, key: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

/// Writes a control file once, by its path.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::number_after;

    #[test]
    fn a_number_is_found_by_its_whole_key() {
        let events = "low 0\noom 7\noom_kill 2\noom_group_kill 1\n";
        for (key, number) in [
            ("oom", Some(7)),
            ("oom_kill", Some(2)),
            ("oom_group_kill", Some(1)),
            ("max", None),
        ] {
            assert_eq!(number_after(events, key), number, "{key}");
        }
    }
}
