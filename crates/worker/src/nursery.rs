//! Stem cells of one kind: kept ready while there are functions of it, more of them when they are in demand.

use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use skiff_domain::NetworkMode;
use skiff_domain::limits::{OPEN_FILES_MAX, PIDS_MAX, TMP_BYTES_MAX, TMP_INODES_MAX};
use skiff_runtimes::wire::Response;
use skiff_runtimes::{Speech, native};
use skiff_sandbox::{BirthError, BirthSpec, BootError, Limits, Parts};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::endpoints::Doors;
use crate::exchange::Line;
use crate::graveyard::{Graveyard, Held};
use crate::pools::Ground;
use crate::pressure::Pressure;
use crate::seat::ZygoteSeat;
use crate::stock::{Stock, StockError};
use crate::talk::Talk;

/// Demand is what was taken within this time.
const DEMAND_WINDOW: Duration = Duration::from_secs(10);
/// How long a birth may take, on a machine that has much else to do.
const BIRTH_MAX: Duration = Duration::from_secs(20);
/// How long a pool that was taken from waits before it is filled up: a birth is milliseconds of work that whoever took
/// the stem cell would have to share the processors with.
pub(crate) const REFILL_PAUSE: Duration = Duration::from_millis(10);
/// Boots at once, per processor. What boots takes a processor for as long as it boots: all of a burst at once would have
/// the first wait as long as the last, and what was ready, too.
const BIRTHS_PER_PROCESSOR: usize = 2;
/// A stem cell is limited before it is taken to what is at least so many times what it has used.
const ROOM_AHEAD: u64 = 2;
/// Between two attempts after a birth failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// A booted runtime behind its walls, waiting for code.
#[derive(Debug)]
pub(crate) struct StemCell {
    pub(crate) sandbox: Held,
    pub(crate) line: Line,
    pub(crate) doors: Doors,
    pub(crate) talk: Talk,
}

/// Why there is no stem cell.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BearError {
    #[error(transparent)]
    Stock(#[from] StockError),
    #[error("boot the runtime's zygote: {0}")]
    Boot(#[from] BootError),
    #[error("make a sandbox: {0}")]
    Birth(#[from] BirthError),
    #[error("the runtime did not come up in its sandbox: {0}")]
    NotReady(String),
}

/// The stem cells of one kind.
#[derive(Debug)]
pub(crate) struct Nursery {
    seat: Arc<ZygoteSeat>,
    mode: NetworkMode,
    stock: Arc<Stock>,
    pressure: Arc<Pressure>,
    graveyard: Graveyard,
    tasks: TaskTracker,
    cells: Mutex<Cells>,
    /// Something was taken, or is wanted.
    asked: Notify,
    /// Something was born, or could not be.
    born: Notify,
    /// Whose turn it is to boot.
    turns: Semaphore,
}

#[derive(Debug, Default)]
struct Cells {
    ready: VecDeque<StemCell>,
    takings: VecDeque<Instant>,
    /// Births that somebody waits for.
    urgent: usize,
    /// Why the last birth failed, until one succeeds.
    failure: Option<String>,
    /// There are functions of this kind.
    used: bool,
    /// What the last one that was taken was limited to.
    limits: Option<Limits>,
    last_taking: Option<Instant>,
}

/// One birth that somebody waits for, until dropped.
struct Urgent<'a>(&'a Nursery);

impl<'a> Urgent<'a> {
    fn new(nursery: &'a Nursery) -> Self {
        nursery.cells.lock().urgent += 1;
        Self(nursery)
    }
}

impl Drop for Urgent<'_> {
    fn drop(&mut self) {
        self.0.cells.lock().urgent -= 1;
        self.0.asked.notify_one();
    }
}

impl Nursery {
    pub(crate) fn new(seat: Arc<ZygoteSeat>, mode: NetworkMode, ground: &Ground) -> Arc<Self> {
        Arc::new(Self {
            seat,
            mode,
            stock: Arc::clone(&ground.stock),
            pressure: Arc::clone(&ground.pressure),
            graveyard: ground.graveyard.clone(),
            tasks: ground.tasks.clone(),
            cells: Mutex::default(),
            asked: Notify::new(),
            born: Notify::new(),
            turns: Semaphore::new(BIRTHS_PER_PROCESSOR * std::thread::available_parallelism().map_or(1, NonZero::get)),
        })
    }

    /// True for the runtime in this seat.
    pub(crate) fn is_of(&self, seat: &Arc<ZygoteSeat>) -> bool {
        Arc::ptr_eq(&self.seat, seat)
    }

    /// Whether an instance of it can be kept, and others become it.
    pub(crate) fn can_be_kept(&self) -> bool {
        self.seat.manifest().can_be_kept()
    }

