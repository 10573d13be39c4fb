//! Which pages of a process's memory are its own, as `/proc/PID/pagemap` tells.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::parts::Part;

/// Bytes of a page.
pub(super) const PAGE: u64 = 4096;
/// Pages looked at in one go.
const LOOK: usize = 8192;
/// Bits of an entry (`Documentation/admin-guide/mm/pagemap.rst`).
const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;
const OF_A_FILE: u64 = 1 << 61;

/// A piece of memory: where it begins, and how long it is.
pub(super) type Run = (u64, u64);

/// The table of one process.
#[derive(Debug)]
pub(super) struct Pages(File);

impl Pages {
    pub(super) fn of(process: &Path) -> io::Result<Self> {
        Ok(Self(File::open(process.join("pagemap"))?))
    }

    /// The runs of a part that are the process's own content and of no file. Those no further apart than the gap are one,
    /// as is what is left at the ends of the part.
    pub(super) fn changed(&self, part: &Part, gap: u64) -> io::Result<Vec<Run>> {
        let mut runs: Vec<Run> = Vec::new();
        let mut words = vec![0; LOOK * 8];
        let mut at = part.start;
        while at < part.end {
            let count = LOOK.min(usize::try_from((part.end - at) / PAGE).unwrap_or(LOOK));
            let words = words.get_mut(..count * 8).unwrap_or_default();
            self.0.read_exact_at(words, at / PAGE * 8)?;
            for word in words.as_chunks::<8>().0 {
                let word = u64::from_ne_bytes(*word);
                if word & SWAPPED != 0 || (word & PRESENT != 0 && word & OF_A_FILE == 0) {
                    extend(&mut runs, at, gap);
                }
                at += PAGE;
            }
        }
        if let Some((start, length)) = runs.first_mut()
            && *start - part.start <= gap
        {
            *length += *start - part.start;
            *start = part.start;
        }
        if let Some((start, length)) = runs.last_mut()
            && part.end - (*start + *length) <= gap
        {
            *length = part.end - *start;
        }
        Ok(runs)
    }
}

/// Takes a page into the last run, if it is near that.
fn extend(runs: &mut Vec<Run>, at: u64, gap: u64) {
    match runs.last_mut() {
        Some((start, length)) if at - (*start + *length) <= gap => *length = at + PAGE - *start,
        _ => runs.push((at, PAGE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_near_each_other_are_one_run() {
        let mut runs = Vec::new();
        for page in [10, 11, 20, 21 + 64, 22 + 64 + 65] {
            extend(&mut runs, page * PAGE, 64 * PAGE);
        }
        assert_eq!(
            runs,
            [(10 * PAGE, (21 + 64 - 10 + 1) * PAGE), ((22 + 64 + 65) * PAGE, PAGE)]
        );
    }
}
