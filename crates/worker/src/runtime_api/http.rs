//! The runtime API on the wire. What speaks here is the user's code: nothing it sends is believed, nothing it does holds
//! more than one body.

use std::convert::Infallible;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use skiff_domain::limits::RESULT_BYTES_MAX;
use skiff_runtimes::native::api::{self, Dialect, Operation};
use skiff_runtimes::wire;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::desk::{Answer, Desk, Event, Refused};

/// Connections a program may have at once; the next waits in its own network. Known ones have one or two.
pub(crate) const CONNECTIONS_MAX: usize = 8;
/// Between two attempts to accept when the host is out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// As much of a body that is too large is read, and let go, so that its sender gets to read why.
const DISCARDED_BYTES_MAX: usize = 64 << 20;
/// Longest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// How AWS Lambda's runtimes say in a trailer that a result they were sending has become an error.
const TRAILER_ERROR_TYPE: &str = "lambda-runtime-function-error-type";

/// Serves one program until dropped.
pub(super) fn serve(listener: StdListener, desk: &Arc<Desk>) -> std::io::Result<JoinSet<()>> {
    let listener = TcpListener::from_std(listener)?;
    let api = Arc::new(Api {
        desk: Arc::clone(desk),
        bodies: Semaphore::new(1),
    });
    let mut serving = JoinSet::new();
    serving.spawn(accept(listener, api));
    Ok(serving)
}

async fn accept(listener: TcpListener, api: Arc<Api>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let api = Arc::clone(&api);
                connections.spawn(async move {
                    let service = service_fn(|request| {
                        let api = Arc::clone(&api);
                        async move { Ok::<_, Infallible>(api.handle(request).await) }
                    });
                    let connection = hyper::server::conn::http1::Builder::new()
                        .max_buf_size(HEAD_BYTES_MAX)
                        .title_case_headers(true)
                        .serve_connection(TokioIo::new(stream), service);
                    // How a program ends its connection is its own affair.
                    drop(connection.await);
                    drop(place);
                });
            }
            // Out of descriptors or memory: both pass.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

struct Api {
    desk: Arc<Desk>,
    /// One body is held at a time.
    bodies: Semaphore,
}

/// A body that was received.
enum Body {
    Whole(Bytes, Option<HeaderMap>),
    TooLarge(u64),
    /// The connection broke.
    Lost,
}

type Reply = Response<Full<Bytes>>;

impl Api {
    async fn handle(&self, request: Request<Incoming>) -> Reply {
        let (head, body) = request.into_parts();
        let Some((dialect, operation)) = api::route(&head.method, head.uri.path()) else {
            self.receive(body).await;
            return error(
                StatusCode::NOT_FOUND,
                "UnknownOperation",
                "The runtime API has no such operation",
            );
        };
        match operation {
            Operation::InitReady => {
                // A body that nobody reads would end the connection.
                self.receive(body).await;
                self.desk.initialised(Ok(()));
                accepted(dialect)
            }
            Operation::InitError => match self.receive(body).await {
                Body::Whole(body, _) => {
                    self.desk.initialised(Err(api::fault(dialect, &body)));
                    accepted(dialect)
                }
                Body::TooLarge(bytes) => too_large(bytes),
                Body::Lost => lost(),
            },
            Operation::Next => {
                // A program in these words has no other way to say that it is initialised.
                if dialect == Dialect::Lambda {
                    self.desk.initialised(Ok(()));
                }
                event(dialect, &self.desk.next().await)
            }
            Operation::Respond(id) | Operation::Fail(id) => {
                let is_error = matches!(operation, Operation::Fail(_));
                let (answer, reply) = match self.receive(body).await {
                    Body::Whole(body, trailers) => {
                        let broken = trailers.is_some_and(|trailers| trailers.contains_key(TRAILER_ERROR_TYPE));
                        (answer(dialect, is_error || broken, body), accepted(dialect))
                    }
                    Body::TooLarge(bytes) => {
                        let answer = (wire::Response::TooLarge, Bytes::from(bytes.to_string()));
                        (answer, too_large(bytes))
                    }
                    Body::Lost => return lost(),
                };
                match self.desk.answer(id, answer) {
                    Ok(()) => reply,
                    Err(refused) => refusal(refused),
                }
            }
        }
    }

