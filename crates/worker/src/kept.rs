//! How instances of a version start whose code is to be initialised once.
//!
//! The first one starts as every other. Beside it another one is initialised, kept and ended, and one becomes that for a
//! trial; from then on new instances become it. What cannot be kept is said once, and its instances go on starting as every
//! other.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use skiff_domain::{InitReport, StartError, Version};
use skiff_runtimes::wire::{self, Request, Response};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::exchange::NoAnswer;
use crate::fault;
use crate::instance::WorkerInstance;
use crate::nursery::{BearError, Nursery, StemCell};
use crate::snapshots::{Snapshot, none_can_be};
use crate::start::{self, Folders};
use crate::talk::LOAD_SEQUENCE;
use crate::worker::{Shared, Worker};

/// What the first call's log says of an instance that became what was kept.
const WENT_ON: &str = "SKIFF_SNAPSHOT: this instance went on from one whose code was initialised before";
/// And of another one, before the reason.
const BY_ITSELF: &str = "SKIFF_SNAPSHOT: this instance initialised its code itself, as ";
/// Most of a line of the user's that is part of a reason, in characters.
const LINE_CHARS_MAX: usize = 200;

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
        let by_itself = |cell| start::initialise(shared, cell, &self.version, self.folders(None), begun);
        if !self.version.asks_to_be_kept() {
            return by_itself(cell).await;
        }
        let (cell, why) = match self.find(shared, &cell) {
            Err(why) => (cell, why),
            Ok(snapshot) => {
                let folders = self.folders(Some(snapshot.folder()));
                let error = match start::initialise(shared, cell, &self.version, folders, begun).await {
                    Ok((instance, mut init)) => {
                        init.note = Some(WENT_ON.to_owned());
                        return Ok((instance, init));
                    }
                    Err(error) => error,
                };
                let why = format!("an instance that went on from what was kept failed: {error}");
                shared.snapshots.give_up(&self.version, &why);
                let taken = shared.pools.take(&self.nursery).await;
                let cell = taken.map_err(|error| start::no_cell(&error))?;
                (cell, none_can_be(&why).into())
            }
        };
        let (instance, mut init) = by_itself(cell).await?;
        init.note = Some(format!("{BY_ITSELF}{why}"));
        if self.nursery.can_be_kept() && shared.snapshots.begin(&self.version) {
            worker.keep(self.keep_one(Arc::clone(shared)));
        }
        Ok((instance, init))
    }

    /// What this cell can become, or why it has to initialise the code.
    fn find(&self, shared: &Shared, cell: &StemCell) -> Result<Arc<Snapshot>, Cow<'static, str>> {
        if self.nursery.can_be_kept() {
            shared.snapshots.find(&self.version, &cell.sandbox)
        } else {
            Err("only those of Python functions that take events are kept".into())
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
        assigned.map_err(|error| format!("it could not be given its limits and code: {error}"))?;
        for kind in requests {
            let (request, expected) = match kind {
                Request::Fork => (wire::request(Request::Fork, LOAD_SEQUENCE, &[]), Response::Ready),
                Request::Keep => (wire::request(Request::Keep, LOAD_SEQUENCE, &[]), Response::Kept),
                kind => (start::order(shared, &self.version, *kind), Response::Loaded),
            };
            let request = request.ok_or("an order could not be written")?;
            match cell.line.ask(&request, LOAD_SEQUENCE, deadline).await {
                Ok((response, _)) if response == expected => {}
                _ if cell.sandbox.cgroup().memory_use().oom_kills > 0 => {
                    return Err(format!("it reached its memory limit in {}", name(*kind)));
                }
                other => {
                    return Err(reason(
                        *kind,
                        other,
                        self.version.init_timeout,
                        &cell.line.output.take(),
                    ));
                }
            }
        }
        Ok(())
    }
}

/// What a cell does when it is asked this, in the user's words.
const fn name(kind: Request) -> &'static str {
    match kind {
        Request::Keep => "what is to run before a fork",
        Request::Restore => "what is to run after a fork",
        _ => "its initialisation",
    }
}

/// Why a cell did not do what it was asked, and the last that it wrote where nothing else tells.
fn reason(kind: Request, answer: Result<(Response, Bytes), NoAnswer>, time: Duration, output: &[u8]) -> String {
    let what = name(kind);
    match answer {
        Ok((Response::LoadFailed | Response::NoHandler, body)) => {
            let message = fault::read(&body).message;
            format!("{what} failed: {}", shown(message.lines().next().unwrap_or_default()))
        }
        Err(NoAnswer::TimedOut) => format!("{what} took more than {} s", time.as_secs_f64()),
        Err(NoAnswer::Closed) => {
            let output = String::from_utf8_lossy(output);
            match output.trim_end().lines().next_back() {
                None => format!("it ended in {what}"),
                Some(last) => format!("it ended in {what}, and wrote last: {}", shown(last)),
            }
        }
        Ok(_) | Err(NoAnswer::TooLarge(_) | NoAnswer::Garbage(_)) => {
            format!("it broke the runtime's protocol in {what}")
        }
    }
}

fn shown(line: &str) -> String {
    line.chars().take(LINE_CHARS_MAX).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_sentence() {
        let fault = r#"{"message":"KeyError: 'x'\nline","stackTrace":""}"#;
        let garbage = || Err(NoAnswer::Garbage("an answer of unknown kind 9".to_owned()));
        for (kind, answer, output, expected) in [
            (
                Request::Load,
                Ok((Response::LoadFailed, Bytes::from_static(fault.as_bytes()))),
                "",
                "its initialisation failed: KeyError: 'x'",
            ),
            (
                Request::Load,
                Err(NoAnswer::TimedOut),
                "much\n",
                "its initialisation took more than 3 s",
            ),
            (
                Request::Keep,
                Err(NoAnswer::Closed),
                " \n",
                "it ended in what is to run before a fork",
            ),
            (
                Request::Restore,
                Err(NoAnswer::Closed),
                "first\nlast\n",
                "it ended in what is to run after a fork, and wrote last: last",
            ),
            (
                Request::Keep,
                Ok((Response::Returned, Bytes::new())),
                "",
                "it broke the runtime's protocol in what is to run before a fork",
            ),
            (
                Request::Restore,
                garbage(),
                "",
                "it broke the runtime's protocol in what is to run after a fork",
            ),
        ] {
            let said = reason(kind, answer, Duration::from_secs(3), output.as_bytes());
            assert_eq!(said, expected);
        }
    }
}
