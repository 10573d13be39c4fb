//! A request's body: counted and hashed while it comes, never more of it than the limit.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::BodyExt;
use skiff_auth::{BodyHash, BodyHasher};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

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

/// Nothing of a body may come for this long, and it may be this late by the slowest pace.
const STALL_MAX: Duration = Duration::from_secs(20);
/// The slowest pace, in bytes a second: a place is for those who send.
const PACE_MIN: u64 = 32 * 1024;

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
        let mut pace = Pace::begin();
        while let Some(piece) = pace.next(body).await? {
            if bytes.len() + piece.len() > bytes_max {
                return too_large();
            }
            if bytes.len() + piece.len() > SMALL_BYTES_MAX && place.is_none() {
                let bytes_max = announced.unwrap_or(bytes_max);
                let asked = Instant::now();
                place = self.place(bytes_max).await;
                pace.rest(asked.elapsed());
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

/// How fast a body comes. One that does not keep the pace is given up.
struct Pace {
    began: Instant,
    bytes: u64,
}

impl Pace {
    fn begin() -> Self {
        Self {
            began: Instant::now(),
            bytes: 0,
        }
    }

    /// The next piece of the body.
    async fn next(&mut self, body: &mut Body) -> Result<Option<Bytes>, ApiError> {
        let refusal = |what: String| ApiError::new("InvalidParameter.Payload", what);
        loop {
            let frame = timeout(STALL_MAX, body.frame()).await;
            let late = self.began.elapsed().saturating_sub(STALL_MAX).as_secs();
            let frame = match frame {
                Ok(frame) if self.bytes >= late * PACE_MIN => frame,
                _ => return Err(refusal("the body comes too slowly, or not at all".to_owned())),
            };
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|error| refusal(format!("the body broke off: {error}")))?;
            if let Ok(piece) = frame.into_data() {
                self.bytes += piece.len() as u64;
                return Ok(Some(piece));
            }
        }
    }

    /// What the server waited is not the sender's fault.
    fn rest(&mut self, waited: Duration) {
        self.began += waited;
    }
}

/// Takes what is left of a refused request's body and keeps nothing of it: a client that finds its connection closed
/// while it still sends never reads why.
pub(crate) async fn discard(body: &mut Body) {
    let discard = async {
        let (mut left, mut pace) = (DISCARDED_BYTES_MAX, Pace::begin());
        while let Ok(Some(piece)) = pace.next(body).await {
            left = left.saturating_sub(piece.len());
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
    use tokio::time::{advance, sleep};

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

    /// A body of pieces of 64 KB with a pause after each, and an end that never comes.
    fn paced(pieces: usize, pause: Duration) -> Body {
        let piece = Bytes::from_static(&[b'a'; SMALL_BYTES_MAX]);
        let pieces = stream::iter(0..pieces).then(move |_| {
            let piece = piece.clone();
            async move {
                sleep(pause).await;
                Ok::<_, Infallible>(Frame::data(piece))
            }
        });
        Body::new(StreamBody::new(pieces.chain(stream::pending())))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_on_gives_its_place_back() {
        let room = Room::new(64 * SMALL_BYTES_MAX, 1);
        for (what, pieces, pause_ms, given_up_s) in [
            ("nothing comes", 0, 0, 20..=20),
            ("it stops", 3, 0, 20..=20),
            ("it trickles", 60, 15_000, 20..=40),
            ("it keeps the pace while it comes", 50, 2000, 120..=120),
        ] {
            let began = Instant::now();
            let refusal = room.receive(&mut paced(pieces, Duration::from_millis(pause_ms))).await;
            assert_eq!(refusal.unwrap_err().code, "InvalidParameter.Payload", "{what}");
            assert!(
                given_up_s.contains(&began.elapsed().as_secs()),
                "{what}: {:?}",
                began.elapsed()
            );
            assert_eq!(room.places.available_permits(), 64, "{what}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_body_waits_for_its_place_is_not_its_own_slowness() {
        let room = Room::new(2 * SMALL_BYTES_MAX, 1);
        let held = room.receive(&mut body(2 * SMALL_BYTES_MAX)).await.unwrap();
        let mut large = body(2 * SMALL_BYTES_MAX);
        let mut waiting = pin!(room.receive(&mut large));
        assert!(poll!(waiting.as_mut()).is_pending());
        advance(Duration::from_secs(200)).await;
        drop(held);
        assert!(waiting.await.is_ok());
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
