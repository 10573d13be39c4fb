//! Connecting to a program that listens inside its sandbox, once it does.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use skiff_sandbox::Inside;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::exchange::NoAnswer;

/// Between two attempts at a program that does not listen yet: at first, and at most.
const PAUSE: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(20);

/// Knocks until somebody listens.
///
/// # Cancel safety
/// Safe.
pub(crate) async fn knock(inside: &Inside, address: SocketAddr) -> Result<TcpStream, NoAnswer> {
    let mut pause = PAUSE;
    loop {
        match connect(inside, address).await {
            Ok(stream) => return Ok(stream),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(error) => return Err(NoAnswer::Garbage(format!("connect to it: {error}"))),
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// A connection in which nothing waits for more.
///
/// # Cancel safety
/// Safe.
pub(crate) async fn connect(inside: &Inside, address: SocketAddr) -> io::Result<TcpStream> {
    let inside = inside.clone();
    let socket = tokio::task::spawn_blocking(move || inside.socket());
    let stream = socket.await.map_err(io::Error::other)??.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
