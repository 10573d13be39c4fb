//! A request's body: counted and hashed while it comes, never more of it than the limit.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use skiff_auth::{BodyHash, BodyHasher};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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
    pub(crate) async fn receive(&self, body: Body, bytes_max: usize) -> Result<Received, ApiError> {
        match tokio::time::timeout(ARRIVAL_MAX, self.read(body, bytes_max)).await {
            Ok(received) => received,
            Err(_) => Err(ApiError::new(
                "InvalidParameter.Payload",
                "the body did not arrive within 300 s",
            )),
        }
    }

    async fn read(&self, body: Body, bytes_max: usize) -> Result<Received, ApiError> {
        let mut body = pin!(body);
        let (mut bytes, mut hasher, mut place) = (BytesMut::new(), BodyHasher::default(), None);
        while let Some(frame) = body.frame().await {
            let frame = frame
                .map_err(|error| ApiError::new("InvalidParameter.Payload", format!("the body broke off: {error}")))?;
            let Ok(piece) = frame.into_data() else { continue };
            if bytes.len() + piece.len() > bytes_max {
                return Err(ApiError::new(
                    "InvalidParameter.RequestTooLarge",
                    format!("the body is larger than {bytes_max} bytes"),
                ));
            }
            if bytes.len() + piece.len() > SMALL_BYTES_MAX && place.is_none() {
                // Closed never: the semaphore lives as long as the handler.
                place = Arc::clone(&self.places).acquire_owned().await.ok();
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
