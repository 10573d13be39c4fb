//! Packages behind signed links: who has a link needs no credential, and can have nothing else.
//!
//! The links are GetFunctionAddress's and GetLayerVersion's. They are good for ten minutes, at any listener of the
//! control API, and over a restart of the server.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HOST};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use skiff_domain::CodeDigest;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::context::ApiContext;

/// How many packages are sent at once. Each is in memory whole while it is, at most 50 MB.
const DOWNLOADS_MAX: usize = 4;
/// How much of a package is handed on at a time.
const CHUNK_BYTES: usize = 256 * 1024;
/// The route of [`path`].
pub(crate) const ROUTE: &str = "/packages/{code}";

/// Where a package is found.
pub(crate) fn path(code: &CodeDigest) -> String {
    format!("/packages/{code}")
}

/// Where the caller reached this server, as far as a reverse proxy before it says so.
pub(crate) fn origin(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = match text("x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    format!("{scheme}://{}", text(HOST.as_str()).unwrap_or("localhost"))
}

/// What sending packages needs.
pub(crate) struct Downloads {
    context: ApiContext,
    places: Arc<Semaphore>,
}

/// What a link carries.
struct Signed {
    expires_s: i64,
    signature: String,
}

impl Signed {
    fn read(query: &str) -> Option<Self> {
        let field = |wanted: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            Some(pairs.find(|(name, _)| name == wanted)?.1.into_owned())
        };
        Some(Self {
            expires_s: field("expires")?.parse().ok()?,
            signature: field("signature")?,
        })
    }
}

impl Downloads {
    pub(crate) fn new(context: ApiContext) -> Self {
        Self {
            context,
            places: Arc::new(Semaphore::new(DOWNLOADS_MAX)),
        }
    }
}

/// `GET /packages/{code}?expires=…&signature=…`.
///
/// # Cancel safety
/// Dropping the future sends nothing more and gives the place back.
pub(crate) async fn get(
    State(downloads): State<Arc<Downloads>>,
    Path(code): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let Ok(code) = code.parse::<CodeDigest>() else {
        return refused(StatusCode::NOT_FOUND, "there is no such package");
    };
    let signed = Signed::read(query.as_deref().unwrap_or_default());
    let keyring = &downloads.context.keyring;
    if !signed
        .is_some_and(|signed| keyring.verify_link(&path(&code), signed.expires_s, &signed.signature, Timestamp::now()))
    {
        return refused(
            StatusCode::FORBIDDEN,
            "the link is not valid or no longer: ask the API for a new one",
        );
    }
    let Ok(place) = Arc::clone(&downloads.places).acquire_owned().await else {
        return refused(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping");
    };
    match downloads.context.control.package(code).await {
        Ok(Some(zip)) => {
            let name = format!("attachment; filename=\"{code}.zip\"");
            let headers = [(CONTENT_TYPE, "application/zip"), (CONTENT_DISPOSITION, name.as_str())];
            (headers, body(zip, place)).into_response()
        }
        Ok(None) => refused(StatusCode::NOT_FOUND, "the package is gone: nothing uses it any more"),
        Err(error) => {
            tracing::error!(%code, error = &error as &dyn std::error::Error, "a package cannot be read");
            refused(StatusCode::INTERNAL_SERVER_ERROR, "the package cannot be read now")
        }
    }
}

/// A package bit by bit, its place held until the last.
fn body(zip: Bytes, place: OwnedSemaphorePermit) -> Body {
    let next = |(mut rest, place): (Bytes, OwnedSemaphorePermit)| async move {
        if rest.is_empty() {
            return None;
        }
        let chunk = rest.split_to(rest.len().min(CHUNK_BYTES));
        Some((Ok::<_, std::convert::Infallible>(chunk), (rest, place)))
    };
    Body::from_stream(futures::stream::unfold((zip, place), next))
}

fn refused(status: StatusCode, what: &'static str) -> Response {
    (status, what).into_response()
}
