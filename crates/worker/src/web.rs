//! The server of a web function's instance, reached inside its network namespace.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::Shutdown;
use skiff_invoker::{Departure, Visit};
use skiff_runtimes::native::WEB_ADDRESS;
use skiff_sandbox::Inside;
use tokio::net::TcpStream;

use crate::exchange::NoAnswer;
use crate::knock::{connect, knock};

/// A way into one sandbox.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    inside: Inside,
}

impl Web {
    pub(crate) fn new(inside: Inside) -> Self {
        Self { inside }
    }

    /// Knocks until the server listens.
    ///
    /// # Cancel safety
    /// Safe.
    pub(crate) async fn initialise(&self) -> Result<(), NoAnswer> {
        knock(&self.inside, WEB_ADDRESS).await.map(drop)
    }

    /// Lets a visitor in and waits until it leaves.
    ///
    /// # Cancel safety
    /// Dropping the future does not end the visit: kill the sandbox.
    pub(crate) async fn receive(&self, visit: Visit) -> Departure {
        match connect(&self.inside, WEB_ADDRESS).await {
            Ok(stream) => stay(stream, visit).await,
            Err(error) => shut(&error),
        }
    }

    /// As [`Web::receive`], for one of several visitors.
    ///
    /// # Cancel safety
    /// Dropping the future ends this visit: its connection breaks off.
    pub(crate) async fn receive_one(&self, visit: Visit) -> Departure {
        let connected = connect(&self.inside, WEB_ADDRESS).await;
        match connected.and_then(|stream| Ok((Connection(stream.as_fd().try_clone_to_owned()?), stream))) {
            Ok((_connection, stream)) => stay(stream, visit).await,
            Err(error) => shut(&error),
        }
    }
}

/// Waits for the end of a visit that has got its connection.
async fn stay(stream: TcpStream, visit: Visit) -> Departure {
    // Who went away meanwhile leaves at once.
    drop(visit.enter.send(stream));
    visit.leave.await.unwrap_or(Departure::Gone)
}

fn shut(error: &io::Error) -> Departure {
    Departure::Broken(format!("it does not listen at port 9000 any more: {error}"))
}

/// A visitor's connection, which breaks off when this is dropped, whoever holds it.
struct Connection(OwnedFd);

impl Drop for Connection {
    fn drop(&mut self) {
        // Fails where it is broken off already.
        let _ = rustix::net::shutdown(&self.0, Shutdown::Both);
    }
}
