//! What is recorded and not sealed yet: closed segments, and the one that is written.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::segment::Segment;

/// Shared by the writer, who adds, the keeper, who takes away, and every search. Its lock is held for moments only.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf {
    inner: Arc<Mutex<Unsealed>>,
    closed: Arc<Notify>,
}

/// A moment of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unsealed {
    /// Oldest first.
    pub(crate) closed: Vec<Segment>,
    /// The segment being written.
    pub(crate) active_seq: u64,
    /// Its frames, in pieces as they were appended: a search needs no file for the latest records.
    pub(crate) active: Vec<Bytes>,
    /// When its first record was appended.
    pub(crate) active_since: Option<Timestamp>,
}

impl Unsealed {
    /// The segments a search has found here, and need not look for among the sealed.
    pub(crate) fn holds(&self, seq: u64) -> bool {
        seq >= self.active_seq || self.closed.iter().any(|segment| segment.seq == seq)
    }
}

impl Shelf {
    /// The state recovery found.
    pub(crate) fn new(unsealed: Unsealed) -> Self {
        Self {
            inner: Arc::new(Mutex::new(unsealed)),
            closed: Arc::default(),
        }
    }

    /// Whoever holds it.
    #[cfg(test)]
    pub(crate) fn holders(&self) -> &Arc<impl Sized> {
        &self.inner
    }

    /// What is there now. Everything is seen once: here, or among the sealed by who looks there afterwards.
    pub(crate) fn snapshot(&self) -> Unsealed {
        self.inner.lock().clone()
    }

    /// Frames that were appended to the active segment.
    pub(crate) fn appended(&self, frames: Bytes, now: Timestamp) {
        let mut inner = self.inner.lock();
        inner.active.push(frames);
        inner.active_since.get_or_insert(now);
    }

    /// The active segment is full; another one follows.
    pub(crate) fn rotated(&self, closed: Segment, next_seq: u64) {
        let mut inner = self.inner.lock();
        inner.closed.push(closed);
        inner.active_seq = next_seq;
        inner.active.clear();
        inner.active_since = None;
        self.closed.notify_one();
    }

    /// A closed segment can be found among the sealed from now on.
    pub(crate) fn sealed(&self, seq: u64) {
        self.inner.lock().closed.retain(|segment| segment.seq != seq);
    }

    /// The oldest closed segment.
    pub(crate) fn oldest_closed(&self) -> Option<Segment> {
        self.inner.lock().closed.first().cloned()
    }

    /// The oldest closed segment, when the closed ones together are larger than this.
    pub(crate) fn oldest_beyond(&self, bytes_max: u64) -> Option<Segment> {
        let inner = self.inner.lock();
        let total: u64 = inner.closed.iter().map(|segment| segment.size).sum();
        inner.closed.first().filter(|_| total > bytes_max).cloned()
    }

    /// The active segment, if its first record was appended before this time.
    pub(crate) fn active_older_than(&self, time: Timestamp) -> Option<u64> {
        let inner = self.inner.lock();
        inner
            .active_since
            .filter(|since| *since <= time)
            .map(|_| inner.active_seq)
    }

    /// Returns when a segment was closed since the last call.
    pub(crate) async fn wait_closed(&self) {
        self.closed.notified().await;
    }
}
