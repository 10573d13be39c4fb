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

/// Largest body of a request whose sender is told by its headers: 50 MB of zip in base64, in a form even, where `+` and
/// `/` take three characters (CONTRACT 2.1: "allow at least 70 MB").
const NAMED_BYTES_MAX: usize = 80 * 1024 * 1024;
/// Largest body of a request that does not say by its headers whose it is: its v1 signature is in the body (CONTRACT 2.1).
const NAMELESS_BYTES_MAX: usize = 1024 * 1024;
/// A body up to this size is read at once; a larger one waits for a place. Places are counted in this.
const SMALL_BYTES_MAX: usize = 64 * 1024;
/// Of a refused request's body this much is taken from the connection; then it is closed.
const DISCARDED_BYTES_MAX: usize = 256 * 1024 * 1024;
/// All of a body has to arrive within this time (CONTRACT 4.1: API HTTP timeout 300 s).
const ARRIVAL_MAX: Duration = Duration::from_secs(300);

/// Reads bodies and bounds the memory of all of them together. Whoever is not named shares no room with those who are.
#[derive(Debug)]
pub(crate) struct Bodies {
    /// Of requests whose headers name a credential that is known here: 4 of the largest.
    pub(crate) named: Room,
    /// Of requests whose bodies have to say whose they are: 32 of the largest.
    pub(crate) nameless: Room,
}

/// The memory of one kind of bodies.
#[derive(Debug)]
pub(crate) struct Room {
    bytes_max: usize,
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
            named: Room::new(NAMED_BYTES_MAX, 4),
            nameless: Room::new(NAMELESS_BYTES_MAX, 32),
        }
    }
}

impl Room {
    fn new(bytes_max: usize, largest: usize) -> Self {
        Self {
            bytes_max,
            places: Arc::new(Semaphore::new(largest * bytes_max / SMALL_BYTES_MAX)),
        }
    }

    /// Reads a body.
    pub(crate) async fn receive(&self, body: &mut Body) -> Result<Received, ApiError> {
        match timeout(ARRIVAL_MAX, self.read(body)).await {
            Ok(received) => received,
            Err(_) => Err(ApiError::new(
                "InvalidParameter.Payload",
                "the body did not arrive within 300 s",
            )),
        }
    }

    async fn read(&self, body: &mut Body) -> Result<Received, ApiError> {
        let bytes_max = self.bytes_max;
        let announced = body
            .size_hint()
            .exact()
            .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        let too_large = || {
            let what = format!("the body is larger than {bytes_max} bytes");
            Err(ApiError::new("InvalidParameter.RequestTooLarge", what))
        };
        if announced.is_some_and(|bytes| bytes > bytes_max) {
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
                let bytes_max = announced.unwrap_or(bytes_max);
                place = self.place(bytes_max).await;
                bytes.reserve(announced.unwrap_or_default().saturating_sub(bytes.len()));
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

    /// A place for a body that is not larger than this, once it is its turn.
    async fn place(&self, bytes_max: usize) -> Option<OwnedSemaphorePermit> {
        let places = u32::try_from(bytes_max.div_ceil(SMALL_BYTES_MAX)).unwrap_or(u32::MAX);
        // Closed never: the semaphore lives as long as the handler.
        Arc::clone(&self.places).acquire_many_owned(places).await.ok()
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
    use std::convert::Infallible;
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::poll;
    use futures::stream::{self, StreamExt};
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    fn body(bytes: usize) -> Body {
        Body::from(vec![b' '; bytes])
    }

    #[tokio::test]
    async fn a_large_body_waits_for_a_place_and_a_small_one_does_not() {
        let room = Room::new(4 * SMALL_BYTES_MAX, 2);
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(room.receive(&mut body(SMALL_BYTES_MAX + 1)).await.unwrap());
        }
        let mut large = body(SMALL_BYTES_MAX + 1);
        let mut waiting = pin!(room.receive(&mut large));
        assert!(poll!(waiting.as_mut()).is_pending());
        let small = room.receive(&mut body(SMALL_BYTES_MAX)).await;
        assert!(small.unwrap().place.is_none());
        held.pop();
        assert!(waiting.await.unwrap().place.is_some());
    }

    #[tokio::test]
    async fn bodies_of_strangers_that_never_end_are_bounded_together_and_leave_the_others_their_room() {
        const PIECE: &[u8] = &[b'a'; SMALL_BYTES_MAX];
        const STRANGERS: usize = 200;
        let bodies = Bodies::new();
        let taken = Arc::new(AtomicUsize::new(0));
        let mut strangers: Vec<Body> = (0..STRANGERS)
            .map(|_| {
                let taken = Arc::clone(&taken);
                let pieces = stream::repeat_with(move || {
                    taken.fetch_add(PIECE.len(), Ordering::Relaxed);
                    Ok::<_, Infallible>(Frame::data(Bytes::from_static(PIECE)))
                });
                Body::new(StreamBody::new(pieces.take(15).chain(stream::pending())))
            })
            .collect();
        let mut receiving: Vec<_> = strangers
            .iter_mut()
            .map(|body| Box::pin(bodies.nameless.receive(body)))
            .collect();
        for receiving in &mut receiving {
            assert!(poll!(receiving.as_mut()).is_pending());
        }
        // Everyone has the small beginning, and the piece that waits for a place.
        let bytes_max = 32 * NAMELESS_BYTES_MAX + STRANGERS * 2 * PIECE.len();
        assert!(taken.load(Ordering::Relaxed) <= bytes_max);
        let named = bodies.named.receive(&mut body(NAMED_BYTES_MAX)).await;
        assert!(named.unwrap().place.is_some());
    }

    #[tokio::test]
    async fn a_body_announced_too_large_is_refused_before_it_comes() {
        let room = Room::new(SMALL_BYTES_MAX, 1);
        let refusal = room.receive(&mut body(SMALL_BYTES_MAX + 1)).await.unwrap_err();
        assert_eq!(refusal.code, "InvalidParameter.RequestTooLarge");
        let received = room.receive(&mut body(10)).await.unwrap();
        assert_eq!((received.bytes.len(), received.hash), (10, BodyHash::of(&[b' '; 10])));
    }
}
