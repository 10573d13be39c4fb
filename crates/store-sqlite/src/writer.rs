//! The one thread that writes. Whatever waits is done in one transaction and answered after its commit: one sync of
//! the disk for all of them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};
use skiff_store::{Clock, Committed, Delivery, EngineOptions, Epoch, LIMIT_MAX, NodeId, Op, QueueId, StoreError};
use tokio::sync::{mpsc, oneshot};

use crate::ballast::Ballast;
use crate::checkpoint::Nudge;
use crate::connection::engine;
use crate::transaction::{Counters, Transaction};

/// Operations of one transaction. More wait for the next, so that nobody waits long for the others'.
const BATCH_OPS_MAX: usize = 1024;
/// How often expired messages are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Something the writer is asked, and where the answer goes.
#[derive(Debug)]
pub(crate) struct Ask<Q, A> {
    question: Q,
    reply: oneshot::Sender<Result<A, StoreError>>,
    /// What was done, not yet committed.
    done: Option<Result<A, StoreError>>,
}

impl<Q, A> Ask<Q, A> {
    pub(crate) fn new(question: Q, reply: oneshot::Sender<Result<A, StoreError>>) -> Self {
        Self {
            question,
            reply,
            done: None,
        }
    }

    /// Answers. Who has gone meanwhile is not missed: what was done is done.
    fn answer(self, committed: Result<(), StoreError>) {
        let done = committed.and_then(|()| self.done.unwrap_or(Err(StoreError::Closed)));
        let _ = self.reply.send(done);
    }
}

/// What the writer is asked.
#[derive(Debug)]
pub(crate) enum Request {
    Commit(Ask<Vec<Op>, Committed>),
    Claim(Ask<Claim, Vec<Delivery>>),
    Lease(Ask<Lease, Option<Epoch>>),
}

/// See [`skiff_store::Store::claim`].
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) queue: QueueId,
    pub(crate) n: u32,
    pub(crate) lease: Duration,
}

/// See [`skiff_store::Store::lease`].
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) name: String,
    pub(crate) who: NodeId,
    pub(crate) ttl: Duration,
}

impl Request {
    fn weight(&self) -> usize {
        match self {
            Self::Commit(ask) => ask.question.len().max(1),
            Self::Claim(ask) => ask.question.n.clamp(1, LIMIT_MAX) as usize,
            Self::Lease(_) => 1,
        }
    }

    /// True for what makes room, sooner or later.
    fn removes(&self) -> bool {
        match self {
            Self::Commit(ask) => ask.question.iter().any(|op| matches!(op, Op::Delete { .. })),
            Self::Claim(_) | Self::Lease(_) => false,
        }
    }

    fn perform(&mut self, tx: &mut Transaction<'_>, now_ms: i64) -> rusqlite::Result<()> {
        match self {
            Self::Commit(ask) => ask.done = Some(tx.apply(&ask.question, now_ms)?),
            Self::Claim(ask) => ask.done = Some(Ok(tx.claim(&ask.question, now_ms)?)),
            Self::Lease(ask) => ask.done = Some(Ok(tx.lease(&ask.question, now_ms)?)),
        }
        Ok(())
    }

    fn answer(self, committed: Result<(), StoreError>) {
        match self {
            Self::Commit(ask) => ask.answer(committed),
            Self::Claim(ask) => ask.answer(committed),
            Self::Lease(ask) => ask.answer(committed),
        }
    }
}

fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

/// The thread's state.
#[derive(Debug)]
pub(crate) struct Writer {
    conn: Connection,
    counters: Counters,
    clock: Clock,
    deletions_max: usize,
    nudge: Nudge,
    ballast: Ballast,
    log_pages: Arc<AtomicU32>,
    next_sweep: Instant,
}

impl Writer {
    pub(crate) fn new(
        mut conn: Connection,
        options: EngineOptions,
        nudge: Nudge,
        ballast: Ballast,
    ) -> rusqlite::Result<Self> {
        let log_pages = Arc::new(AtomicU32::new(0));
        let pages_now = Arc::clone(&log_pages);
        conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
            pages_now.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self {
            counters: Counters::load(&conn)?,
            conn,
            clock: options.clock,
            deletions_max: options.deletions_max,
            nudge,
            ballast,
            log_pages,
            next_sweep: Instant::now(),
        })
    }

    /// Starts the thread. It ends when nobody can ask any more and everything asked is done.
    pub(crate) fn start(mut self, mut requests: mpsc::Receiver<Request>) -> io::Result<JoinHandle<()>> {
        thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
            while let Some(first) = requests.blocking_recv() {
                let mut weight = first.weight();
                let mut batch = vec![first];
                while weight < BATCH_OPS_MAX {
                    let Ok(request) = requests.try_recv() else { break };
                    weight += request.weight();
                    batch.push(request);
                }
                self.serve(batch);
                self.nudge.grown(self.log_pages.load(Ordering::Relaxed));
                self.ballast.tend();
            }
        })
    }

    /// Does a batch in one transaction. When the engine fails in it, each request gets one of its own, so that what
    /// one of them runs into does not hit the others.
    fn serve(&mut self, mut batch: Vec<Request>) {
        match self.write(&mut batch) {
            Ok(()) => batch.into_iter().for_each(|request| request.answer(Ok(()))),
            Err(_) if batch.len() > 1 => batch.into_iter().for_each(|request| self.serve(vec![request])),
            Err(error) if is_full(&error) && batch.iter().any(Request::removes) && self.ballast.give_up() => {
                self.serve(batch);
            }
            Err(error) => {
                tracing::error!(%error, "a write of the store failed");
                if let Some(request) = batch.pop() {
                    request.answer(Err(engine(error)));
                }
            }
        }
    }

    fn write(&mut self, batch: &mut [Request]) -> rusqlite::Result<()> {
        let mut tx = Transaction::begin(&self.conn, self.counters, self.deletions_max)?;
        for request in batch {
            request.perform(&mut tx, self.clock.now().as_millisecond())?;
        }
        if Instant::now() >= self.next_sweep && tx.sweep(self.clock.now().as_millisecond())? {
            self.next_sweep = Instant::now() + SWEEP_EVERY;
        }
        self.counters = tx.commit()?;
        Ok(())
    }
}
