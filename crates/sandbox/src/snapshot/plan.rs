//! What is to be done to become a process, and the file that says so.
//!
//! A mapping costs some microseconds whatever its size, a page that nobody looks at nothing: so pieces of memory that lie
//! near each other are taken as one, with what lies between them.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::pages::{PAGE, Pages};
use super::parts::{Part, WRITE};
use super::{KeepError, has};
use crate::cell::snapshot::{AT, Act, Head, MEANWHILE, act};

/// Most memory that is kept.
const BYTES_MAX: u64 = 256 << 20;
/// Most that all parts together may span whose pages are looked at: some tenths of a second of the server's time.
const SPAN_BYTES_MAX: u64 = 64 << 30;
/// Pieces no further apart are one.
const GAP: u64 = 64 * PAGE;

/// The acts, in the order they are done.
#[derive(Debug, Default)]
pub(super) struct Plan {
    acts: Vec<Act>,
    paths: Vec<u8>,
    /// Where the path that was last added begins.
    path: usize,
    /// Bytes of memory that are kept so far.
    bytes: u64,
}

impl Plan {
    /// For a process with these parts, whose zygote has those.
    pub(super) fn of(own: &[Part], base: &[Part], process: &Path) -> Result<Self, KeepError> {
        let pages = Pages::of(process)?;
        let mut plan = Self::default();
        let looked_at = own.iter().filter(|part| !part.untouched);
        if looked_at.fold(0_u64, |span, part| span.saturating_add(part.length())) > SPAN_BYTES_MAX {
            return Err(has("its memory is spread over too much"));
        }
        for part in own {
            let inherited = base.iter().any(|of_all| part.is_of(of_all));
            check(part, inherited)?;
            let is_its_own = !part.wiped && !part.untouched;
            // What is copied is copied in the time of a start.
            let gap = if part.name == b"[stack]" { 0 } else { GAP };
            let changed = if is_its_own {
                pages.changed(part, gap)?
            } else {
                Vec::new()
            };
            plan.add(part, inherited, &changed);
            if plan.bytes > BYTES_MAX {
                return Err(has(format!("it has more than {} MB of memory", BYTES_MAX >> 20)));
            }
        }
        Ok(plan)
    }

    fn add(&mut self, part: &Part, inherited: bool, changed: &[(u64, u64)]) {
        let of = |kind, start, length, offset| Act {
            kind,
            start,
            length,
            rights: part.rights,
            offset,
            path: 0,
        };
        let whole = of(act::FRESH, part.start, part.length(), 0);
        let is_replaced = *changed == [(part.start, part.length())];
        let mut content = act::CONTENT;
        match &*part.name {
            _ if part.wiped => self.acts.push(Act {
                kind: act::WIPED,
                ..whole
            }),
            // Copied onto, so that it stays one that grows.
            b"[stack]" => content = act::COPY,
            b"[heap]" => {
                self.acts.push(of(act::HEAP, part.end, 0, 0));
                if !is_replaced {
                    self.acts.push(whole);
                }
            }
            _ if is_replaced => {}
            _ if part.is_file() && inherited => {
                if part.rights & WRITE != 0 || !changed.is_empty() {
                    self.acts.push(Act {
                        kind: act::FORGET,
                        ..whole
                    });
                }
            }
            name if part.is_file() => {
                let path = self.path_of(name);
                self.acts.push(Act {
                    path,
                    ..of(act::FILE, part.start, part.length(), part.offset)
                });
            }
            _ => self.acts.push(whole),
        }
        for (start, length) in changed {
            self.acts.push(of(content, *start, *length, self.bytes));
            self.bytes += length;
        }
    }

    /// Where a path is among the paths. The parts of a file follow each other.
    fn path_of(&mut self, name: &[u8]) -> u64 {
        let last = self.paths.get(self.path..).unwrap_or_default();
        if last.strip_suffix(b"\0") != Some(name) {
            self.path = self.paths.len();
            self.paths.extend(name);
            self.paths.push(0);
        }
        self.path as u64
    }

    /// Writes the file. Offsets become those of the file. Gives back how long it is.
    pub(super) fn write(mut self, memory: &File, path: &Path) -> io::Result<u64> {
        let head = (size_of::<Head>() + size_of::<Act>() * self.acts.len()) as u64;
        let content = (head + self.paths.len() as u64).next_multiple_of(PAGE);
        let length = content + self.bytes;
        let mut text = Vec::with_capacity(usize::try_from(content).unwrap_or_default());
        for word in [length, self.acts.len() as u64] {
            text.extend(word.to_ne_bytes());
        }
        for one in &mut self.acts {
            match one.kind {
                act::FILE => one.path += head,
                act::CONTENT | act::COPY => one.offset += content,
                _ => {}
            }
            for word in [one.kind, one.start, one.length, one.rights, one.offset, one.path] {
                text.extend(word.to_ne_bytes());
            }
        }
        text.extend(&self.paths);
        let mut file = File::create(path)?;
        file.write_all(&text)?;
        file.set_len(length)?;
        let is_kept = |one: &&Act| [act::CONTENT, act::COPY].contains(&one.kind);
        for one in self.acts.iter().filter(is_kept) {
            file.seek(io::SeekFrom::Start(one.offset))?;
            copy(memory, one.start, one.length, &mut file)?;
        }
        Ok(length)
    }
}

fn copy(memory: &File, start: u64, length: u64, file: &mut File) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    while done < length {
        let once = usize::try_from(length - done).unwrap_or(buffer.len()).min(buffer.len());
        memory.read_exact_at(&mut buffer[..once], start + done)?;
        file.write_all(&buffer[..once])?;
        done += once as u64;
    }
    Ok(())
}

/// Whether a part can be kept.
fn check(part: &Part, inherited: bool) -> Result<(), KeepError> {
    let name = || String::from_utf8_lossy(&part.name);
    // A file that is only read, like the C library's tables of encodings, is as good as private.
    if part.shared && (part.rights & WRITE != 0 || !part.is_file()) {
        return Err(has(format!("it shares memory, {}", name())));
    }
    if part.start < (AT as u64) + BYTES_MAX * 2 && part.end > MEANWHILE as u64 {
        return Err(has("its memory is where the snapshot would be"));
    }
    let is_gone = [&b"/tmp/"[..], b"/dev/", b"/proc/"]
        .iter()
        .any(|folder| part.name.starts_with(folder));
    if (is_gone || part.name.ends_with(b" (deleted)")) && !inherited {
        return Err(has(format!("it has {} in its memory", name())));
    }
    Ok(())
}
