//! The parts of a process's memory, as `/proc/PID/smaps` tells of them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::{KeepError, has};

/// `PROT_WRITE`.
pub(super) const WRITE: u64 = 2;
/// Longest table that is read: some thousands of parts.
const TABLE_BYTES_MAX: u64 = 4 << 20;

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) start: u64,
    pub(super) end: u64,
    /// As `mmap` has them.
    pub(super) rights: u64,
    pub(super) shared: bool,
    pub(super) offset: u64,
    pub(super) name: Vec<u8>,
    /// The kernel empties it in copies: what random numbers are made of.
    pub(super) wiped: bool,
    /// Nothing of it has a page.
    pub(super) untouched: bool,
}

impl Part {
    /// True for what a child has of its zygote's, all of that or a piece.
    pub(super) fn is_of(&self, whole: &Self) -> bool {
        let within = whole.start <= self.start && self.end <= whole.end;
        within
            && self.rights == whole.rights
            && self.name == whole.name
            && self.offset == whole.offset + (self.start - whole.start)
    }

    pub(super) fn is_file(&self) -> bool {
        self.name.starts_with(b"/")
    }

    pub(super) fn length(&self) -> u64 {
        self.end - self.start
    }

    /// What the kernel puts into every process, at the same place in all children of a zygote.
    fn is_kernels(&self) -> bool {
        [&b"[vvar]"[..], b"[vvar_vclock]", b"[vdso]", b"[vsyscall]"].contains(&&*self.name)
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let mut words = line.splitn(6, |byte| *byte == b' ');
        let mut word = || std::str::from_utf8(words.next()?).ok();
        let (start, end) = word()?.split_once('-')?;
        let rights = word()?.as_bytes();
        let offset = word()?;
        word()?;
        word()?;
        let name = words.next().unwrap_or_default().trim_ascii_start();
        let right = |at: usize, letter: u8, value: u64| if rights.get(at) == Some(&letter) { value } else { 0 };
        Some(Self {
            start: u64::from_str_radix(start, 16).ok()?,
            end: u64::from_str_radix(end, 16).ok()?,
            rights: right(0, b'r', 1) | right(1, b'w', WRITE) | right(2, b'x', 4),
            shared: rights.get(3) == Some(&b's'),
            offset: u64::from_str_radix(offset, 16).ok()?,
            name: name.to_owned(),
            wiped: false,
            untouched: true,
        })
    }

    /// A line about it.
    fn learn(&mut self, line: &[u8]) {
        if let Some(flags) = line.strip_prefix(b"VmFlags:") {
            let mut flags = flags.split(|byte| *byte == b' ');
            self.wiped = flags.any(|flag| flag == b"wf" || flag == b"dp");
        } else if [&b"Rss:"[..], b"Swap:"].iter().any(|word| line.starts_with(word)) {
            self.untouched &= line.trim_ascii_end().ends_with(b" 0 kB");
        }
    }
}

/// All but the kernel's.
pub(super) fn read(process: &Path) -> Result<Vec<Part>, KeepError> {
    let mut text = Vec::new();
    let table = File::open(process.join("smaps"))?;
    table.take(TABLE_BYTES_MAX).read_to_end(&mut text)?;
    if text.len() as u64 == TABLE_BYTES_MAX {
        return Err(has("its memory is in too many pieces"));
    }
    let (mut parts, flagged) = parse(&text);
    if parts.is_empty() || flagged != parts.len() {
        return Err(io::Error::other("the kernel's table of memory is unknown").into());
    }
    parts.retain(|part| !part.is_kernels());
    Ok(parts)
}

/// The parts, and how many of them the kernel says the flags of.
fn parse(text: &[u8]) -> (Vec<Part>, usize) {
    let mut parts: Vec<Part> = Vec::new();
    let mut flagged = 0;
    for line in text.split(|byte| *byte == b'\n') {
        if let Some(part) = Part::parse(line) {
            parts.push(part);
        } else if let Some(part) = parts.last_mut() {
            part.learn(line);
            flagged += usize::from(line.starts_with(b"VmFlags:"));
        }
    }
    (parts, flagged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_read_as_it_writes_them() {
        let part = |line: &str| Part::parse(line.as_bytes());
        let file = part("7f10-7f20 r-xp 00001000 fe:01 1234                       /usr/lib/a b.so").expect("a part");
        assert_eq!(
            (file.start, file.end, file.rights, file.offset),
            (0x7f10, 0x7f20, 5, 0x1000)
        );
        assert!(file.is_file() && !file.shared && file.name == b"/usr/lib/a b.so");
        let heap = part("5000-6000 rw-p 00000000 00:00 0          [heap]").expect("a part");
        assert_eq!((heap.rights, &*heap.name), (3, &b"[heap]"[..]));
        assert!(
            part("1000-2000 rw-s 00000000 00:01 7 /dev/zero (deleted)")
                .expect("a part")
                .shared
        );
        assert_eq!(part("1000-2000 ---p 00000000 00:00 0 ").expect("a part").name, b"");
        assert_eq!(part("nonsense"), None);
    }

    #[test]
    fn what_was_touched_and_what_copies_do_not_get_is_told_from_the_lines_below() {
        let text = b"1000-2000 rw-p 00000000 00:00 0\nSize: 4 kB\nRss:                   4 kB\nSwap: 0 kB\nVmFlags: rd wr mr \n\
            2000-3000 rw-p 00000000 00:00 0\nRss:                   0 kB\nSwap:      0 kB\nVmFlags: rd wr wf \n\
            3000-4000 rw-p 00000000 00:00 0\nRss: 0 kB\nSwap:      4 kB\nVmFlags: rd dp \n";
        let (parts, flagged) = parse(text);
        let told: Vec<_> = parts.iter().map(|part| (part.untouched, part.wiped)).collect();
        assert_eq!((told, flagged), (vec![(false, false), (true, true), (false, true)], 3));
    }
}
