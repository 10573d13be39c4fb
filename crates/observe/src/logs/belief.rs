//! How far a clock is believed by those who remove things because of it.
//!
//! A clock that is set wrong for a moment, by hand or by a time server gone mad, must not cost a week of logs. So a time
//! is believed once the clock has said so for a while.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// A clock's readings, compared with a clock that cannot be set.
#[derive(Debug)]
pub(crate) struct Belief {
    wait: Duration,
    read: Option<(Instant, Timestamp)>,
}

impl Belief {
    /// Believes what the clock has said for `wait`.
    pub(crate) fn new(wait: Duration) -> Self {
        Self { wait, read: None }
    }

    /// The latest time that is sure to have come, of a clock that says `now`. None for the first reading: there is
    /// nothing to compare it with.
    pub(crate) fn latest(&mut self, now: Timestamp, at: Instant) -> Option<Timestamp> {
        let Some((read_at, read)) = self.read else {
            self.read = Some((at, now));
            return None;
        };
        let passed = at.saturating_duration_since(read_at);
        if passed >= self.wait {
            self.read = Some((at, now));
        }
        Some(now.min(read.saturating_add(passed).unwrap_or(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_of_the_clock_is_believed_when_it_has_lasted() {
        let mut belief = Belief::new(Duration::from_secs(600));
        let start = Instant::now();
        for (at_s, says_s, believed_s) in [
            (0, 0, None),
            (300, 300, Some(300)),
            (601, 601, Some(601)),
            // A month ahead, for a moment.
            (700, 2_592_700, Some(700)),
            (702, 702, Some(702)),
            // Behind, and for good.
            (1300, 100, Some(100)),
            (2000, 800, Some(800)),
            // Ahead, and for good.
            (2700, 90_000, Some(1500)),
            (3200, 90_500, Some(90_500)),
        ] {
            let believed = belief.latest(
                Timestamp::from_second(says_s).unwrap(),
                start + Duration::from_secs(at_s),
            );
            assert_eq!(believed.map(|time| time.as_second()), believed_s, "at {at_s} s");
        }
    }
}
