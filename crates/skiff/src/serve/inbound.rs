//! Connections that functions make to Skiff's own endpoints, from inside their networks.
//!
//! They reach the API and the gateway and nothing else: health, metrics and status are the operator's.

use skiff_gateway::Stream;
use skiff_sandbox::Endpoint;
use skiff_worker::Inbound;
use tokio::sync::mpsc;

use super::connections::Connections;

/// Most connections of all functions together to the API.
pub(super) const CONNECTIONS_MAX: usize = 2048;
/// Connections that wait to be taken.
pub(super) const WAITING_MAX: usize = 256;

/// Hands every connection to the server of its endpoint, until the worker has let go of the last network. Waits for
/// neither: whom one has no place for is closed, and the other goes on.
pub(super) async fn distribute(mut inbound: mpsc::Receiver<Inbound>, api: Connections, gateway: mpsc::Sender<Stream>) {
    while let Some(connection) = inbound.recv().await {
        let Inbound {
            endpoint,
            stream,
            place,
        } = connection;
        match endpoint {
            Endpoint::Api => api.take(stream, place),
            // Full, or closed in the drain: the connection is then refused by being dropped.
            Endpoint::Gateway => drop(gateway.try_send(Stream { stream, place })),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::Router;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn an_api_that_is_full_refuses_and_does_not_hold_up_the_gateway() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let places = Arc::new(Semaphore::new(8));
        let (sender, inbound) = mpsc::channel(8);
        let mut clients = Vec::new();
        for endpoint in [Endpoint::Api, Endpoint::Api, Endpoint::Gateway, Endpoint::Gateway] {
            clients.push(TcpStream::connect(address).await.unwrap());
            let connection = Inbound {
                endpoint,
                stream: listener.accept().await.unwrap().0,
                place: Arc::clone(&places).try_acquire_owned().unwrap(),
            };
            sender.send(connection).await.unwrap();
        }
        drop(sender);
        let (gateway, mut reached) = mpsc::channel(1);
        let api = Connections::new(Router::new(), 1);
        distribute(inbound, api.clone(), gateway).await;
        assert!(reached.recv().await.is_some());
        assert!(reached.recv().await.is_none(), "a full gateway refuses as well");
        assert_eq!(places.available_permits(), 7, "one connection to the API is left");
        api.drain(tokio::time::Instant::now()).await;
        assert_eq!(places.available_permits(), 8);
    }
}
