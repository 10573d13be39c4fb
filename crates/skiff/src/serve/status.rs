//! `GET /status.json`: what is running now, for `skiff top` and whoever else has a credential. Signed like an action:
//! function names are nobody else's business.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use serde_json::json;
use skiff_auth::Keyring;
use skiff_domain::{FunctionKey, Qualifier};
use skiff_invoker::{FunctionLoad, Invoke};
use skiff_observe::{Counts, Metrics};
use skiff_worker::Worker;

use super::caller;

/// What the page is made of.
#[derive(Clone)]
pub(super) struct StatusContext {
    pub(super) started: Instant,
    pub(super) keyring: Arc<Keyring>,
    pub(super) invoker: Arc<dyn Invoke>,
    pub(super) worker: Worker,
    pub(super) metrics: Metrics,
}

/// The page.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    version: &'static str,
    uptime_seconds: u64,
    /// Sandboxes alive or ready to be.
    sandboxes: u32,
    /// Names that functions can be created with.
    runtimes: Vec<String>,
    stem_cells: Vec<StemCells>,
    functions: Vec<Load>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StemCells {
    runtime: String,
    source: String,
    bytes: Option<u64>,
    ready: usize,
    /// Why there are none, or none of some kind.
    reason: Option<String>,
    /// Whether that is because they do not come up.
    fails: bool,
}

/// One version of a function that has instances or calls, or had calls since the start.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Load {
    namespace: String,
    name: String,
    /// These are of a version with instances or calls.
    version: Option<String>,
    runtime: Option<&'static str>,
    memory_mb: Option<u32>,
    running: u32,
    waiting: u32,
    /// Instances that run calls, and those with nothing to do.
    busy: u32,
    idle: u32,
    /// Instances that are to be kept ready, and those of them there are.
    provisioned: u32,
    ready: u32,
    /// These are of the function since the start, whatever its version.
    calls: u64,
    errors: u64,
    throttles: u64,
    cold_starts: u64,
    billed_ms: u64,
}

pub(super) fn router(context: StatusContext) -> Router {
    Router::new().route("/status.json", get(page)).with_state(context)
}

async fn page(State(context): State<StatusContext>, request: Request) -> Response {
    match caller::identify(&request, &context.keyring) {
        Ok(_) => (
            [(header::CONTENT_TYPE, "application/json")],
            json!(context.status()).to_string(),
        )
            .into_response(),
        Err(error) => caller::refusal(&error),
    }
}

impl StatusContext {
    fn status(&self) -> Status {
        let worker = self.worker.status();
        Status {
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: self.started.elapsed().as_secs(),
            sandboxes: worker.sandboxes,
            runtimes: worker.runtimes.iter().map(|runtime| runtime.name.clone()).collect(),
            stem_cells: worker
                .runtimes
                .into_iter()
                .map(|runtime| StemCells {
                    runtime: runtime.name,
                    source: runtime.source,
                    bytes: runtime.bytes,
                    ready: runtime.stem_cells,
                    reason: runtime.reason,
                    fails: runtime.fails,
                })
                .collect(),
            functions: functions(self.invoker.load(), self.metrics.counts()),
        }
    }
}

/// Loads of one version are added up: revisions that are going away are still of it. By name.
fn functions(loads: Vec<FunctionLoad>, counts: Vec<Counts>) -> Vec<Load> {
    let mut functions: BTreeMap<(FunctionKey, Option<Qualifier>), Load> = BTreeMap::new();
    let mut known: BTreeMap<FunctionKey, Counts> =
        counts.into_iter().map(|counts| (counts.key.clone(), counts)).collect();
    for FunctionLoad {
        version,
        running,
        waiting,
        busy,
        idle,
        provisioned,
        ready,
        failure: _, // GetProvisionedConcurrencyConfig says it
    } in loads
    {
        let key = (version.key.clone(), Some(version.label.clone()));
        let load = functions.entry(key).or_insert_with(|| Load {
            version: Some(version.label.to_string()),
            runtime: Some(version.runtime.as_str()),
            memory_mb: Some(version.memory_mb),
            ..Load::of(&version.key, known.remove(&version.key).as_ref())
        });
        load.running += running;
        load.waiting += waiting;
        load.busy += busy;
        load.idle += idle;
        load.provisioned += provisioned;
        load.ready += ready;
    }
    for (key, counts) in known {
        let load = Load::of(&key, Some(&counts));
        functions.insert((key, None), load);
    }
    functions.into_values().collect()
}

impl Load {
    fn of(key: &FunctionKey, counts: Option<&Counts>) -> Self {
        Self {
            namespace: key.namespace.to_string(),
            name: key.name.to_string(),
            version: None,
            runtime: None,
            memory_mb: None,
            running: 0,
            waiting: 0,
            busy: 0,
            idle: 0,
            provisioned: 0,
            ready: 0,
            calls: counts.map_or(0, |counts| counts.invocations),
            errors: counts.map_or(0, |counts| counts.errors),
            throttles: counts.map_or(0, |counts| counts.throttles),
            cold_starts: counts.map_or(0, |counts| counts.cold_starts),
            billed_ms: counts.map_or(0, |counts| counts.billed_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use skiff_domain::{CodeDigest, FunctionUid, NetworkMode, Revision, Version};

    use super::*;

    fn load(name: &str, revision: u64, running: u32) -> FunctionLoad {
        let version = Version {
            key: key(name),
            uid: FunctionUid::from_random([0; 5]),
            label: Qualifier::latest(),
            revision: Revision(revision),
            runtime: "Python3.11".parse().expect("known"),
            handler: String::new(),
            memory_mb: 128,
            timeout: Duration::ZERO,
            init_timeout: Duration::ZERO,
            environment: Vec::new(),
            code: CodeDigest::of(b""),
            layers: Default::default(),
            network: NetworkMode::None,
            role: None,
            web: None,
            concurrency: Default::default(),
        };
        FunctionLoad {
            version: Arc::new(version),
            running,
            waiting: 0,
            busy: running,
            idle: 1,
            provisioned: 0,
            ready: 0,
            failure: None,
        }
    }

    fn key(name: &str) -> FunctionKey {
        FunctionKey {
            namespace: "default".parse().expect("legal"),
            name: name.parse().expect("legal"),
        }
    }

    fn counted(name: &str, invocations: u64) -> Counts {
        Counts {
            key: key(name),
            invocations,
            errors: 1,
            throttles: 0,
            cold_starts: 0,
            billed_ms: 7,
        }
    }

    #[test]
    fn revisions_of_a_version_are_one_line_and_functions_without_instances_have_one_too() {
        let shown = functions(
            vec![load("two", 1, 2), load("two", 2, 3)],
            vec![counted("one", 5), counted("two", 9)],
        );
        let lines: Vec<_> = shown
            .iter()
            .map(|load| (load.name.as_str(), load.running, load.idle, load.calls))
            .collect();
        assert_eq!(lines, [("one", 0, 0, 5), ("two", 5, 2, 9)]);
    }
}
