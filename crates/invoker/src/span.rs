//! The time of one run: how long it takes, and how much of that is billed.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::log::billed_ms;
use crate::meter::{Entry, Meter};

/// A run that goes on.
pub(crate) struct Span {
    since: Instant,
    /// Where its instance takes several events at once.
    entry: Option<(Arc<Mutex<Meter>>, Entry)>,
}

/// How long a run took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Time {
    pub duration: Duration,
    pub billed_ms: u64,
}

impl Time {
    /// Of a run that shares its time with no other.
    pub(crate) fn alone(duration: Duration) -> Self {
        Self {
            duration,
            billed_ms: billed_ms(duration),
        }
    }

    /// What it is at most.
    pub(crate) fn at_most(self, limit: Duration) -> Self {
        Self {
            duration: self.duration.min(limit),
            billed_ms: self.billed_ms.min(billed_ms(limit)),
        }
    }
}

impl Span {
    /// The event is handed over now.
    pub(crate) fn begin(meter: Option<&Arc<Mutex<Meter>>>) -> Self {
        let Some(meter) = meter else {
            let (since, entry) = (Instant::now(), None);
            return Self { since, entry };
        };
        let mut locked = meter.lock();
        let since = Instant::now();
        let entry = locked.enter(since);
        Self {
            since,
            entry: Some((Arc::clone(meter), entry)),
        }
    }

    /// It is over, after this time by the worker's clock, where the worker tells. The time of one that is shared is
    /// measured here, as that of all calls of its instance has to be told by one clock.
    pub(crate) fn end(&mut self, told: Option<Duration>) -> Time {
        let Some((meter, entry)) = self.entry.take() else {
            return Time::alone(told.unwrap_or_else(|| self.since.elapsed()));
        };
        let mut meter = meter.lock();
        let now = Instant::now();
        Time {
            duration: now - self.since,
            billed_ms: meter.leave(entry, now),
        }
    }
}
