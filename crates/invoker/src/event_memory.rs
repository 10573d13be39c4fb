//! How much memory the events of all calls may take that wait or run: each counts until its call has ended.
//!
//! One atomic number, and not even that for a small event: so many of those as may be under way on an instance take a tenth
//! of the least memory a function has, which is counted.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Up to this size an event is not counted. The edges take it for small, too: it comes without waiting for a place.
const SMALL_BYTES_MAX: usize = 64 * 1024;

/// What may be taken, and what is.
#[derive(Debug)]
pub(crate) struct EventMemory {
    bytes_max: usize,
    used: AtomicUsize,
}

/// There is no room for an event (429).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoRoom {
    /// Its size.
    pub(crate) bytes: usize,
    /// What all may take.
    pub(crate) bytes_max: usize,
}

/// An event's part, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    memory: &'a EventMemory,
    bytes: usize,
}

impl EventMemory {
    pub(crate) const fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            used: AtomicUsize::new(0),
        }
    }

    /// Takes room for an event.
    pub(crate) fn hold(&self, bytes: usize) -> Result<Held<'_>, NoRoom> {
        if bytes <= SMALL_BYTES_MAX {
            return Ok(Held { memory: self, bytes: 0 });
        }
        let more = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.bytes_max);
        // Nothing else is read or written by this number's leave.
        match self.used.try_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(Held { memory: self, bytes }),
            Err(_) => Err(NoRoom {
                bytes,
                bytes_max: self.bytes_max,
            }),
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.memory.used.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_events_are_let_in_up_to_the_limit_and_small_ones_always() {
        const LARGE: usize = SMALL_BYTES_MAX + 1;
        let memory = EventMemory::new(2 * LARGE);
        let first = memory.hold(LARGE).unwrap();
        let _second = memory.hold(LARGE).unwrap();
        let refused = NoRoom {
            bytes: LARGE,
            bytes_max: 2 * LARGE,
        };
        assert_eq!(memory.hold(LARGE).unwrap_err(), refused);
        assert!(memory.hold(SMALL_BYTES_MAX).is_ok());
        drop(first);
        assert!(memory.hold(LARGE + 1).is_err(), "one byte too many");
        drop(memory.hold(LARGE).unwrap());
        drop(memory.hold(LARGE).unwrap());
        assert!(memory.hold(usize::MAX).is_err());
    }
}
