//! The server of a web function's instance, reached inside its network namespace.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::net::Shutdown;
use skiff_invoker::{Departure, Visit};
use skiff_runtimes::native::WEB_ADDRESS;
use skiff_sandbox::Inside;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::exchange::NoAnswer;

/// Between two attempts to connect to a server that does not listen yet: at first, and at most.
const KNOCK_PAUSE: Duration = Duration::from_millis(1);
const KNOCK_PAUSE_MAX: Duration = Duration::from_millis(20);

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
        let mut pause = KNOCK_PAUSE;
        loop {
            match self.connect().await {
                Ok(_heard) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(error) => return Err(NoAnswer::Garbage(format!("connect to it: {error}"))),
            }
            sleep(pause).await;
            pause = (pause * 2).min(KNOCK_PAUSE_MAX);
        }
    }

    /// Lets a visitor in and waits until it leaves.
    ///
    /// # Cancel safety
    /// Dropping the future does not end the visit: kill the sandbox.
    pub(crate) async fn receive(&self, visit: Visit) -> Departure {
        match self.connect().await {
            Ok(stream) => stay(stream, visit).await,
            Err(error) => shut(&error),
        }
    }

    /// As [`Web::receive`], for one of several visitors.
    ///
    /// # Cancel safety
    /// Dropping the future ends this visit: its connection breaks off.
    pub(crate) async fn receive_one(&self, visit: Visit) -> Departure {
        let connected = self.connect().await;
        match connected.and_then(|stream| Ok((Connection(stream.as_fd().try_clone_to_owned()?), stream))) {
            Ok((_connection, stream)) => stay(stream, visit).await,
            Err(error) => shut(&error),
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let inside = self.inside.clone();
        let socket = tokio::task::spawn_blocking(move || inside.socket());
        let stream = socket.await.map_err(io::Error::other)??.connect(WEB_ADDRESS).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
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
