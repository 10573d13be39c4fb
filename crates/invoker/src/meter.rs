//! What the calls of an instance that takes several at once are billed: time in which they overlap counts once.
//!
//! Of the calls that run at a moment, the one that began first is billed for it, and no other. So nobody is billed for
//! more than it ran, and the sum is exactly the time in which the instance ran anything: a stretch of time without a
//! gap is rounded up to a whole millisecond once, as a call is that runs alone.
//!
//! Pure: time comes in as `now`, never earlier than before.

use std::collections::VecDeque;

use tokio::time::Instant;

use crate::log::billed_ms;

/// The calls of one instance.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// In the order they began. The first one is billed.
    running: VecDeque<Entry>,
    stretch: Option<Stretch>,
    entries: u64,
}

/// Time in which something runs all along.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    since: Instant,
    billed_ms: u64,
}

/// A call that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry(u64);

impl Meter {
    /// A call begins.
    pub(crate) fn enter(&mut self, now: Instant) -> Entry {
        let entry = Entry(self.entries);
        self.entries += 1;
        self.running.push_back(entry);
        self.stretch.get_or_insert(Stretch {
            since: now,
            billed_ms: 0,
        });
        entry
    }

    /// A call ends. Returns what it is billed, in ms.
    pub(crate) fn leave(&mut self, entry: Entry, now: Instant) -> u64 {
        let Ok(at) = self.running.binary_search(&entry) else {
            return 0;
        };
        self.running.remove(at);
        let mut bill = 0;
        if at == 0
            && let Some(stretch) = &mut self.stretch
        {
            let so_far = billed_ms(now - stretch.since);
            bill = so_far - stretch.billed_ms;
            stretch.billed_ms = so_far;
        }
        if self.running.is_empty() {
            self.stretch = None;
        }
        bill
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    /// What calls are billed that run from and until these moments, in tenths of a millisecond.
    fn bills(calls: &[(u64, u64)]) -> Vec<u64> {
        let began = Instant::now();
        let mut meter = Meter::default();
        let mut entries = vec![None; calls.len()];
        let mut bills = vec![0; calls.len()];
        for tenth in 0..=calls.iter().map(|call| call.1).max().unwrap_or(0) {
            let now = began + Duration::from_micros(tenth * 100);
            // Who comes when another goes leaves no gap.
            let comes = calls.iter().enumerate().filter(|(_, (from, _))| *from == tenth);
            comes.for_each(|(at, _)| entries[at] = Some(meter.enter(now)));
            let goes = calls.iter().enumerate().filter(|(_, (_, until))| *until == tenth);
            goes.for_each(|(at, _)| bills[at] = meter.leave(entries[at].expect("it runs"), now));
        }
        bills
    }

    #[test]
    fn the_call_that_began_first_is_billed_for_the_time_it_shares() {
        for (calls, billed) in [
            (vec![(0, 101)], vec![11]),
            (vec![(0, 100), (20, 40)], vec![10, 0]),
            (vec![(0, 50), (20, 90)], vec![5, 4]),
            (vec![(0, 21), (50, 81)], vec![3, 4]),
            (vec![(0, 50), (10, 90), (20, 70)], vec![5, 4, 0]),
            (vec![(0, 50), (10, 60), (20, 90)], vec![5, 1, 3]),
            // Calls that end one just after the other.
            (vec![(0, 11), (0, 12), (0, 13), (0, 14), (0, 21)], vec![2, 0, 0, 0, 1]),
        ] {
            assert_eq!(bills(&calls), billed, "{calls:?}");
        }
    }

    proptest! {
        #[test]
        fn the_sum_is_the_time_in_which_anything_ran(calls in prop::collection::vec((0..300_u64, 1..100_u64), 1..12)) {
            let calls: Vec<_> = calls.into_iter().map(|(from, time)| (from, from + time)).collect();
            let bills = bills(&calls);
            let runs = |tenth: u64| calls.iter().any(|(from, until)| (*from..*until).contains(&tenth));
            let (mut union, mut stretch) = (0, 0_u64);
            for tenth in 0..=400 {
                if runs(tenth) {
                    stretch += 1;
                } else {
                    union += stretch.div_ceil(10);
                    stretch = 0;
                }
            }
            prop_assert_eq!(bills.iter().sum::<u64>(), union);
            for (bill, (from, until)) in bills.iter().zip(&calls) {
                prop_assert!(*bill <= (until - from).div_ceil(10), "nobody is billed for more than it ran");
            }
        }
    }
}