    /// Stem cells that are ready.
    pub(crate) fn ready(&self) -> usize {
        self.cells.lock().ready.len()
    }

    /// When one was taken last, of those that have some ready; at some time long ago where none ever was.
    pub(crate) fn spare_since(&self) -> Option<Option<Instant>> {
        let cells = self.cells.lock();
        (!cells.ready.is_empty()).then_some(cells.last_taking)
    }

    /// Lets go of one for a call of another kind. False where there is none.
    pub(crate) fn give_way(&self) -> bool {
        let cell = self.cells.lock().ready.pop_front();
        cell.is_some()
    }

    /// Looks again soon at how many there are to be.
    pub(crate) fn look(&self) {
        self.asked.notify_one();
    }

    /// The network that its cells have.
    pub(crate) fn mode(&self) -> NetworkMode {
        self.mode
    }

    /// Why the last birth failed, where it did.
    pub(crate) fn failure(&self) -> Option<String> {
        self.cells.lock().failure.clone()
    }

    /// Whether some are to be kept ready now.
    pub(crate) fn wants_some(&self) -> bool {
        self.target().0 > 0
    }

    /// Whether there are functions of this kind.
    pub(crate) fn set_used(&self, used: bool) {
        self.cells.lock().used = used;
        self.asked.notify_one();
    }

    /// True when nobody keeps or takes any.
    pub(crate) fn is_idle(&self) -> bool {
        let (target, have) = self.target();
        let cells = self.cells.lock();
        !cells.used && cells.urgent == 0 && target == 0 && have == 0
    }

    /// Returns when one is ready, or none will be soon.
    pub(crate) async fn has_one(&self) {
        loop {
            let born = self.born.notified();
            let (target, have) = self.target();
            if have > 0 || target == 0 || self.cells.lock().failure.is_some() {
                return;
            }
            born.await;
        }
    }

    /// A stem cell: one that is ready, or one that is born for the caller. True when it was ready.
    pub(crate) async fn take(self: &Arc<Self>) -> Result<(StemCell, bool), BearError> {
        {
            let mut cells = self.cells.lock();
            let now = Instant::now();
            cells.last_taking = Some(now);
            cells.takings.push_back(now);
        }
        self.take_again().await
    }

    /// Notes what one that was taken is limited to: the next are likely to be, and have it set before they are taken.
    pub(crate) fn note_limits(&self, limits: Limits) {
        self.cells.lock().limits = Some(limits);
    }

    /// The same for who could not have one before: that is no further demand.
    pub(crate) async fn take_again(self: &Arc<Self>) -> Result<(StemCell, bool), BearError> {
        let cell = {
            let mut cells = self.cells.lock();
            loop {
                // The youngest: what it is going to touch was touched last. Those that wait for seconds have gone cold.
                match cells.ready.pop_back() {
                    Some(dead) if dead.sandbox.has_ended() => drop(dead),
                    other => break other,
                }
            }
        };
        if let Some(cell) = cell {
            self.asked.notify_one();
            return Ok((cell, true));
        }
        let urgent = Urgent::new(self);
        let born = self.bear(false).await;
        drop(urgent);
        Ok((born?, false))
    }

    /// Keeps as many ready as demand asks for, until dropped.
    pub(crate) async fn keep(self: &Arc<Self>) {
        loop {
            let (target, have) = self.target();
            if have < target {
                self.wait_for_urgent_births().await;
                match self.bear(true).await {
                    Ok(cell) => {
                        self.cells.lock().ready.push_back(cell);
                        self.born.notify_waiters();
                    }
                    // Those that are in use are used, and calls take what they need of those that are not.
                    Err(BearError::Stock(error @ StockError::Full(_))) => {
                        self.born.notify_waiters();
                        tracing::debug!(runtime = %self.seat.manifest().name, mode = %self.mode, %error, "no stem cell");
                        tokio::time::sleep(DEMAND_WINDOW).await;
                    }
                    Err(error) => {
                        self.born.notify_waiters();
                        tracing::warn!(runtime = %self.seat.manifest().name, mode = %self.mode, %error, "no stem cell");
                        tokio::time::sleep(FAILURE_PAUSE).await;
                    }
                }
                continue;
            }
            drop(self.surplus(target));
            tokio::select! {
                () = self.asked.notified() => tokio::time::sleep(REFILL_PAUSE).await,
                () = tokio::time::sleep(DEMAND_WINDOW) => {}
            }
        }
    }

    /// Those that somebody waits for go first.
    async fn wait_for_urgent_births(&self) {
        while self.cells.lock().urgent > 0 {
            tokio::time::sleep(REFILL_PAUSE).await;
        }
    }

    /// Lets go of all.
    pub(crate) fn clear(&self) {
        drop(self.surplus(0));
    }

