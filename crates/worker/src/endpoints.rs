//! Skiff's own endpoints as functions reach them: listeners made inside each network namespace.

use std::time::Duration;

use skiff_sandbox::Endpoint;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Between two attempts to accept when the host is out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A connection a function made to one of Skiff's own endpoints.
#[derive(Debug)]
pub struct Inbound {
    /// Which endpoint.
    pub endpoint: Endpoint,
    /// The connection.
    pub stream: TcpStream,
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
        for (endpoint, listener) in listeners {
            let listener = TcpListener::from_std(listener)?;
            let inbound = inbound.clone();
            accepting.spawn(async move {
                loop {
                    match listener.accept().await {
                        Ok((stream, _)) => {
                            if inbound.send(Inbound { endpoint, stream }).await.is_err() {
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
