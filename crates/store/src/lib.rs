//! Everything Skiff must not lose, behind one trait: records, queues, leases, timer firings, usage.
//!
//! Owns what a store promises ([`Store`]), the model that says what the promises mean ([`MemStore`]) and the suite
//! that holds every engine to them (`conformance`, a feature for tests). Names no engine.
//! Invariant: [`Store::commit`] is the only write of records, and there is no way to do half of one.

mod check;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod doc;
mod error;
mod key;
mod mem;
mod op;
mod port;
mod queue;
mod usage;

pub use check::check_ops;
pub use clock::{Clock, EngineOptions, ManualClock};
pub use doc::{Change, Doc, Entry, Page, Rev};
pub use error::StoreError;
pub use key::{DedupId, InvalidKey, Key, NodeId, Prefix, QueueId};
pub use mem::MemStore;
pub use op::{Committed, Epoch, Expect, How, Op};
pub use port::Store;
pub use queue::{Delivery, MessageId, QueueStats, Receipt};
pub use usage::{Bucket, COUNT_MAX, UsageBy, UsageCounts, UsageQuery, UsageRow, UsageSum};

/// Largest value of a document and largest body of a message, in bytes: 1 MiB. Larger things are blobs.
pub const VALUE_BYTES_MAX: usize = 1024 * 1024;
/// Most operations of one commit: what one transaction of the embedded engine writes in a few milliseconds.
pub const OPS_MAX: usize = 4096;
/// Most entries of one page and most messages of one claim. A larger wish is cut to this.
pub const LIMIT_MAX: u32 = 1000;
/// Longest duration an operation may name: ten years. Keeps every sum of times in range.
pub const DURATION_MAX: std::time::Duration = std::time::Duration::from_secs(10 * 365 * 24 * 3600);
