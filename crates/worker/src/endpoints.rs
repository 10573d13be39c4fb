//! Skiff's own endpoints as functions reach them: listeners made inside each network namespace.

use std::sync::Arc;
use std::time::Duration;

use skiff_sandbox::Endpoint;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

/// Connections an instance may have to Skiff's own endpoints at once; the next waits in its own network.
const CONNECTIONS_MAX: usize = 64;
/// Between two attempts to accept when the host is out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A connection a function made to one of Skiff's own endpoints.
#[derive(Debug)]
pub struct Inbound {
    /// Which endpoint.
    pub endpoint: Endpoint,
    /// The connection.
    pub stream: TcpStream,
    /// The instance's place for it: give it back when the connection has ended, and not before.
    pub place: OwnedSemaphorePermit,
}

/// The listeners of one namespace. Dropping it closes them.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    _accepting: JoinSet<()>,
}

impl Doors {
    /// Hands every connection on until dropped.
    pub(crate) fn open(
        listeners: Vec<(Endpoint, std::net::TcpListener)>,
        inbound: &mpsc::Sender<Inbound>,
    ) -> std::io::Result<Self> {
        let mut accepting = JoinSet::new();
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        for (endpoint, listener) in listeners {
            let listener = TcpListener::from_std(listener)?;
            let (inbound, places) = (inbound.clone(), Arc::clone(&places));
            accepting.spawn(async move {
                loop {
                    // First the place: a connection without one costs the server no descriptor.
                    let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                        return;
                    };
                    match listener.accept().await {
                        Ok((stream, _)) => {
                            let connection = Inbound {
                                endpoint,
                                stream,
                                place,
                            };
                            if inbound.send(connection).await.is_err() {
                                return;
                            }
                        }
                        // Out of descriptors or memory: both pass.
                        Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                    }
                }
            });
        }
        Ok(Self { _accepting: accepting })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_instance_has_64_connections_to_the_endpoints_and_the_next_waits_for_one_to_end() {
        let listeners = [Endpoint::Api, Endpoint::Gateway].map(|endpoint| {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            (endpoint, listener)
        });
        let [api, gateway] = [0, 1].map(|index: usize| listeners[index].1.local_addr().unwrap());
        let (sender, mut inbound) = mpsc::channel(1000);
        let _doors = Doors::open(listeners.into(), &sender).unwrap();
        let _clients: Vec<_> = (0..100)
            .map(|_| std::net::TcpStream::connect(api).unwrap())
            .chain([std::net::TcpStream::connect(gateway).unwrap()])
            .collect();
        let mut taken = Vec::new();
        // The last place is held by the door where nobody waits.
        for _ in 1..CONNECTIONS_MAX {
            taken.push(inbound.recv().await.unwrap());
        }
        assert!(
            taken.iter().any(|connection| connection.endpoint == Endpoint::Gateway),
            "one door does not shut the other"
        );
        let places = Arc::clone(taken[0].place.semaphore());
        assert_eq!(places.available_permits(), 0);
        assert!(inbound.try_recv().is_err());
        taken.pop();
        inbound.recv().await.unwrap();
    }
}
