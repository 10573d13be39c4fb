//! The task behind the writer: seals closed segments into chunks, writes the meter down, forgets what is too old.
//!
//! Everything it does can be done again. A segment stays in the local log until its chunk is known to the store, and a
//! chunk's name follows from its segment; so a process killed in between leaves nothing to mend but the same work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use skiff_store::{Clock, Expect, Key, NodeId, OPS_MAX, Op, Store, StoreError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::belief::Belief;
use super::index::{self, ChunkId, ChunkRow, Summary, nanoseconds};
use super::mailbox::{Letter, Mailbox};
use super::meter::{Meter, Metered};
use super::segment::Segment;
use super::shelf::Shelf;

/// How often it looks around.
const TICK: Duration = Duration::from_secs(1);
/// Longest pause after failures in a row.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Higher levels cost more than they save on logs (measured: level 3 packs 800 k lines a second).
const ZSTD_LEVEL: i32 = 3;

/// Asks the keeper to do now what is due, and to write the meter down.
pub(crate) type Flush = oneshot::Sender<()>;

/// The task's state.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) blobs: Arc<dyn ObjectStore>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) node: NodeId,
    pub(crate) clock: Clock,
    pub(crate) retention_age: Duration,
    pub(crate) retention_bytes: u64,
    pub(crate) retention_interval: Duration,
    /// How far the clock is believed in that.
    pub(crate) belief: Belief,
    pub(crate) segment_age: Duration,
    pub(crate) shelf: Shelf,
    pub(crate) mailbox: Mailbox,
    pub(crate) meter: Meter,
    /// How far the meter is written down.
    pub(crate) metered: Metered,
    /// The chunks of this node.
    pub(crate) chunks: BTreeMap<u64, ChunkRow>,
}

