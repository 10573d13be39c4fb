//! How instances of a version start whose code is to be initialised once.
//!
//! The first one starts as every other. Beside it another one is initialised, kept and ended, and one becomes that for a
//! trial; from then on new instances become it. What cannot be kept is said once, and its instances go on starting as every
//! other.

use std::path::Path;
use std::sync::Arc;

use skiff_domain::{InitReport, StartError, Version};
use skiff_runtimes::wire::{self, Request, Response};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::instance::WorkerInstance;
use crate::nursery::{BearError, Nursery, StemCell};
use crate::snapshots::Snapshot;
use crate::start::{self, Folders};
use crate::talk::LOAD_SEQUENCE;
use crate::worker::{Shared, Worker};

/// What is started, and out of what.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) version: Arc<Version>,
    pub(crate) nursery: Arc<Nursery>,
    pub(crate) code: Arc<Path>,
    pub(crate) layers: Option<Arc<Path>>,
}

impl Start {
    /// An instance out of this cell, or, where that cannot become what was kept, out of another one.
    pub(crate) async fn run(
        self,
        worker: &Worker,
        cell: StemCell,
        begun: Instant,
    ) -> Result<(WorkerInstance, InitReport), StartError> {
        let shared = &worker.shared;
        self.nursery.note_limits(start::limits(self.version.memory_mb));
        let asks = self.version.asks_to_be_kept() && self.nursery.can_be_kept();
        let snapshot = if asks {
            shared.snapshots.find(&self.version, &cell.sandbox)
        } else {
            None
        };
        let Some(snapshot) = snapshot else {
            let started = start::initialise(shared, cell, &self.version, self.folders(None), begun).await;
            if asks && started.is_ok() && shared.snapshots.begin(&self.version) {
                worker.keep(self.keep_one(Arc::clone(shared)));
            }
            return started;
        };
        let folders = self.folders(Some(snapshot.folder()));
        match start::initialise(shared, cell, &self.version, folders, begun).await {
            Ok(started) => Ok(started),
            Err(error) => {
                shared.snapshots.give_up(&self.version, &format!("{error:?}"));
                let taken = shared.pools.take(&self.nursery).await;
                let cell = taken.map_err(|error| start::no_cell(&error))?;
                start::initialise(shared, cell, &self.version, self.folders(None), begun).await
            }
        }
    }

    fn folders<'a>(&'a self, snapshot: Option<&'a Path>) -> Folders<'a> {
        Folders {
            code: &self.code,
            layers: self.layers.as_deref(),
            snapshot,
        }
    }

    /// Initialises an instance beside the one that serves, and keeps it.
    async fn keep_one(self, shared: Arc<Shared>) {
        let snapshots = &shared.snapshots;
        match self.try_keep(&shared).await {
            Ok(snapshot) => snapshots.have(&self.version, snapshot),
            Err(NotKept::Cell(error)) => snapshots.put_off(&self.version, &error.to_string()),
            Err(NotKept::OtherZygote) => snapshots.put_off(&self.version, "the zygote was replaced meanwhile"),
            Err(NotKept::Version(why)) => snapshots.give_up(&self.version, &why),
        }
    }

    async fn try_keep(&self, shared: &Shared) -> Result<Snapshot, NotKept> {
        let (cell, _) = self.nursery.take().await?;
        let snapshot = self.initialise_and_keep(shared, cell).await?;
        let (cell, _) = self.nursery.take().await?;
        if !snapshot.suits(&cell.sandbox) {
            return Err(NotKept::OtherZygote);
        }
        Ok(self.rehearse(shared, cell, snapshot).await?)
    }

    /// Initialises an instance in this cell and keeps it. The cell ends.
    async fn initialise_and_keep(&self, shared: &Shared, mut cell: StemCell) -> Result<Snapshot, String> {
        self.ask(shared, &mut cell, None, &[Request::Fork, Request::Load, Request::Keep])
            .await?;
        let folder = shared.snapshots.place();
        let kept = spawn_blocking(move || Snapshot::of(&cell.sandbox, folder)).await;
        kept.map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())
    }

    /// Has this cell become what was kept, for a trial. The cell ends.
    async fn rehearse(&self, shared: &Shared, mut cell: StemCell, snapshot: Snapshot) -> Result<Snapshot, String> {
        self.ask(shared, &mut cell, Some(snapshot.folder()), &[Request::Restore])
            .await?;
        let learnt = spawn_blocking(move || cell.sandbox.learn(snapshot.folder()).map(|()| snapshot)).await;
        learnt
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())
    }

    /// Gives a cell its code and asks it to do something with that.
    async fn ask(
        &self,
        shared: &Shared,
        cell: &mut StemCell,
        snapshot: Option<&Path>,
        requests: &[Request],
    ) -> Result<(), String> {
        let deadline = Instant::now() + self.version.init_timeout;
        let limits = start::limits(self.version.memory_mb);
        let assigned = start::assign(shared, cell, &limits, self.folders(snapshot));
        assigned.map_err(|error| error.to_string())?;
        for kind in requests {
            let (request, expected) = match kind {
                Request::Fork => (wire::request(Request::Fork, LOAD_SEQUENCE, &[]), Response::Ready),
                Request::Keep => (wire::request(Request::Keep, LOAD_SEQUENCE, &[]), Response::Kept),
                kind => (start::order(shared, &self.version, *kind), Response::Loaded),
            };
            let request = request.ok_or("an order could not be written")?;
            match cell.line.ask(&request, LOAD_SEQUENCE, deadline).await {
                Ok((response, _)) if response == expected => {}
                other => return Err(format!("it answered {other:?} where {expected:?} was expected")),
            }
        }
        Ok(())
    }
}

/// Why no instance was kept.
#[derive(Debug)]
enum NotKept {
    /// There was none to initialise.
    Cell(BearError),
    /// That of the one that was kept is gone.
    OtherZygote,
    /// It cannot be.
    Version(String),
}

impl From<BearError> for NotKept {
    fn from(error: BearError) -> Self {
        Self::Cell(error)
    }
}

impl From<String> for NotKept {
    fn from(why: String) -> Self {
        Self::Version(why)
    }
}