    async fn receive(&self, mut body: Incoming) -> Body {
        let Ok(_only) = self.bodies.acquire().await else {
            return Body::Lost;
        };
        let (mut whole, mut trailers, mut length) = (BytesMut::new(), None, 0);
        while let Some(frame) = body.frame().await {
            match frame.map(Frame::into_data) {
                Err(_) => return Body::Lost,
                Ok(Ok(data)) => {
                    length += data.len();
                    if length > RESULT_BYTES_MAX {
                        whole = BytesMut::new();
                    } else {
                        whole.extend_from_slice(&data);
                    }
                    if length > DISCARDED_BYTES_MAX {
                        break;
                    }
                }
                Ok(Err(other)) => trailers = other.into_trailers().ok(),
            }
        }
        if length > RESULT_BYTES_MAX {
            Body::TooLarge(length as u64)
        } else {
            Body::Whole(whole.freeze(), trailers)
        }
    }
}

fn answer(dialect: Dialect, is_error: bool, body: Bytes) -> Answer {
    if !is_error {
        return (wire::Response::Wrote, body);
    }
    let fault = api::fault(dialect, &body);
    // A fault is texts: it can always be written.
    let fault = serde_json::to_vec(&fault).unwrap_or_default();
    (wire::Response::Raised, Bytes::from(fault))
}

fn event(dialect: Dialect, event: &Event) -> Reply {
    let mut reply = Response::new(Full::new(event.body.clone()));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    match dialect {
        Dialect::Scf => {
            set("request_id", &event.id);
            set("memory_limit_in_mb", &event.memory_mb.to_string());
            set("time_limit_in_ms", &event.timeout_ms.to_string());
        }
        Dialect::Lambda => {
            set("lambda-runtime-aws-request-id", &event.id);
            set("lambda-runtime-deadline-ms", &event.deadline_ms.to_string());
            set("lambda-runtime-invoked-function-arn", &event.arn);
        }
    }
    reply
}

fn accepted(dialect: Dialect) -> Reply {
    let status = match dialect {
        Dialect::Scf => StatusCode::OK,
        Dialect::Lambda => StatusCode::ACCEPTED,
    };
    json(status, &serde_json::json!({ "status": "OK" }))
}

fn refusal(refused: Refused) -> Reply {
    match refused {
        Refused::NothingOpen => error(
            StatusCode::FORBIDDEN,
            "InvalidStateTransition",
            "There is no event to answer: it was answered already, or none was fetched",
        ),
        Refused::OtherOpen => error(
            StatusCode::BAD_REQUEST,
            "InvalidRequestID",
            "The event to answer is another",
        ),
    }
}

fn too_large(bytes: u64) -> Reply {
    let message = format!("{bytes} bytes are more than the {RESULT_BYTES_MAX} an answer may have");
    error(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &message)
}

fn lost() -> Reply {
    error(StatusCode::BAD_REQUEST, "InvalidBody", "The body ended before its end")
}

fn error(status: StatusCode, kind: &str, message: &str) -> Reply {
    json(
        status,
        &serde_json::json!({ "errorMessage": message, "errorType": kind }),
    )
}

fn json(status: StatusCode, value: &serde_json::Value) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(value.to_string())));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    async fn ask(stream: &mut TcpStream) {
        let request = b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n";
        stream.write_all(request).await.expect("a question");
    }

    async fn is_answered(stream: &mut TcpStream) {
        let mut answer = [0; 1024];
        let length = stream.read(&mut answer).await.expect("an answer");
        assert!(answer[..length].starts_with(b"HTTP/1.1 404"));
    }

    #[tokio::test]
    async fn a_program_has_few_connections_and_the_next_waits() {
        let listener = StdListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("not blocking");
        let address = listener.local_addr().expect("its address");
        let _serving = serve(listener, &Arc::default()).expect("served");
        let mut first = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            let mut stream = TcpStream::connect(address).await.expect("a connection");
            ask(&mut stream).await;
            is_answered(&mut stream).await;
            first.push(stream);
        }
        let mut next = TcpStream::connect(address).await.expect("a place in the queue");
        ask(&mut next).await;
        for stream in &mut first {
            ask(stream).await;
            is_answered(stream).await;
        }
        assert!(next.try_read(&mut [0; 1]).is_err(), "it waits");
        drop(first.pop());
        is_answered(&mut next).await;
    }
}