/// What the keeper failed at.
#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error("write the index of the logs or the meter")]
    Store(#[from] StoreError),
    #[error("read segment {seq:x}")]
    Segment {
        seq: u64,
        #[source]
        source: std::io::Error,
    },
    #[error("write or remove a chunk")]
    Blob(#[from] object_store::Error),
    #[error("a piece of work was stopped")]
    Stopped(#[from] tokio::task::JoinError),
}

/// Where the meter says how far it is.
pub(crate) fn metered_key(node: &NodeId) -> Result<Key, skiff_store::InvalidKey> {
    Key::of(["log", "metered", node.as_str()])
}

/// Operations of sums that wait to be committed, and the state after them.
#[derive(Debug)]
struct Due {
    ops: Vec<Op>,
    after: Metered,
}

/// When to work again.
#[derive(Debug)]
struct Schedule {
    not_before: Instant,
    pause: Duration,
    minute: i64,
    retain_at: Instant,
    told: (u64, u64),
}

impl Keeper {
    /// Works until nobody can ask any more, then once more.
    ///
    /// What fails is tried again, after a pause; meanwhile records stay in the local log and are found there.
    pub(crate) async fn run(mut self, mut flushes: mpsc::Receiver<Flush>) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut schedule = Schedule {
            not_before: Instant::now(),
            pause: Duration::ZERO,
            minute: self.minute(),
            retain_at: Instant::now(),
            told: (0, 0),
        };
        let mut due = None;
        loop {
            let mut flush = None;
            let mut is_last = false;
            // All three are cancel safe.
            tokio::select! {
                _ = tick.tick() => {}
                () = self.shelf.wait_closed() => {}
                asked = flushes.recv() => match asked {
                    Some(asked) => flush = Some(asked),
                    None => is_last = true,
                },
            }
            self.tell_drops(&mut schedule);
            let is_asked = flush.is_some() || is_last;
            if is_asked || Instant::now() >= schedule.not_before {
                self.work(&mut schedule, &mut due, is_asked).await;
            }
            if let Some(flush) = flush {
                let _ = flush.send(());
            }
            if is_last {
                return;
            }
        }
    }

    async fn work(&mut self, schedule: &mut Schedule, due: &mut Option<Due>, is_asked: bool) {
        match self.try_work(schedule, due, is_asked).await {
            Ok(()) => schedule.pause = Duration::ZERO,
            Err(error) => {
                schedule.pause = (schedule.pause * 2).clamp(TICK, PAUSE_MAX);
                schedule.not_before = Instant::now() + schedule.pause;
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "logs wait to be sealed or metered"
                );
                self.shed();
            }
        }
    }

    async fn try_work(
        &mut self,
        schedule: &mut Schedule,
        due: &mut Option<Due>,
        is_asked: bool,
    ) -> Result<(), KeepError> {
        let minute = self.minute();
        if is_asked || minute != schedule.minute {
            self.write_meter(due).await?;
            schedule.minute = minute;
        }
        if let Some(seq) = self.shelf.active_older_than(self.ago(self.segment_age)) {
            // Not waited for: the writer takes it in its turn, and the shelf tells when it has.
            self.mailbox.offer(Letter::Rotate(seq));
        }
        while let Some(segment) = self.shelf.oldest_closed() {
            // Sealed means metered: what recovery finds sealed it does not count again.
            self.write_meter(due).await?;
            self.seal(segment).await?;
            schedule.retain_at = Instant::now();
        }
        if Instant::now() >= schedule.retain_at {
            self.retain().await?;
            schedule.retain_at = Instant::now() + self.retention_interval;
        }
        Ok(())
    }

    fn minute(&self) -> i64 {
        self.clock.now().as_second().div_euclid(60)
    }

    fn ago(&self, age: Duration) -> Timestamp {
        self.clock.now().saturating_sub(age).unwrap_or(Timestamp::MIN)
    }

    /// Writes down what was used since the last time, together with the place in the local log it goes up to.
    async fn write_meter(&mut self, due: &mut Option<Due>) -> Result<(), KeepError> {
        if due.is_none() {
            let sums = self.meter.take();
            if sums.place == self.metered.place {
                return Ok(());
            }
            *due = Some(self.due(sums)?);
        }
        let Some(waiting) = due else { return Ok(()) };
        // After an error the same rows are committed again: written already or not, they count once.
        self.commit_all(&waiting.ops).await?;
        self.metered = waiting.after;
        *due = None;
        Ok(())
    }

    fn due(&self, sums: super::meter::Sums) -> Result<Due, StoreError> {
        let place = sums.place;
        let (rows, next_row) = sums.rows(&self.node, self.metered.next_row);
        let after = Metered { place, next_row };
        let engine = |error: Box<dyn std::error::Error + Send + Sync>| StoreError::Engine(error);
        let mut ops: Vec<Op> = rows.into_iter().map(Op::Usage).collect();
        ops.push(Op::Put {
            key: metered_key(&self.node).map_err(|error| engine(error.into()))?,
            value: serde_json::to_vec(&after).map_err(|error| engine(error.into()))?.into(),
            expect: Expect::Any,
        });
        Ok(Due { ops, after })
    }

    async fn seal(&mut self, segment: Segment) -> Result<(), KeepError> {
        let seq = segment.seq;
        let chunk = ChunkId {
            node: self.node.clone(),
            seq,
        };
        if !segment.is_empty() {
            let pack = {
                let segment = segment.clone();
                move || {
                    let bytes = segment.read()?;
                    let packed = zstd::stream::encode_all(&*bytes, ZSTD_LEVEL)?;
                    Ok((Summary::of(&bytes), packed))
                }
            };
            let packed = tokio::task::spawn_blocking(pack).await?;
            let (summary, packed) = packed.map_err(|source| KeepError::Segment { seq, source })?;
            let (ops, row) = summary.ops(&chunk, packed.len() as u64)?;
            self.blobs.put(&chunk.path(), PutPayload::from(packed)).await?;
            self.commit_all(&ops).await?;
            self.chunks.insert(seq, row);
        }
        self.shelf.sealed(seq);
        if let Err(error) = segment.remove() {
            tracing::warn!(%error, path = %segment.path.display(), "a sealed log segment could not be removed");
        }
        Ok(())
    }

    /// Removes the oldest chunks while they are too old or all together too large.
    async fn retain(&mut self) -> Result<(), KeepError> {
        let latest = self.belief.latest(self.clock.now(), Instant::now());
        let oldest = latest.and_then(|latest| latest.checked_sub(self.retention_age).ok());
        let oldest_ns = oldest.map_or(i64::MIN, nanoseconds);
        let mut total: u64 = self.chunks.values().map(|row| row.bytes).sum();
        while let Some((&seq, row)) = self.chunks.first_key_value() {
            if row.max_ns >= oldest_ns && total <= self.retention_bytes {
                break;
            }
            total = total.saturating_sub(row.bytes);
            let chunk = ChunkId {
                node: self.node.clone(),
                seq,
            };
            // The blob first: a row without a blob is found again and removed, a blob without a row is not.
            match self.blobs.delete(&chunk.path()).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            self.commit_all(&index::forget(&chunk, row)?).await?;
            self.chunks.remove(&seq);
        }
        Ok(())
    }

    /// What cannot be sealed is kept to the same bound as what is: the disk is not the logs' alone.
    fn shed(&self) {
        while let Some(oldest) = self.shelf.oldest_beyond(self.retention_bytes) {
            self.shelf.sealed(oldest.seq);
            match oldest.records().and_then(|records| oldest.remove().map(|()| records)) {
                Ok(records) => {
                    self.mailbox.dropped().records.inc_by(records);
                    tracing::error!(
                        records,
                        "logs that could not be sealed were dropped: they were too many"
                    );
                }
                Err(error) => {
                    tracing::error!(%error, path = %oldest.path.display(), "a log segment could not be removed")
                }
            }
        }
    }

    async fn commit_all(&self, ops: &[Op]) -> Result<(), StoreError> {
        for ops in ops.chunks(OPS_MAX) {
            self.store.commit(ops.to_vec()).await?;
        }
        Ok(())
    }

    fn tell_drops(&self, schedule: &mut Schedule) {
        let dropped = self.mailbox.dropped();
        let now = (dropped.records.get(), dropped.texts.get());
        if now != schedule.told {
            let (records, texts) = (now.0 - schedule.told.0, now.1 - schedule.told.1);
            tracing::warn!(
                records,
                texts,
                "calls were logged faster than can be written: records or texts were dropped"
            );
            schedule.told = now;
        }
    }
}
