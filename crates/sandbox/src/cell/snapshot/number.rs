//! The number of the one thread, as the C library keeps it beside what the thread pointer points to.
//!
//! What becomes a kept process has another number than that. The C library takes the one it knows for its locks' owner, and
//! a thread that is begun later may get that very number from the kernel. Where it keeps it is its own affair, and is
//! learnt by a fork: it is what was the parent's number before and is the child's after.

use super::super::raw;

/// Words looked at: the C library's block is smaller.
const WORDS: usize = 512;
/// Most words that may be it before the fork, and are noted.
const NOTED_MAX: usize = 32;

/// Where the number may be, in words from the beginning of what is looked at.
pub struct Number {
    words: [usize; NOTED_MAX],
    count: usize,
}

impl Number {
    /// Nothing is known yet.
    pub const NONE: Self = Self {
        words: [0; NOTED_MAX],
        count: 0,
    };

    /// Before the fork.
    ///
    /// # Safety
    /// The process has one thread, and that was begun by the C library.
    pub unsafe fn note(&mut self) {
        let number = raw::thread_number();
        self.count = 0;
        for word in 0..WORDS {
            // SAFETY: the caller's own.
            if unsafe { at(word).read() } == number && self.count < NOTED_MAX {
                self.words[self.count] = word;
                self.count += 1;
            }
        }
    }

    /// In the child. False where nothing has changed as the number has.
    ///
    /// # Safety
    /// As of [`Self::note`].
    pub unsafe fn learn(&mut self) -> bool {
        let number = raw::thread_number();
        let mut left = 0;
        for index in 0..self.count {
            let word = self.words[index];
            // SAFETY: the caller's own.
            if unsafe { at(word).read() } == number {
                self.words[left] = word;
                left += 1;
            }
        }
        self.count = left;
        left > 0
    }

    /// In a process that has become this one: the number is its own.
    ///
    /// # Safety
    /// As of [`Self::note`].
    pub unsafe fn give(&self) {
        for word in self.words.iter().take(self.count) {
            // SAFETY: the caller's own; the C library's fork does the same.
            unsafe { at(*word).write(raw::thread_number()) };
        }
    }
}

/// The block is at the pointer here, and before it there.
fn at(word: usize) -> *mut i32 {
    let begin = if cfg!(target_arch = "aarch64") {
        raw::thread_pointer() - WORDS * size_of::<i32>()
    } else {
        raw::thread_pointer()
    };
    core::ptr::with_exposed_provenance_mut(begin + word * size_of::<i32>())
}
