//! Time as an engine sees it, and what else of an engine tests turn.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// Tells the time. Leases, delays and expiries follow it and no caller's clock.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Timestamp::now)
    }

    /// A clock of one's own.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

/// A clock that stands still until it is moved: time for tests.
#[derive(Debug, Clone)]
pub struct ManualClock {
    ms: Arc<AtomicI64>,
}

impl ManualClock {
    /// A clock that stands at this time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            ms: Arc::new(AtomicI64::new(now.as_millisecond())),
        }
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// The same clock, for an engine.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let ms = Arc::clone(&self.ms);
        Clock::new(move || Timestamp::from_millisecond(ms.load(Ordering::SeqCst)).unwrap_or(Timestamp::MAX))
    }
}

/// How an engine is set up.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Its time.
    pub clock: Clock,
    /// How many deletions the feed of changes remembers before it forgets the oldest tenth.
    pub deletions_max: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            deletions_max: 100_000,
        }
    }
}
