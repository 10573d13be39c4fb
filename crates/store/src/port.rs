//! The trait every engine implements.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::doc::{Change, Doc, Page, Rev};
use crate::error::StoreError;
use crate::key::{Key, NodeId, Prefix, QueueId};
use crate::op::{Committed, Epoch, Op};
use crate::queue::{Delivery, QueueStats};
use crate::usage::{UsageQuery, UsageSum};

/// Records, queues, leases, timer firings and usage.
///
/// Every method sees everything whose commit has returned. Times are the engine's own, in whole milliseconds.
/// Being called never blocks a thread of the caller's runtime.
///
/// # Cancel safety
/// Reads are cancel safe. A write whose future is dropped may or may not happen; if it does, it happens whole.
#[async_trait]
pub trait Store: std::fmt::Debug + Send + Sync + 'static {
    /// Does all operations or none; durable before `Ok`. An empty commit changes nothing and returns the revision now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] with the first operation whose precondition does not hold; the limits' errors; the
    /// engine's.
    async fn commit(&self, ops: Vec<Op>) -> Result<Committed, StoreError>;

    /// A document.
    ///
    /// # Errors
    /// The engine's.
    async fn get(&self, key: &Key) -> Result<Option<Doc>, StoreError>;

    /// The documents whose keys begin with `prefix`, in order, behind `after` where given. At most
    /// [`crate::LIMIT_MAX`].
    ///
    /// # Errors
    /// The engine's.
    async fn list(&self, prefix: &Prefix, after: Option<&Key>, limit: u32) -> Result<Page, StoreError>;

    /// The documents changed after a revision, in the order of their last change, each once and as it is now. Nothing
    /// is left out. Commits are not cut: it returns whole ones until there are `limit` changes, and one commit even if
    /// it is larger. Empty: nothing changed.
    ///
    /// # Errors
    /// [`StoreError::Compacted`] when `after` is too long ago; the engine's.
    async fn changes(&self, after: Rev, limit: u32) -> Result<Vec<Change>, StoreError>;

    /// Takes up to `n` ready messages, those first that have been visible longest, and hides them for `lease`.
    /// At most [`crate::LIMIT_MAX`].
    ///
    /// # Errors
    /// The engine's.
    async fn claim(&self, queue: &QueueId, n: u32, lease: Duration, who: &NodeId) -> Result<Vec<Delivery>, StoreError>;

    /// What a queue holds.
    ///
    /// # Errors
    /// The engine's.
    async fn queue_stats(&self, queue: &QueueId) -> Result<QueueStats, StoreError>;

    /// Takes or renews a named lease until `ttl` from now; `None` when another node holds it. Renewed in time it keeps
    /// its epoch; taken, or taken again after it ran out, it has a new one. A `ttl` of zero gives it back.
    ///
    /// # Errors
    /// The engine's.
    async fn lease(&self, name: &str, who: &NodeId, ttl: Duration) -> Result<Option<Epoch>, StoreError>;

    /// Sums of the meter, ordered by time and function uid. Where a function had several names, one of them is given.
    ///
    /// # Errors
    /// The engine's.
    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageSum>, StoreError>;

    /// The engine's time: what its leases and delays follow.
    ///
    /// # Errors
    /// The engine's.
    async fn now(&self) -> Result<Timestamp, StoreError>;
}
