//! The log store: one record per attempt, in a local log until it is sealed into a blob.
//!
//! ```text
//! record() -> mailbox -> writer -> segment file, shelf, meter          never waits; a thread appends
//!                                      |closed
//!                                    keeper -> chunk (blob), index and usage rows (store); retention
//! query()  -> mailbox (what was posted before is appended) -> shelf, then index and chunks
//! ```

mod belief;
pub(crate) mod config;
pub(crate) mod error;
#[cfg(test)]
pub(crate) mod fixtures;
mod frame;
mod index;
mod keeper;
mod mailbox;
mod meter;
pub(crate) mod query;
mod recovery;
mod search;
mod segment;
mod shelf;
mod syncer;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;
use std::thread;

use object_store::ObjectStore;
use parking_lot::Mutex;
use skiff_domain::AttemptRecord;
use skiff_invoker::Recorder;
use skiff_store::{NodeId, Store};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::metrics::Metrics;
pub(crate) use mailbox::Dropped;
pub(crate) use meter::is_throttle;

use belief::Belief;
use config::LogStoreConfig;
use error::{OpenError, QueryError};
use keeper::{Flush, Keeper};
use mailbox::{Letter, Mailbox};
use query::{LogPage, LogQuery};
use recovery::Recovered;
use search::Search;
use shelf::Shelf;
use syncer::Syncer;
use writer::Writer;

/// The log store's handle. Cheap to clone. Let it go with [`LogStore::shutdown`].
#[derive(Debug, Clone)]
pub struct LogStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    blobs: Arc<dyn ObjectStore>,
    store: Arc<dyn Store>,
    node: NodeId,
    metrics: Metrics,
    mailbox: Mailbox,
    shelf: Shelf,
    work: Mutex<Option<Work>>,
}

/// What runs for the store.
#[derive(Debug)]
struct Work {
    writer: thread::JoinHandle<()>,
    keeper: JoinHandle<()>,
    flushes: mpsc::Sender<Flush>,
}

impl LogStore {
    /// Opens the logs below `config.dir`, takes up what a killed process left there, and starts keeping records.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(config: LogStoreConfig) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io {
            path: config.dir.clone(),
            source,
        };
        let Recovered {
            active,
            shelf,
            meter,
            metered,
            chunks,
        } = recovery::recover(&config).await?;
        let (mailbox, letters) = mailbox::new(config.metrics.dropped().clone());
        let writer = Writer {
            dir: config.dir.clone(),
            segment: active,
            segment_bytes: config.segment_bytes,
            clock: config.clock.clone(),
            shelf: shelf.clone(),
            meter: meter.clone(),
            dropped: config.metrics.dropped().clone(),
            syncer: Syncer::start(config.sync_interval).map_err(io)?,
        };
        let keeper = Keeper {
            blobs: Arc::clone(&config.blobs),
            store: Arc::clone(&config.store),
            node: config.node.clone(),
            clock: config.clock,
            retention_age: config.retention_age,
            retention_bytes: config.retention_bytes,
            retention_interval: config.retention_interval,
            belief: Belief::new(config.retention_interval),
            segment_age: config.segment_age,
            shelf: shelf.clone(),
            mailbox: mailbox.clone(),
            meter,
            metered,
            chunks,
        };
        let (flushes, asked) = mpsc::channel(16);
        let work = Work {
            writer: writer.start(letters).map_err(io)?,
            keeper: tokio::spawn(keeper.run(asked)),
            flushes,
        };
        Ok(Self(Arc::new(Inner {
            blobs: config.blobs,
            store: config.store,
            node: config.node,
            metrics: config.metrics,
            mailbox,
            shelf,
            work: Mutex::new(Some(work)),
        })))
    }

    /// The records that match, as they are now: everything recorded before the question is found.
    ///
    /// # Errors
    /// See [`QueryError`].
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn query(&self, query: &LogQuery) -> Result<LogPage, QueryError> {
        let (appended, done) = oneshot::channel();
        if self.0.mailbox.send(Letter::Appended(appended)).await {
            done.await.map_err(|_| QueryError::Closed)?;
        } else {
            return Err(QueryError::Closed);
        }
        let search = Search {
            // Before the index is asked: see `Shelf::snapshot`.
            unsealed: self.0.shelf.snapshot(),
            blobs: Arc::clone(&self.0.blobs),
            store: Arc::clone(&self.0.store),
            node: self.0.node.clone(),
        };
        search.run(query).await
    }

    /// The metrics the records are counted in.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Returns when everything recorded so far is on disk, and the keeper has tried to meter it and to seal what is to
    /// be sealed. What it failed at is logged, and tried again later.
    pub async fn flush(&self) {
        let (synced, done) = oneshot::channel();
        if self.0.mailbox.send(Letter::Synced(synced)).await {
            let _ = done.await;
        }
        let flushes = self.0.work.lock().as_ref().map(|work| work.flushes.clone());
        let (flush, done) = oneshot::channel();
        if let Some(flushes) = flushes
            && flushes.send(flush).await.is_ok()
        {
            let _ = done.await;
        }
    }

    /// Writes down what was recorded and stops. What is recorded later is counted as dropped.
    pub async fn shutdown(&self) {
        let Some(work) = self.0.work.lock().take() else { return };
        self.0.mailbox.send(Letter::Stop).await;
        let writer = tokio::task::spawn_blocking(|| work.writer.join()).await;
        if !matches!(writer, Ok(Ok(()))) {
            tracing::error!("the thread that writes the logs panicked");
        }
        // The keeper's last round comes after the writer's last record.
        drop(work.flushes);
        if work.keeper.await.is_err() {
            tracing::error!("the task that keeps the logs panicked");
        }
    }
}

impl Recorder for LogStore {
    fn record(&self, record: AttemptRecord) {
        self.0.metrics.observe(&record);
        self.0.mailbox.post(record);
    }
}
