//! Connections: how many, for how long, and how they end.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::UPGRADE;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use skiff_auth::Keyring;
use skiff_control_plane::ControlPlane;
use skiff_invoker::{Identity, Invoke};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::body::Bodies;
use crate::direct;
use crate::patience::Patient;
use crate::steady::Steady;

/// Most connections at once. The next wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 4096;
/// Longest that a connection may take for a request's head, and be idle between requests.
const HEAD_TIME_MAX: Duration = Duration::from_secs(30);
/// Longest that a client may take nothing of what it is being sent.
const WRITE_STALL_MAX: Duration = Duration::from_secs(30);
/// Largest request head, and what is read of a connection at a time, in bytes.
const READ_BYTES_MAX: usize = 64 * 1024;
/// How long accepting rests after it failed, for want of file descriptors above all.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// What the gateway works with. Cheap to clone.
#[derive(Clone)]
pub struct GatewayContext {
    /// What names mean.
    pub control: ControlPlane,
    /// Runs invocations.
    pub invoker: Arc<dyn Invoke>,
    /// Who may call.
    pub keyring: Arc<Keyring>,
    /// What web functions are told of the account.
    pub identity: Identity,
}

/// The gateway while it serves.
pub(crate) struct Gateway {
    pub(crate) context: GatewayContext,
    pub(crate) bodies: Bodies,
    /// Requests to web functions, which may outlive their connections.
    pub(crate) visits: TaskTracker,
}

/// Serves until `shutdown` is cancelled: then nothing new is accepted, idle connections are closed, and those with a
/// request are answered first. Returns when the last one is closed.
///
/// # Cancel safety
/// Dropping the future closes every connection at once and gives up what they asked for. A deadline for the drain is
/// therefore a timeout around this.
pub async fn serve(listener: TcpListener, context: GatewayContext, shutdown: CancellationToken) {
    serve_all(Source::Listener(listener), context, shutdown).await;
}

/// A connection that came another way.
#[derive(Debug)]
pub struct Stream {
    /// The connection.
    pub stream: TcpStream,
    /// Given back when it has ended.
    pub place: OwnedSemaphorePermit,
}

/// Like [`serve`], for connections that come another way, as those from inside functions' own networks. Ends also when
/// no more can come.
///
/// # Cancel safety
/// That of [`serve`].
pub async fn serve_streams(streams: mpsc::Receiver<Stream>, context: GatewayContext, shutdown: CancellationToken) {
    serve_all(Source::Streams(streams), context, shutdown).await;
}

/// What a connection takes until it ends, also as a WebSocket: of this server, and of whom it comes from.
pub(crate) type Places = (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>);

/// Where connections come from.
enum Source {
    Listener(TcpListener),
    Streams(mpsc::Receiver<Stream>),
}

impl Source {
    /// The next connection, once there is a place for one. Nothing when there will be none.
    ///
    /// # Cancel safety
    /// Nothing is taken that is not returned.
    async fn next(&mut self, places: &Arc<Semaphore>) -> Option<(Places, TcpStream)> {
        let ours = Arc::clone(places).acquire_owned().await.ok()?;
        let listener = match self {
            Self::Streams(streams) => {
                let Stream { stream, place } = streams.recv().await?;
                return Some(((ours, Some(place)), stream));
            }
            Self::Listener(listener) => listener,
        };
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return Some(((ours, None), stream)),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_REST).await;
                }
            }
        }
    }
}

async fn serve_all(mut source: Source, context: GatewayContext, shutdown: CancellationToken) {
    let gateway = Arc::new(Gateway {
        context,
        bodies: Bodies::new(),
        visits: TaskTracker::new(),
    });
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(ended) = connections.join_next() => note(ended),
            next = source.next(&places) => {
                let Some((places, stream)) = next else { break };
                connections.spawn(connection(stream, places, Arc::clone(&gateway), shutdown.clone()));
            }
        }
    }
    drop(source);
    while let Some(ended) = connections.join_next().await {
        note(ended);
    }
    gateway.visits.close();
    gateway.visits.wait().await;
}

/// Serves one connection to its end. A panic or a cancel ends this connection and no other.
async fn connection(stream: TcpStream, places: Places, gateway: Arc<Gateway>, shutdown: CancellationToken) {
    // A response is written at once: waiting for more to send would only delay it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let places = Arc::new(places);
    let service = service_fn(|mut request: http::Request<Incoming>| {
        if request.headers().contains_key(UPGRADE) {
            request.extensions_mut().insert(Arc::clone(&places));
        }
        async { Ok::<_, Infallible>(direct::answer(&gateway, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(READ_BYTES_MAX)
        .serve_connection(TokioIo::new(Patient::new(stream, WRITE_STALL_MAX)), service)
        .with_upgrades();
    let connection = pin!(connection);
    let mut connection = Steady::new(connection);
    let served = tokio::select! {
        served = &mut connection => served,
        () = shutdown.cancelled() => {
            connection.inner().as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "serving a connection failed");
    }
}
