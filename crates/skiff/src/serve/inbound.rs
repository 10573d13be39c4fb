//! Connections that functions make to Skiff's own endpoints, from inside their networks.
//!
//! They reach the API and the gateway and nothing else: health, metrics and status are the operator's.

use skiff_sandbox::Endpoint;
use skiff_worker::Inbound;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::connections::Connections;

/// Connections that wait to be taken.
pub(super) const WAITING_MAX: usize = 256;

/// Hands every connection to the server of its endpoint, until the worker has let go of the last network.
pub(super) async fn distribute(
    mut inbound: mpsc::Receiver<Inbound>,
    api: Connections,
    gateway: mpsc::Sender<TcpStream>,
) {
    while let Some(Inbound { endpoint, stream }) = inbound.recv().await {
        match endpoint {
            Endpoint::Api => api.take(stream).await,
            // Closed in the drain: the connection is then refused by being dropped.
            Endpoint::Gateway => drop(gateway.send(stream).await),
        }
    }
}
