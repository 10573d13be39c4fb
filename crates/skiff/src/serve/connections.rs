//! HTTP connections of a listener or of sandboxes, served until the drain.
//!
//! Owns how many there may be, how long a head may take, and how they end. What is asked on them is the router's.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use skiff_gateway::Patient;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

/// Most connections of a listener at once; the next waits in the kernel.
pub(super) const CONNECTIONS_MAX: usize = 8192;
/// How long the head of a request may take, and a kept connection may be silent.
const HEAD_MAX: Duration = Duration::from_secs(75);
/// Longest that a client may take nothing of what it is being sent.
const WRITE_STALL_MAX: Duration = Duration::from_secs(30);
/// Largest head of a request, and what is read of a connection at a time, in bytes.
const READ_BYTES_MAX: usize = 64 * 1024;
/// Between two attempts to accept when the host is out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The connections of one router. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connections {
    router: Router,
    places: Arc<Semaphore>,
    tracker: TaskTracker,
    /// No further request on any connection; what runs is finished.
    drain: CancellationToken,
    /// What still runs is given up.
    cut: CancellationToken,
}

impl Connections {
    /// None yet, and never more than `connections_max`.
    pub(super) fn new(router: Router, connections_max: usize) -> Self {
        Self {
            router,
            places: Arc::new(Semaphore::new(connections_max)),
            tracker: TaskTracker::new(),
            drain: CancellationToken::new(),
            cut: CancellationToken::new(),
        }
    }

    /// Accepts and serves until the drain.
    pub(super) async fn accept_all(&self, listener: TcpListener) {
        loop {
            let accepted = async {
                let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
                Some((place, listener.accept().await))
            };
            let accepted = tokio::select! {
                () = self.drain.cancelled() => return,
                accepted = accepted => accepted,
            };
            match accepted {
                Some((place, Ok((stream, _)))) => self.spawn(stream, (place, None)),
                Some((_, Err(error))) => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                None => return,
            }
        }
    }

    /// Serves a connection that came another way, or closes it where there is no place for it. `theirs` is given back
    /// when it has ended.
    pub(super) fn take(&self, stream: TcpStream, theirs: OwnedSemaphorePermit) {
        if let Ok(ours) = Arc::clone(&self.places).try_acquire_owned() {
            self.spawn(stream, (ours, Some(theirs)));
        }
    }

    fn spawn(&self, stream: TcpStream, places: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>)) {
        let this = self.clone();
        self.tracker.spawn(async move {
            let cut = this.cut.clone();
            tokio::select! {
                () = cut.cancelled() => {}
                () = this.serve(stream) => {}
            }
            drop(places);
        });
    }

    async fn serve(self, stream: TcpStream) {
        drop(stream.set_nodelay(true));
        let router = self.router;
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut router = router.clone();
            async move { Ok::<_, Infallible>(router.call(request).await.unwrap_or_else(|never| match never {})) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_MAX)
            .max_buf_size(READ_BYTES_MAX)
            .serve_connection(TokioIo::new(Patient::new(stream, WRITE_STALL_MAX)), service);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.drain.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            // Clients go away in the middle of things; that is theirs to do.
            tracing::debug!(%error, "a connection ended early");
        }
    }

    /// Takes no further request, lets those that run be answered until `deadline`, and gives up the rest.
    pub(super) async fn drain(&self, deadline: tokio::time::Instant) {
        self.drain.cancel();
        self.tracker.close();
        if tokio::time::timeout_at(deadline, self.tracker.wait()).await.is_err() {
            self.cut.cancel();
            self.tracker.wait().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::SocketAddr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;
    use tokio::time::Instant;

    use super::*;

    async fn served(router: Router) -> (Connections, SocketAddr, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let connections = Connections::new(router, 8);
        let accepting = connections.clone();
        (
            connections,
            address,
            tokio::spawn(async move { accepting.accept_all(listener).await }),
        )
    }

    /// A request on a thread of its own: its answer's text.
    fn ask(address: SocketAddr) -> std::thread::JoinHandle<String> {
        std::thread::spawn(move || {
            let mut stream = std::net::TcpStream::connect(address).expect("connected");
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
            let mut answer = String::new();
            drop(stream.read_to_string(&mut answer));
            answer
        })
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_drain_lets_running_requests_be_answered_and_takes_no_more() {
        let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let handler = {
            let (entered, go) = (Arc::clone(&entered), Arc::clone(&go));
            move || async move {
                entered.notify_one();
                go.notified().await;
                "done"
            }
        };
        let (connections, address, accepting) = served(Router::new().route("/", get(handler))).await;
        let running = ask(address);
        entered.notified().await;
        let drained = tokio::spawn(async move { connections.drain(Instant::now() + Duration::from_secs(60)).await });
        accepting.await.expect("stops accepting");
        assert!(std::net::TcpStream::connect(address).is_err(), "the port is closed");
        go.notify_one();
        drained.await.expect("drained");
        assert!(running.join().expect("answered").ends_with("done"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_request_that_does_not_end_is_given_up_at_the_deadline() {
        let entered = Arc::new(Notify::new());
        let handler = {
            let entered = Arc::clone(&entered);
            move || async move {
                entered.notify_one();
                std::future::pending::<()>().await;
            }
        };
        let (connections, address, _accepting) = served(Router::new().route("/", get(handler))).await;
        let stuck = ask(address);
        entered.notified().await;
        connections.drain(Instant::now()).await;
        assert_eq!(stuck.join().expect("ended"), "");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_nothing_of_its_answer_loses_its_connection() {
        let large = get(|| async { vec![b'x'; 64 * 1024 * 1024] });
        let (connections, address, _accepting) = served(Router::new().route("/", large)).await;
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("sent");
        // The first tells that it is being answered.
        stream.read_exact(&mut [0; 12]).await.expect("answered");
        let ended = Arc::clone(&connections.places).acquire_many_owned(7);
        drop(tokio::time::timeout(10 * WRITE_STALL_MAX, ended).await.expect("ended"));
    }

    #[tokio::test]
    async fn a_head_of_more_than_64_kb_is_refused_before_it_ends() {
        let (_connections, address, _accepting) = served(Router::new().route("/", get(|| async { "done" }))).await;
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(b"GET / HTTP/1.1\r\nX-Long: ").await.expect("sent");
        stream.write_all(&[b'a'; READ_BYTES_MAX]).await.expect("sent");
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.expect("answered");
        assert_eq!(&first, b"HTTP/1.1 431");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_silent_connection_does_not_hold_up_a_drain() {
        let (connections, address, _accepting) = served(Router::new().route("/", get(|| async { "done" }))).await;
        let mut kept = std::net::TcpStream::connect(address).expect("connected");
        kept.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
        let mut first = [0; 12];
        kept.read_exact(&mut first).expect("answered");
        connections.drain(Instant::now() + Duration::from_secs(600)).await;
        assert_eq!(&first, b"HTTP/1.1 200");
    }
}
