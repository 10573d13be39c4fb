//! The model: a store in memory that says what the promises mean. For tests and simulation.
//!
//! It is written to be read, not to be fast: a commit works on a copy of everything and replaces it at the end, so
//! that all-or-nothing needs no argument.

mod state;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use parking_lot::Mutex;

use crate::check::check_ops;
use crate::clock::EngineOptions;
use crate::doc::{Change, Doc, Page, Rev};
use crate::error::StoreError;
use crate::key::{Key, NodeId, Prefix, QueueId};
use crate::op::{Committed, Epoch, Op};
use crate::port::Store;
use crate::queue::{Delivery, QueueStats};
use crate::usage::{UsageQuery, UsageSum};
use state::State;

/// A store that forgets everything when it is dropped.
#[derive(Debug, Default)]
pub struct MemStore {
    options: EngineOptions,
    state: Mutex<State>,
}

impl MemStore {
    /// An empty store on the machine's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store set up otherwise.
    #[must_use]
    pub fn with(options: EngineOptions) -> Self {
        Self {
            options,
            state: Mutex::default(),
        }
    }

    fn now_ms(&self) -> i64 {
        self.options.clock.now().as_millisecond()
    }

    /// Changes a copy and keeps it only when that went well.
    fn write<T>(&self, change: impl FnOnce(&mut State, i64) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let now_ms = self.now_ms();
        let mut state = self.state.lock();
        let mut next = state.clone();
        next.forget_expired(now_ms);
        let done = change(&mut next, now_ms)?;
        *state = next;
        Ok(done)
    }
}

#[async_trait]
impl Store for MemStore {
    async fn commit(&self, ops: Vec<Op>) -> Result<Committed, StoreError> {
        check_ops(&ops)?;
        self.write(|state, now_ms| state.commit(ops, now_ms, self.options.deletions_max))
    }

    async fn get(&self, key: &Key) -> Result<Option<Doc>, StoreError> {
        Ok(self.state.lock().get(key))
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Key>, limit: u32) -> Result<Page, StoreError> {
        Ok(self.state.lock().list(prefix, after, limit))
    }

    async fn changes(&self, after: Rev, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.state.lock().changes(after, limit)
    }

    async fn claim(
        &self,
        queue: &QueueId,
        n: u32,
        lease: Duration,
        _who: &NodeId,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.write(|state, now_ms| Ok(state.claim(queue, n, lease, now_ms)))
    }

    async fn queue_stats(&self, queue: &QueueId) -> Result<QueueStats, StoreError> {
        Ok(self.state.lock().queue_stats(queue, self.now_ms()))
    }

    async fn lease(&self, name: &str, who: &NodeId, ttl: Duration) -> Result<Option<Epoch>, StoreError> {
        self.write(|state, now_ms| Ok(state.lease(name, who, ttl, now_ms)))
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageSum>, StoreError> {
        Ok(self.state.lock().usage(query))
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        Timestamp::from_millisecond(self.now_ms()).map_err(|error| StoreError::Engine(error.into()))
    }
}
