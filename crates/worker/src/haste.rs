//! Waiting awake for what comes within microseconds.
//!
//! Where a processor went to sleep, waking it takes longer than a small function runs: of a warm call's time most was
//! that. So whoever waits for such an answer stays awake a moment, if it is the only one that waits so: with more, others
//! need the processor, and keep it awake anyway. Calls that are not answered in frames, web functions' among them, are not
//! counted: what waits awake lets whoever is ready go first.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Longest time awake for an event's answer. A function that takes longer loses nothing by being waited for asleep.
pub(crate) const AWAKE_MAX: Duration = Duration::from_micros(100);

/// An answer that came within this, waited for awake or asleep, is one to wait for awake: waking up takes as long again.
/// With less, one that was late once would be waited for asleep, and so be late, for good.
pub(crate) const QUICK_MAX: Duration = AWAKE_MAX.saturating_mul(2);

/// What telling somebody takes at least where that wakes another processor, and has to get a virtual one running again or
/// a real one out of a deep sleep. What takes less was told to somebody who runs already, or is to run on this very
/// processor and cannot before this one sleeps: waiting awake would only be in the way. Measured: 1 to 2 us there, 6 to 12
/// us here.
const WAKING_MIN: Duration = Duration::from_micros(4);

/// Those that wait for an answer, awake or not.
static WAITING: AtomicUsize = AtomicUsize::new(0);
/// With one processor alone, whoever waits awake keeps away what is waited for.
static HAS_TWO: LazyLock<bool> = LazyLock::new(|| thread::available_parallelism().is_ok_and(|count| count.get() > 1));

/// Somebody's wait, counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Waiting(());

impl Waiting {
    pub(crate) fn begin() -> Self {
        WAITING.fetch_add(1, Ordering::Relaxed);
        Self(())
    }

    /// True where telling somebody took so long that waking this processor is to be spared.
    pub(crate) fn is_dear(telling: Duration) -> bool {
        telling >= WAKING_MIN
    }

    /// Tries again and again until something comes, for a moment, and gives it back. Not where others wait, too.
    pub(crate) fn awake<T>(&self, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
        let begun = Instant::now();
        while *HAS_TWO && WAITING.load(Ordering::Relaxed) == 1 && begun.elapsed() < AWAKE_MAX {
            if let Some(found) = attempt() {
                return Some(found);
            }
            // What is waited for may have been put onto this very processor.
            thread::yield_now();
        }
        None
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_come_is_given_up_and_what_comes_is_given_back() {
        let alone = Waiting::begin();
        assert_eq!(alone.awake(|| None::<u8>), None);
        if *HAS_TWO {
            let mut left = 3;
            let found = alone.awake(|| {
                left -= 1;
                (left == 0).then_some("answer")
            });
            // Another test may wait meanwhile.
            assert!(found.is_none_or(|found| found == "answer"));
        }
        let _other = Waiting::begin();
        assert_eq!(alone.awake(|| Some(1)), None);
    }
}
