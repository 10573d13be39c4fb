//! `GET /status.json`: what is running now, for `skiff top` and whoever else has a credential. Signed like an action:
//! function names are nobody else's business.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use serde_json::json;
use skiff_auth::{BodyHash, Keyring, SignedRequest, verify};
use skiff_invoker::{FunctionLoad, Invoke};
use skiff_worker::Worker;

/// What the page is made of.
#[derive(Clone)]
pub(super) struct StatusContext {
    pub(super) started: Instant,
    pub(super) keyring: Arc<Keyring>,
    pub(super) invoker: Arc<dyn Invoke>,
    pub(super) worker: Worker,
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
    ready: usize,
}

/// One function that has instances or calls.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Load {
    namespace: String,
    name: String,
    version: String,
    runtime: &'static str,
    memory_mb: u32,
    running: u32,
    waiting: u32,
    idle: u32,
}

pub(super) fn router(context: StatusContext) -> Router {
    Router::new().route("/status.json", get(page)).with_state(context)
}

async fn page(State(context): State<StatusContext>, request: Request) -> Response {
    let signed = SignedRequest {
        method: request.method(),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        headers: request.headers(),
        body: BodyHash::of(b""),
        parameters: &[],
    };
    let (status, body) = match verify(&signed, &context.keyring, jiff::Timestamp::now()) {
        Ok(_) => (StatusCode::OK, json!(context.status())),
        Err(error) => {
            let error = json!({"Code": error.code(), "Message": error.to_string()});
            (
                StatusCode::UNAUTHORIZED,
                json!({"Response": {"Error": error, "RequestId": ""}}),
            )
        }
    };
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

impl StatusContext {
    fn status(&self) -> Status {
        let worker = self.worker.status();
        let mut functions: Vec<Load> = self.invoker.load().into_iter().map(Load::from).collect();
        functions.sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
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
                    ready: runtime.stem_cells,
                })
                .collect(),
            functions,
        }
    }
}

impl From<FunctionLoad> for Load {
    fn from(load: FunctionLoad) -> Self {
        let FunctionLoad {
            version,
            running,
            waiting,
            idle,
        } = load;
        Self {
            namespace: version.key.namespace.to_string(),
            name: version.key.name.to_string(),
            version: version.label.to_string(),
            runtime: version.runtime.as_str(),
            memory_mb: version.memory_mb,
            running,
            waiting,
            idle,
        }
    }
}
