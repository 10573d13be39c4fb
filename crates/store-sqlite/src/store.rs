//! The store's handle: hands writes to the writer's thread and reads to the pool.

use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use parking_lot::Mutex;
use skiff_store::{
    Change, Clock, Committed, Delivery, Doc, EngineOptions, Epoch, Key, NodeId, Op, Page, Prefix, QueueId, QueueStats,
    Rev, Store, StoreError, UsageQuery, UsageSum, check_ops,
};
use tokio::sync::{mpsc, oneshot};

use crate::ballast::Ballast;
use crate::connection::corrupt;
use crate::open::OpenError;
use crate::reader::{self, Readers};
use crate::writer::{Ask, Claim, Lease, Request, Writer};
use crate::{checkpoint, connection, filesystem, schema};

/// Requests that may wait for the writer; who comes later waits for a place.
const WAITING_MAX: usize = 4096;

/// A store in one file of a local disk. Keep other processes away from it with a lock of your own.
#[derive(Debug)]
pub struct SqliteStore {
    clock: Clock,
    readers: Readers,
    // Declared, and so dropped, before the threads: the writer ends when nobody can ask it any more.
    writer: Mutex<Option<mpsc::Sender<Request>>>,
    threads: Mutex<Threads>,
}

/// The writer's and the checkpoint's thread. Dropping them waits for their end.
#[derive(Debug, Default)]
struct Threads(Vec<JoinHandle<()>>);

impl Drop for Threads {
    fn drop(&mut self) {
        for thread in self.0.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }
}

impl SqliteStore {
    /// Opens the store in this file, whose folder must be there, and makes it when it is not.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(path, EngineOptions::default())
    }

    /// Opens the store, set up otherwise.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_with(path: &Path, options: EngineOptions) -> Result<Self, OpenError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        filesystem::refuse_network(folder.unwrap_or(Path::new(".")))?;
        let refused = |source| OpenError::Engine {
            path: path.to_owned(),
            source,
        };
        let mut conn = connection::open(path).map_err(refused)?;
        schema::migrate(&mut conn, path)?;
        let readers = Readers::open(path).map_err(refused)?;
        let (sender, requests) = mpsc::channel(WAITING_MAX);
        let clock = options.clock.clone();
        // If a later step fails, dropping what is there ends the threads.
        let mut threads = Threads::default();
        let folding = connection::open(path).map_err(refused)?;
        let (nudge, checkpoints) = checkpoint::start(folding).map_err(OpenError::Thread)?;
        threads.0.push(checkpoints);
        let writer = Writer::new(conn, options, nudge, Ballast::of(path)).map_err(refused)?;
        threads.0.insert(0, writer.start(requests).map_err(OpenError::Thread)?);
        Ok(Self {
            clock,
            readers,
            writer: Mutex::new(Some(sender)),
            threads: Mutex::new(threads),
        })
    }

    /// Finishes what was accepted, folds the log into the file and stops. What is asked later is refused.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the closing.
    pub async fn close(&self) {
        drop(self.writer.lock().take());
        self.readers.close();
        let threads = std::mem::take(&mut *self.threads.lock());
        if tokio::task::spawn_blocking(move || drop(threads)).await.is_err() {
            tracing::error!("the store's threads could not be waited for");
        }
    }

    /// Asks the writer and waits for its answer, which comes after the commit.
    async fn ask<Q, A>(&self, request: fn(Ask<Q, A>) -> Request, question: Q) -> Result<A, StoreError> {
        let writer = self.writer.lock().clone().ok_or(StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let request = request(Ask::new(question, reply));
        writer.send(request).await.map_err(|_| StoreError::Closed)?;
        // Or the writer would not end while somebody waits for it.
        drop(writer);
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, ops: Vec<Op>) -> Result<Committed, StoreError> {
        check_ops(&ops)?;
        self.ask(Request::Commit, ops).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Doc>, StoreError> {
        let key = key.clone();
        self.readers.read(move |conn| reader::get(conn, &key)).await
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Key>, limit: u32) -> Result<Page, StoreError> {
        let (prefix, after) = (prefix.clone(), after.cloned());
        let list = move |conn: &mut _| reader::list(conn, &prefix, after.as_ref(), limit);
        self.readers.read(list).await
    }

    async fn changes(&self, after: Rev, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.readers.read(move |conn| reader::changes(conn, after, limit)).await
    }

    async fn claim(
        &self,
        queue: &QueueId,
        n: u32,
        lease: Duration,
        _who: &NodeId,
    ) -> Result<Vec<Delivery>, StoreError> {
        let claim = Claim {
            queue: queue.clone(),
            n,
            lease,
        };
        self.ask(Request::Claim, claim).await
    }

    async fn queue_stats(&self, queue: &QueueId) -> Result<QueueStats, StoreError> {
        let (queue, now_ms) = (queue.clone(), self.clock.now().as_millisecond());
        self.readers
            .read(move |conn| reader::queue_stats(conn, &queue, now_ms))
            .await
    }

    async fn lease(&self, name: &str, who: &NodeId, ttl: Duration) -> Result<Option<Epoch>, StoreError> {
        let lease = Lease {
            name: name.to_owned(),
            who: who.clone(),
            ttl,
        };
        self.ask(Request::Lease, lease).await
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageSum>, StoreError> {
        let query = query.clone();
        self.readers.read(move |conn| reader::usage(conn, &query)).await
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        Timestamp::from_millisecond(self.clock.now().as_millisecond()).map_err(corrupt)
    }
}