    /// How many there should be and how many there are.
    fn target(&self) -> (usize, usize) {
        let mut cells = self.cells.lock();
        while cells
            .takings
            .front()
            .is_some_and(|taking| taking.elapsed() > DEMAND_WINDOW)
        {
            cells.takings.pop_front();
        }
        // What is ready for nobody in particular is the first to go.
        if self.pressure.check().is_err() {
            return (0, cells.ready.len());
        }
        let pool = self.seat.pool();
        let kept = if cells.used { pool.stem_cells_min } else { 0 };
        let target = (kept + cells.takings.len()).min(pool.stem_cells_max);
        (target, cells.ready.len())
    }

    fn surplus(&self, target: usize) -> Vec<StemCell> {
        let mut cells = self.cells.lock();
        let surplus = cells.ready.len().saturating_sub(target);
        cells.ready.drain(..surplus).collect()
    }

    /// A birth is seen through even when nobody waits for it any more: half of one would be left behind.
    async fn bear(self: &Arc<Self>, warm: bool) -> Result<StemCell, BearError> {
        let nursery = Arc::clone(self);
        let birth = self.tasks.spawn(async move {
            let born = nursery.give_birth(warm).await;
            nursery.cells.lock().failure = born.as_ref().err().map(ToString::to_string);
            born
        });
        birth
            .await
            .unwrap_or_else(|error| Err(BearError::NotReady(error.to_string())))
    }

    async fn give_birth(&self, warm: bool) -> Result<StemCell, BearError> {
        let kit = self.stock.take(self.mode).await?;
        let spec = BirthSpec {
            hostname: format!("skiff-{}", kit.parts.uid),
            tmp_bytes: TMP_BYTES_MAX,
            tmp_inodes: TMP_INODES_MAX,
            open_files: OPEN_FILES_MAX,
            pids: PIDS_MAX,
            warm,
        };
        let opened = self.open_talk(&kit.parts).await;
        let talk = match opened {
            Ok(talk) => talk,
            Err(error) => {
                self.stock.give_back(kit.parts).await;
                return Err(StockError::Make(error).into());
            }
        };
        let zygote = match self.seat.zygote().await {
            Ok(zygote) => zygote,
            Err(error) => {
                self.stock.give_back(kit.parts).await;
                return Err(error.into());
            }
        };
        // Never closed: this waits for those who came before.
        let _turn = self.turns.acquire().await;
        let (sandbox, pipes) = match zygote.bear(kit.parts, &spec).await {
            Ok(born) => born,
            Err(stillborn) => {
                self.stock.give_back(stillborn.parts).await;
                return Err(stillborn.error.into());
            }
        };
        let sandbox = self.graveyard.hold(sandbox);
        let mut line = Line::new(pipes);
        let expected = if warm {
            &[Response::Ready, Response::Warm][..]
        } else {
            &[Response::Ready]
        };
        for expected in expected {
            let heard = line.listen(0, BIRTH_MAX).await;
            if !matches!(&heard, Ok((response, _)) if response == expected) {
                let said = String::from_utf8_lossy(&line.output.take()).into_owned();
                let reason = sandbox
                    .failure()
                    .map_or_else(|| format!("{heard:?} {said}"), |error| error.to_string());
                return Err(BearError::NotReady(reason));
            }
        }
        line.seal().map_err(StockError::Make)?;
        self.limit_ahead(&sandbox);
        // What it wrote while it booted is the platform's, not the function's.
        line.output.take();
        Ok(StemCell {
            sandbox,
            line,
            doors: kit.doors,
            talk,
        })
    }

    /// Limits a stem cell as the last one was, where what it takes is well within: it may yet become another function's,
    /// which sets its own.
    fn limit_ahead(&self, sandbox: &Held) {
        let Some(limits) = self.cells.lock().limits else {
            return;
        };
        let cgroup = sandbox.cgroup();
        if cgroup.memory_use().peak_bytes <= limits.memory_bytes / ROOM_AHEAD
            && let Err(error) = cgroup.limit(&limits)
        {
            tracing::debug!(%error, "a stem cell is not limited ahead");
        }
    }

    async fn open_talk(&self, parts: &Parts) -> std::io::Result<Talk> {
        match self.seat.speech() {
            Speech::Frames => Ok(Talk::frames(self.seat.manifest().can_prepare())),
            Speech::RuntimeApi => {
                let inside = parts.network.inside()?;
                let listening = self.tasks.spawn_blocking(move || inside.listen(native::api::ADDRESS));
                Talk::runtime_api(listening.await.map_err(std::io::Error::other)??)
            }
            Speech::Rpc => Ok(Talk::rpc(parts.network.inside()?)),
            Speech::Web => Ok(Talk::web(parts.network.inside()?)),
        }
    }
}
