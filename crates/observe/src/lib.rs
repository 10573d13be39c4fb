//! What is known of every attempt: its log, its metrics, what it used.
//!
//! Owns the record after the invoker has handed it over ([`LogStore`] is the invoker's `Recorder`): kept, found again,
//! counted, metered, and forgotten when its time is over. Knows nothing of how a function runs.
//! Invariant: handing over a record never waits: not for a disk, not for a lock held over one, not for room.

mod logs;
mod metrics;
mod nameless;

pub use logs::LogStore;
pub use logs::config::LogStoreConfig;
pub use logs::error::{OpenError, QueryError};
pub use logs::query::{LogPage, LogQuery, Order, OrderBy, Outcome, REACH_MAX};
pub use metrics::{Counts, Metrics};
