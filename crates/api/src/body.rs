//! A request's body: counted and hashed while it comes, never more of it than the limit.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::BodyExt;
use skiff_auth::{BodyHash, BodyHasher};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::error::ApiError;

/// Largest body of a request whose sender is known by its headers: 50 MB of zip in base64, in a form even, where `+`
/// and `/` take three characters (CONTRACT 2.1: "allow at least 70 MB").
pub(crate) const BODY_BYTES_MAX: usize = 80 * 1024 * 1024;
/// Largest body of a request whose signature is in the body itself: v1 (CONTRACT 2.1: 1 MB, and 10 MB for TC3).
pub(crate) const FORM_BYTES_MAX: usize = 10 * 1024 * 1024;
/// A body up to this size is read at once; a larger one waits for a place.
const SMALL_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Places for larger bodies: together they hold at most 4 times 80 MB, however many upload at once.
const PLACES: usize = 4;
/// Of a refused request's body this much is taken from the connection; then it is closed.
const DISCARDED_BYTES_MAX: usize = 256 * 1024 * 1024;
/// All of a body has to arrive within this time (CONTRACT 4.1: API HTTP timeout 300 s).
const ARRIVAL_MAX: Duration = Duration::from_secs(300);

/// Reads bodies and bounds the memory of all of them together.
#[derive(Debug)]
pub(crate) struct Bodies {
    places: Arc<Semaphore>,
}

/// A body that has come whole.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    pub(crate) hash: BodyHash,
    /// Held by large bodies until nothing of them is in memory.
    pub(crate) place: Option<OwnedSemaphorePermit>,
}

impl Bodies {
    pub(crate) fn new() -> Self {
        Self {
            places: Arc::new(Semaphore::new(PLACES)),
        }
    }

    /// Reads a body of at most `bytes_max`.
    pub(crate) async fn receive(&self, body: &mut Body, bytes_max: usize) -> Result<Received, ApiError> {
        match timeout(ARRIVAL_MAX, self.read(body, bytes_max)).await {
            Ok(received) => received,
            Err(_) => Err(ApiError::new(
                "InvalidParameter.Payload",
                "the body did not arrive within 300 s",
            )),
        }
    }

    async fn read(&self, body: &mut Body, bytes_max: usize) -> Result<Received, ApiError> {
        let announced = body
            .size_hint()
            .exact()
            .and_then(|bytes| usize::try_from(bytes).ok())
            .unwrap_or(0);
        let too_large = || {
            let what = format!("the body is larger than {bytes_max} bytes");
            Err(ApiError::new("InvalidParameter.RequestTooLarge", what))
        };
        if announced > bytes_max {
            return too_large();
        }
        let (mut bytes, mut hasher, mut place) = (BytesMut::new(), BodyHasher::default(), None);
        while let Some(frame) = body.frame().await {
            let frame = frame
                .map_err(|error| ApiError::new("InvalidParameter.Payload", format!("the body broke off: {error}")))?;
            let Ok(piece) = frame.into_data() else { continue };
            if bytes.len() + piece.len() > bytes_max {
                return too_large();
            }
            if bytes.len() + piece.len() > SMALL_BYTES_MAX && place.is_none() {
                // Closed never: the semaphore lives as long as the handler.
                place = Arc::clone(&self.places).acquire_owned().await.ok();
                bytes.reserve(announced.saturating_sub(bytes.len()));
            }
            hasher.update(&piece);
            bytes.extend_from_slice(&piece);
        }
        Ok(Received {
            bytes: bytes.freeze(),
            hash: hasher.finish(),
            place,
        })
    }
}

/// Takes what is left of a refused request's body and keeps nothing of it: a client that finds its connection closed
/// while it still sends never reads why.
pub(crate) async fn discard(body: &mut Body) {
    let discard = async {
        let mut left = DISCARDED_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    // Whoever is slower than that does not get the reason.
    let _ = timeout(ARRIVAL_MAX, discard).await;
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::poll;

    use super::*;

    fn body(bytes: usize) -> Body {
        Body::from(vec![b' '; bytes])
    }

    #[tokio::test]
    async fn a_large_body_waits_for_a_place_and_a_small_one_does_not() {
        let bodies = Bodies::new();
        let mut held = Vec::new();
        for _ in 0..PLACES {
            let received = bodies.receive(&mut body(SMALL_BYTES_MAX + 1), BODY_BYTES_MAX).await;
            held.push(received.unwrap());
        }
        let mut large = body(SMALL_BYTES_MAX + 1);
        let mut waiting = pin!(bodies.receive(&mut large, BODY_BYTES_MAX));
        assert!(poll!(waiting.as_mut()).is_pending());
        let small = bodies.receive(&mut body(SMALL_BYTES_MAX), BODY_BYTES_MAX).await;
        assert!(small.unwrap().place.is_none());
        held.pop();
        assert!(waiting.await.unwrap().place.is_some());
    }

    #[tokio::test]
    async fn a_body_announced_too_large_is_refused_before_it_comes() {
        let refusal = Bodies::new().receive(&mut body(11), 10).await.unwrap_err();
        assert_eq!(refusal.code, "InvalidParameter.RequestTooLarge");
        let received = Bodies::new().receive(&mut body(10), 10).await.unwrap();
        assert_eq!((received.bytes.len(), received.hash), (10, BodyHash::of(&[b' '; 10])));
    }
}
