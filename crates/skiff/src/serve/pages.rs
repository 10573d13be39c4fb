//! What the API's listener has beside the API: `/healthz`, `/readyz`, `/metrics`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use skiff_auth::Keyring;
use skiff_observe::Metrics;

use super::caller;

/// The type of what [`Metrics::encode`] gives.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether the server takes calls: not before everything stands, and not in a drain.
#[derive(Debug, Clone, Default)]
pub(super) struct Readiness(Arc<AtomicBool>);

impl Readiness {
    pub(super) fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::SeqCst);
    }
}

pub(super) fn router(readiness: Readiness, metrics: Metrics, keyring: Arc<Keyring>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz).with_state(readiness))
        .route("/metrics", get(scrape).with_state((metrics, keyring)))
}

async fn readyz(State(Readiness(ready)): State<Readiness>) -> impl IntoResponse {
    if ready.load(Ordering::SeqCst) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

/// Names of functions are nobody else's business: whoever sends no credential gets their sums.
async fn scrape(State((metrics, keyring)): State<(Metrics, Arc<Keyring>)>, request: Request) -> Response {
    let text = if !request.headers().contains_key(header::AUTHORIZATION) {
        metrics.encode_nameless()
    } else if let Err(error) = caller::identify(&request, &keyring) {
        return caller::refusal(&error);
    } else {
        metrics.encode()
    };
    ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response()
}
