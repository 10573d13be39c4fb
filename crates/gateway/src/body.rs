//! A request's body: counted while it comes, never more of it in memory than the limit.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;
use skiff_domain::limits::EVENT_BYTES_MAX;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// A body up to this size is read at once; a larger one waits for a place.
const SMALL_BYTES_MAX: usize = 64 * 1024;
/// Places for larger bodies whose senders are not known yet: together they hold at most 32 times 6 MB.
const PLACES: usize = 32;
/// All of a body has to arrive within this time.
const ARRIVAL_MAX: Duration = Duration::from_secs(60);
/// How much of a refused body is still read, so that a client that is still writing gets to read why.
const DISCARDED_BYTES_MAX: u64 = 4 * EVENT_BYTES_MAX as u64;
/// For how long.
const DISCARD_MAX: Duration = Duration::from_secs(5);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a body was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// It is, or says it is, larger than an event may be.
    #[error("the event is larger than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// It did not arrive in time.
    #[error("the body did not arrive within {} s", ARRIVAL_MAX.as_secs())]
    TooSlow,
    /// It is no body: badly chunked or cut off.
    #[error("the body could not be read")]
    Broken(#[source] BoxError),
}

/// A body that has come whole.
pub(crate) struct Received<'a> {
    pub(crate) bytes: Bytes,
    /// Held by a large body until its sender is known.
    _place: Option<SemaphorePermit<'a>>,
}

/// Reads bodies and bounds the memory of all that are being read.
pub(crate) struct Bodies {
    places: Semaphore,
}

impl Bodies {
    pub(crate) fn new() -> Self {
        Self {
            places: Semaphore::new(PLACES),
        }
    }

    /// Reads a body to its end, and shows it to `see` piece by piece.
    pub(crate) async fn receive<B>(&self, body: &mut B, see: impl FnMut(&[u8])) -> Result<Received<'_>, BodyError>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<BoxError>,
    {
        timeout(ARRIVAL_MAX, self.read(body, see))
            .await
            .unwrap_or(Err(BodyError::TooSlow))
    }

    async fn read<B>(&self, body: &mut B, mut see: impl FnMut(&[u8])) -> Result<Received<'_>, BodyError>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<BoxError>,
    {
        let too_large = BodyError::TooLarge {
            bytes_max: EVENT_BYTES_MAX,
        };
        if body.size_hint().lower() > EVENT_BYTES_MAX as u64 {
            return Err(too_large);
        }
        let mut place = None;
        let mut whole = Pieces::default();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| BodyError::Broken(error.into()))?;
            let Ok(piece) = frame.into_data() else { continue };
            if whole.len() + piece.len() > EVENT_BYTES_MAX {
                return Err(too_large);
            }
            if whole.len() + piece.len() > SMALL_BYTES_MAX && place.is_none() {
                place = self.places.acquire().await.ok();
            }
            see(&piece);
            whole.push(piece);
        }
        Ok(Received {
            bytes: whole.into_bytes(),
            _place: place,
        })
    }
}

/// The pieces of a body. The most common body comes in one and is not copied.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    all: BytesMut,
}

impl Pieces {
    fn len(&self) -> usize {
        self.first.len() + self.all.len()
    }

    fn push(&mut self, piece: Bytes) {
        if self.len() == 0 {
            self.first = piece;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.all.extend_from_slice(&piece);
    }

    fn into_bytes(self) -> Bytes {
        if self.all.is_empty() {
            self.first
        } else {
            self.all.freeze()
        }
    }
}

/// Reads the rest of a refused body and forgets it.
pub(crate) async fn discard<B: Body<Data = Bytes> + Unpin>(body: &mut B) {
    let rest = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, |piece| piece.len() as u64);
            if bytes > DISCARDED_BYTES_MAX {
                break;
            }
        }
    };
    // In time or not, the answer is sent next.
    let _ = timeout(DISCARD_MAX, rest).await;
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use hyper::body::Frame;

    use super::*;

    /// A body of these pieces that ends, or one that does not.
    struct Scripted {
        pieces: VecDeque<Bytes>,
        ends: bool,
    }

    impl Scripted {
        fn new(sizes: &[usize], ends: bool) -> Self {
            let pieces = sizes.iter().map(|size| vec![b'x'; *size].into()).collect();
            Self { pieces, ends }
        }
    }

    impl Body for Scripted {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.pieces.pop_front() {
                Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
                None if self.ends => Poll::Ready(None),
                None => Poll::Pending,
            }
        }
    }

    #[tokio::test]
    async fn a_body_is_whole_and_seen_however_it_comes() {
        for sizes in [&[][..], &[0], &[5], &[2, 3], &[0, 2, 0, 3], &[EVENT_BYTES_MAX - 1, 1]] {
            let mut seen = 0;
            let bodies = Bodies::new();
            let mut body = Scripted::new(sizes, true);
            let received = bodies.receive(&mut body, |piece| seen += piece.len()).await.unwrap();
            assert_eq!(received.bytes.len(), sizes.iter().sum::<usize>());
            assert_eq!(seen, received.bytes.len());
        }
    }

    #[tokio::test]
    async fn one_byte_too_many_is_too_many() {
        let mut body = Scripted::new(&[EVENT_BYTES_MAX, 1], true);
        let bodies = Bodies::new();
        let refused = bodies.receive(&mut body, |_| ()).await;
        assert!(matches!(refused, Err(BodyError::TooLarge { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for_forever() {
        let mut body = Scripted::new(&[5], false);
        let bodies = Bodies::new();
        let refused = bodies.receive(&mut body, |_| ()).await;
        assert!(matches!(refused, Err(BodyError::TooSlow)));
    }

    #[tokio::test(start_paused = true)]
    async fn large_bodies_wait_for_a_place_and_small_ones_do_not() {
        let bodies = Bodies::new();
        let mut held = Vec::new();
        for _ in 0..PLACES {
            let mut body = Scripted::new(&[SMALL_BYTES_MAX + 1], true);
            held.push(bodies.receive(&mut body, |_| ()).await.unwrap());
        }
        let mut small = Scripted::new(&[SMALL_BYTES_MAX], true);
        assert!(bodies.receive(&mut small, |_| ()).await.is_ok());
        let mut large = Scripted::new(&[SMALL_BYTES_MAX + 1], true);
        let mut waiting = pin!(bodies.receive(&mut large, |_| ()));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut cx).is_pending());
        held.pop();
        assert!(waiting.as_mut().poll(&mut cx).is_ready());
    }
}
