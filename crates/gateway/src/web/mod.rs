//! Requests to web functions: passed on as they are to the server that an instance runs, and its answers back as they come
//! (CONTRACT 1.11).
//!
//! The exchange outlives its client: whoever goes away ends his request and not the instance.

mod head;
mod socket;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use skiff_domain::limits::RESULT_BYTES_MAX;
use skiff_domain::{Invocation, Outcome, Web};
use skiff_invoker::{Departure, Visit};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::refusal::Refusal;
use crate::reply::{LogType, id_value, respond};
use crate::server::{Gateway, Places};

/// Pieces of an answer that wait for their client.
const PIECES: usize = 4;
/// Largest head of an answer that is read, in bytes; what may be of it is less.
const READ_BYTES_MAX: usize = 64 * 1024;

/// What is answered: whole, or as it comes.
#[derive(Debug)]
pub(crate) enum Reply {
    Whole(Full<Bytes>),
    Stream(mpsc::Receiver<io::Result<Frame<Bytes>>>),
}

impl Body for Reply {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Whole(body) => match Pin::new(body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(frame))),
                Poll::Ready(Some(Err(never))) => match never {},
                Poll::Ready(None) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            },
            Self::Stream(pieces) => pieces.poll_recv(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

/// Where the head of the answer goes; closed by a client that went away.
type Head = oneshot::Sender<Response<Reply>>;

/// Passes a request on. `path` is what the function sees, `upgrade` the client's side of a WebSocket to be.
pub(crate) async fn serve(
    gateway: &Arc<Gateway>,
    invocation: Invocation,
    web: Web,
    path: &str,
    client: (&Parts, Bytes, Option<OnUpgrade>),
) -> Result<Response<Reply>, Refusal> {
    let (parts, body, upgrade) = client;
    let upgrade = upgrade.filter(|_| web.socket_idle.is_some() && head::asks_for_socket(&parts.headers));
    let identity = &gateway.context.identity;
    let body_bytes = body.len();
    let request = head::request(parts, path, body, (&invocation, identity), upgrade.is_some())?;
    // A socket goes on when its connection's own future has ended.
    let places = upgrade
        .as_ref()
        .and_then(|_| parts.extensions.get::<Arc<Places>>().cloned());
    let id = invocation.id;
    let (head, answered) = oneshot::channel();
    let (enter, entered) = oneshot::channel();
    let (left, leave) = oneshot::channel();
    let invoker = Arc::clone(&gateway.context.invoker);
    gateway.visits.spawn(async move {
        let _places = places;
        let exchange = Exchange {
            head,
            left,
            id: id_value(id),
            socket: upgrade.zip(web.socket_idle),
        };
        let visit = Visit {
            body_bytes,
            enter,
            leave,
        };
        let visit = invoker.visit(invocation, visit);
        let (outcome, unanswered) = tokio::join!(visit, exchange.run(entered, request));
        if let Some(head) = unanswered {
            drop(head.send(failed(outcome)));
        }
    });
    answered.await.map_err(|_| {
        let message = "the request was not answered";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    })
}

/// The answer to a request that the function did not answer.
fn failed(outcome: Outcome) -> Response<Reply> {
    use skiff_domain::StatusCode as Status;
    let status = match outcome.status {
        Status::TimeLimitReached | Status::InitTimeout | Status::PortBindingFailed => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    };
    let mut response = respond(outcome, LogType::None);
    // What the invoker refused has its own.
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    response.map(Reply::Whole)
}

/// One request and its answer.
struct Exchange {
    head: Head,
    left: oneshot::Sender<Departure>,
    id: HeaderValue,
    /// The client's side of a WebSocket, and how long it may be silent.
    socket: Option<(OnUpgrade, std::time::Duration)>,
}

impl Exchange {
    /// Carries the exchange out. Gives back where the head of an answer goes, when there was none.
    async fn run(mut self, entered: oneshot::Receiver<TcpStream>, request: Request<Full<Bytes>>) -> Option<Head> {
        let stream = tokio::select! {
            stream = entered => match stream {
                Ok(stream) => stream,
                // There is no instance, and whoever knows why says so.
                Err(_) => return Some(self.head),
            },
            // With this the invoker knows that nobody will enter.
            () = self.head.closed() => return None,
        };
        let handshake = http1::Builder::new()
            .max_buf_size(READ_BYTES_MAX)
            .handshake(TokioIo::new(stream));
        let (mut sender, connection) = match handshake.await {
            Ok(pair) => pair,
            Err(error) => return self.broken(&error),
        };
        // Ends with this exchange.
        let mut driver = JoinSet::new();
        driver.spawn(async move { drop(connection.with_upgrades().await) });
        let response = tokio::select! {
            response = sender.send_request(request) => response,
            () = self.head.closed() => {
                self.leave(Departure::Gone);
                return None;
            }
        };
        match response {
            Ok(response) => self.answer(response).await,
            Err(error) => self.broken(&error),
        }
    }

    /// No answer came.
    fn broken(self, error: &hyper::Error) -> Option<Head> {
        drop(
            self.left
                .send(Departure::Broken(format!("it did not answer the request: {error}"))),
        );
        Some(self.head)
    }

    fn leave(self, how: Departure) {
        // An instance that has ended knows more.
        drop(self.left.send(how));
    }

    async fn answer(self, mut response: Response<Incoming>) -> Option<Head> {
        let status = response.status();
        if let Err(too_large) = head::check(response.headers()) {
            drop(self.left.send(Departure::Broken(too_large)));
            return Some(self.head);
        }
        if status == StatusCode::SWITCHING_PROTOCOLS {
            let server = hyper::upgrade::on(&mut response);
            let Self { head, left, id, socket } = self;
            let Some((client, idle)) = socket else {
                drop(left.send(Departure::Broken("it switched protocols unasked".to_owned())));
                return Some(head);
            };
            let mut response = response.map(|_| Reply::Whole(Full::default()));
            head::answer(status, response.headers_mut(), id);
            let departure = match head.send(response) {
                Ok(()) => socket::carry(client, server, idle).await,
                Err(_) => Departure::Gone,
            };
            drop(left.send(departure));
            return None;
        }
        let (mut parts, mut body) = response.into_parts();
        head::strip(&mut parts.headers);
        let (pieces, reply) = mpsc::channel(PIECES);
        let Self { head, left, id, .. } = self;
        head::answer(status, &mut parts.headers, id);
        let departure = match head.send(Response::from_parts(parts, Reply::Stream(reply))) {
            Ok(()) => pass_on(&mut body, &pieces, status.as_u16()).await,
            Err(_) => Departure::Gone,
        };
        drop(left.send(departure));
        None
    }
}

/// Passes an answer's body on, piece by piece as it comes.
async fn pass_on(body: &mut Incoming, pieces: &mpsc::Sender<io::Result<Frame<Bytes>>>, status: u16) -> Departure {
    let mut bytes = 0;
    loop {
        let frame = tokio::select! {
            frame = body.frame() => frame,
            () = pieces.closed() => return Departure::Gone,
        };
        let piece = match frame {
            None => return Departure::Answered(status),
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                // The client must not take what came for all of it.
                drop(
                    pieces
                        .send(Err(io::Error::other("the function broke its answer off")))
                        .await,
                );
                return Departure::Broken(format!("it broke its answer off: {error}"));
            }
        };
        bytes += piece.data_ref().map_or(0, Bytes::len);
        if bytes > RESULT_BYTES_MAX {
            drop(pieces.send(Err(io::Error::other("the answer is too large"))).await);
            return Departure::TooLarge { bytes: bytes as u64 };
        }
        if pieces.send(Ok(piece)).await.is_err() {
            return Departure::Gone;
        }
    }
}
