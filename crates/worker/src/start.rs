//! From a stem cell to an instance: limits, code, environment, initialisation.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use skiff_domain::{InitOutput, InitReport, RuntimeName, StartError, Version};
use skiff_runtimes::wire::{self, Request, Response};
use skiff_runtimes::{Load, usual_source};
use skiff_sandbox::{CODE_TARGET, LAYERS_TARGET, Limits, Mount, SNAPSHOT_TARGET, is_exhaustion};
use tokio::time::{Instant, timeout};

use crate::answer::END_MAX;
use crate::exchange::NoAnswer;
use crate::fault;
use crate::instance::WorkerInstance;
use crate::nursery::{BearError, StemCell};
use crate::stock::StockError;
use crate::talk::LOAD_SEQUENCE;
use crate::worker::Shared;

/// The limits of a function's instances. A core per GB of memory and at least one, so that a small function starts as
/// fast as a large one when the machine is idle; on a busy machine its share is proportional to its memory.
pub(crate) fn limits(memory_mb: u32) -> Limits {
    Limits {
        memory_bytes: u64::from(memory_mb) << 20,
        cpu_millis: (memory_mb.saturating_mul(1000) / 1024).max(1000),
        cpu_weight: memory_mb,
        pids: u32::try_from(skiff_domain::limits::PIDS_MAX).unwrap_or(u32::MAX),
    }
}

/// What is mounted into a sandbox.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Folders<'a> {
    /// The code.
    pub(crate) code: &'a Path,
    /// The layers, where there are any.
    pub(crate) layers: Option<&'a Path>,
    /// What the instance is to become, where one was kept.
    pub(crate) snapshot: Option<&'a Path>,
}

/// Makes an instance of this version out of a stem cell.
pub(crate) async fn initialise(
    shared: &Shared,
    mut cell: StemCell,
    version: &Version,
    folders: Folders<'_>,
    begun: Instant,
) -> Result<(WorkerInstance, InitReport), StartError> {
    let kind = match folders.snapshot {
        Some(_) => Request::Restore,
        None if cell.talk.prepares() => Request::Prepare,
        None => Request::Load,
    };
    let mut request = order(shared, version, kind)
        .ok_or_else(|| StartError::Platform("the order to load could not be written".to_owned()))?;
    if kind == Request::Prepare {
        // On another processor, if there is one, while this one sees to the code.
        cell.line.send(&mut request);
    }
    let assigned = assign(shared, &cell, &limits(version.memory_mb), folders);
    assigned.map_err(|error| StartError::Platform(format!("give a sandbox its limits and code: {error}")))?;
    if kind == Request::Prepare {
        request = followed_by_load(&request);
    }
    let StemCell {
        talk, line, sandbox, ..
    } = &mut cell;
    let answer = talk.load(line, sandbox, &request, version, &shared.platform).await;
    match answer {
        Ok((Response::Loaded, body)) => {
            let micros = std::str::from_utf8(&body)
                .ok()
                .and_then(|text| text.parse().ok())
                .unwrap_or(0);
            let report = InitReport {
                total: begun.elapsed(),
                user_code: Duration::from_micros(micros),
                output: cell.line.output.take(),
                note: None,
            };
            let rest = shared.freezer.register(Arc::clone(cell.sandbox.cgroup()));
            let instance = WorkerInstance::new(cell, rest, version.concurrency, &shared.tasks);
            Ok((instance, report))
        }
        other => Err(failed(cell, other, begun).await),
    }
}

/// What is left to send of an order that was told ahead, and that the code is there now.
fn followed_by_load(unsent: &Bytes) -> Bytes {
    let load = wire::request(Request::Load, LOAD_SEQUENCE, &[]).unwrap_or_default();
    if unsent.is_empty() {
        return load;
    }
    [&unsent[..], &load].concat().into()
}

/// The order to load a version, or to become one that has.
pub(crate) fn order(shared: &Shared, version: &Version, kind: Request) -> Option<Bytes> {
    let order = Load::new(version, &shared.platform).to_json().ok()?;
    wire::request(kind, LOAD_SEQUENCE, &[&order])
}

/// Limits, code and layers, for a function or for compiling.
pub(crate) fn assign(shared: &Shared, cell: &StemCell, limits: &Limits, folders: Folders<'_>) -> std::io::Result<()> {
    let mount = |source, target| Mount { source, target };
    let mut mounts = vec![mount(folders.code, CODE_TARGET)];
    mounts.extend(folders.layers.map(|layers| mount(layers, LAYERS_TARGET)));
    mounts.extend(folders.snapshot.map(|snapshot| mount(snapshot, SNAPSHOT_TARGET)));
    cell.sandbox.cgroup().limit(limits)?;
    cell.sandbox.mount(&shared.mounter, &mounts)
}

/// What a failed initialisation is called.
async fn failed(mut cell: StemCell, answer: Result<(Response, Bytes), NoAnswer>, begun: Instant) -> StartError {
    let is_web = cell.talk.is_web();
    let exit = match &answer {
        Err(NoAnswer::Closed) => timeout(END_MAX, cell.sandbox.ended()).await.ok(),
        _ => None,
    };
    let usage = cell.sandbox.cgroup().memory_use();
    let output = InitOutput {
        output: cell.line.output.take(),
        memory_peak_bytes: usage.peak_bytes,
        duration: begun.elapsed(),
    };
    drop(cell);
    match answer {
        _ if usage.oom_kills > 0 => StartError::OutOfMemory(output),
        Ok((Response::NoHandler, body)) => StartError::HandlerNotFound(fault::read(&body), output),
        Ok((Response::Unfit, body)) => StartError::Unfit(fault::read(&body), output),
        Ok((Response::LoadFailed, body)) => StartError::UserCode(fault::read(&body), output),
        Err(NoAnswer::TimedOut) if is_web => StartError::NoPort(output),
        Err(NoAnswer::TimedOut) => StartError::TimedOut(output),
        Err(NoAnswer::Closed) => StartError::Exited(
            exit.map_or_else(|| "its pipes are closed".to_owned(), |exit| exit.to_string()),
            output,
        ),
        Ok((other, _)) => StartError::Exited(format!("{other:?} was answered to the order to load"), output),
        Err(NoAnswer::TooLarge(bytes)) => StartError::Exited(format!("an answer of {bytes} bytes"), output),
        Err(NoAnswer::Garbage(what)) => StartError::Exited(what, output),
    }
}

/// What a runtime that was removed is called.
pub(crate) fn not_installed(runtime: &RuntimeName) -> StartError {
    let mend = match usual_source(runtime) {
        Some(_) => format!("; the operator installs it with `skiff runtime add {runtime}`"),
        None => String::new(),
    };
    StartError::Unavailable(format!("runtime {runtime} is not installed on this host{mend}"))
}

/// What a missing stem cell is called.
pub(crate) fn no_cell(error: &BearError) -> StartError {
    match error {
        BearError::Stock(StockError::Full(_)) => StartError::NoRoom(error.to_string()),
        BearError::Stock(StockError::Make(make)) if is_exhaustion(make) => StartError::NoRoom(error.to_string()),
        BearError::Birth(birth) if birth.is_exhaustion() => StartError::NoRoom(error.to_string()),
        _ => StartError::Platform(error.to_string()),
    }
}
