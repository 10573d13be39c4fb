//! The ports: bound before anything else is made, so that a taken one is said at once.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;

/// Connections the kernel keeps while they wait to be accepted.
const BACKLOG: u32 = 4096;

/// Binds one port. `flag` is how the user sets it, on the command line; the variable of that name does, too.
pub(super) async fn bind(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    let bound = async {
        let socket = if address.is_ipv4() {
            tokio::net::TcpSocket::new_v4()
        } else {
            tokio::net::TcpSocket::new_v6()
        }?;
        // A restart must not wait for the last one's connections to be forgotten.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    let variable = format!(
        "SKIFF_{}",
        flag.trim_start_matches('-').replace('-', "_").to_uppercase()
    );
    let listener = bound
        .await
        .with_context(|| format!("cannot listen at {address}: is it taken? {flag} or {variable} sets another"))?;
    if !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            "{flag} IS OPEN TO OTHER MACHINES AND NOT ENCRYPTED: whoever is on the way can read events, results and \
             code. Put a proxy with TLS in front, or bind to 127.0.0.1"
        );
    }
    Ok(listener)
}
