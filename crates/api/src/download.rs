//! Packages behind signed links: who has a link needs no credential, and can have nothing else.
//!
//! The links are GetFunctionAddress's and GetLayerVersion's. They are good for ten minutes, at any listener of the
//! control API, and over a restart of the server.

use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HOST, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use parking_lot::Mutex;
use skiff_domain::CodeDigest;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::context::ApiContext;

/// How many packages are sent at once. Each is in memory whole while it is, at most 50 MB.
const DOWNLOADS_MAX: usize = 4;
/// How long a download has its place for sure, and then until another needs it. As long as a link is good.
const PLACE_TIME: Duration = Duration::from_secs(600);
/// How long a download waits for a place.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// How much of a package is handed on at a time, in a copy: nothing else of it is then held for whoever is slow.
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
    places: Places,
}

/// Places for packages that are being sent. One that is held too long is taken away when others wait.
struct Places {
    free: Arc<Semaphore>,
    taken: Mutex<Vec<Weak<Place>>>,
}

/// The place of one package, and what of it is still to be sent.
struct Place {
    since: Instant,
    rest: Mutex<Option<(Bytes, OwnedSemaphorePermit)>>,
}

impl Places {
    fn new() -> Self {
        Self {
            free: Arc::new(Semaphore::new(DOWNLOADS_MAX)),
            taken: Mutex::default(),
        }
    }

    /// A place, soon or not at all.
    async fn take(&self) -> Option<Arc<Place>> {
        if self.free.available_permits() == 0 {
            self.reclaim();
        }
        let free = Arc::clone(&self.free).acquire_owned();
        let permit = timeout(WAIT_MAX, free).await.ok()?.ok()?;
        let place = Arc::new(Place {
            since: Instant::now(),
            rest: Mutex::new(Some((Bytes::new(), permit))),
        });
        let mut taken = self.taken.lock();
        taken.retain(|place| place.strong_count() > 0);
        taken.push(Arc::downgrade(&place));
        Some(place)
    }

    /// Takes the places away that were held for long enough.
    fn reclaim(&self) {
        let taken = self.taken.lock();
        let late = taken.iter().filter_map(Weak::upgrade);
        late.filter(|place| place.since.elapsed() >= PLACE_TIME)
            .for_each(|place| drop(place.rest.lock().take()));
    }
}

impl Place {
    /// The package bit by bit. Whoever lets go of it gives the place back.
    fn body(self: Arc<Self>, zip: Bytes) -> Body {
        if let Some((rest, _)) = &mut *self.rest.lock() {
            *rest = zip;
        }
        let next = |place: Arc<Self>| async move { place.chunk().transpose().map(|chunk| (chunk, place)) };
        Body::from_stream(futures::stream::unfold(self, next))
    }

    fn chunk(&self) -> io::Result<Option<Bytes>> {
        let mut rest = self.rest.lock();
        let Some((zip, _)) = &mut *rest else {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "others waited for the place"));
        };
        let length = zip.len().min(CHUNK_BYTES);
        Ok((length > 0).then(|| Bytes::copy_from_slice(&zip.split_to(length))))
    }
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
            places: Places::new(),
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
    let Some(place) = downloads.places.take().await else {
        let later = [(RETRY_AFTER, WAIT_MAX.as_secs().to_string())];
        let what = "other packages are being sent: ask again";
        return (StatusCode::SERVICE_UNAVAILABLE, later, what).into_response();
    };
    match downloads.context.control.package(code).await {
        Ok(Some(zip)) => {
            let name = format!("attachment; filename=\"{code}.zip\"");
            let headers = [(CONTENT_TYPE, "application/zip"), (CONTENT_DISPOSITION, name.as_str())];
            (headers, place.body(zip)).into_response()
        }
        Ok(None) => refused(StatusCode::NOT_FOUND, "the package is gone: nothing uses it any more"),
        Err(error) => {
            tracing::error!(%code, error = &error as &dyn std::error::Error, "a package cannot be read");
            refused(StatusCode::INTERNAL_SERVER_ERROR, "the package cannot be read now")
        }
    }
}

fn refused(status: StatusCode, what: &'static str) -> Response {
    (status, what).into_response()
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_place_is_waited_for_a_while_and_taken_from_who_has_it_for_long() {
        let places = Places::new();
        let package = Bytes::from(vec![7; 3 * CHUNK_BYTES + 1]);
        let mut slow = Vec::new();
        for _ in 0..DOWNLOADS_MAX {
            slow.push(places.take().await.expect("free").body(package.clone()));
        }
        let before = Instant::now();
        assert!(places.take().await.is_none());
        assert_eq!(before.elapsed(), WAIT_MAX);
        // A place is given back with what was sent, and by who goes away.
        let first = slow.pop().expect("four").collect().await.expect("whole").to_bytes();
        assert_eq!(first, package);
        slow.push(places.take().await.expect("given back").body(package.clone()));
        drop(slow.pop());
        slow.push(places.take().await.expect("given back").body(package.clone()));
        tokio::time::advance(PLACE_TIME).await;
        let next = places.take().await.expect("taken away").body(package.clone());
        assert_eq!(next.collect().await.expect("whole").to_bytes(), package);
        for body in slow {
            body.collect().await.expect_err("cut off");
        }
    }
}
