//! Which servers are alive: each holds a socket by its name, which the kernel lets go when the process is no more.
//!
//! The socket has no file, and is seen in the same network namespace as the tables and interfaces it stands for. So a
//! server can clear away what any killed one left, not only its own predecessor: a subnet lost for each would add up.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::thread;
use std::time::{Duration, Instant};

/// A killed server's last descriptors are closed some moments after its data directory can be taken.
const EXIT_MAX: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(10);

/// A server's presence, until dropped.
#[derive(Debug)]
pub(super) struct Presence {
    _socket: UnixListener,
}

impl Presence {
    /// Takes a name nobody has.
    ///
    /// # Errors
    /// `AddrInUse` when a server of that name is alive.
    pub(super) fn try_take(server: &str) -> io::Result<Self> {
        let address = SocketAddr::from_abstract_name(format!("skiff/networks/{server}"))?;
        Ok(Self {
            _socket: UnixListener::bind_addr(&address)?,
        })
    }

    /// The same, with patience for a server that is just ending.
    pub(super) fn take(server: &str) -> io::Result<Self> {
        let deadline = Instant::now() + EXIT_MAX;
        loop {
            match Self::try_take(server) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {}
                result => return result,
            }
            thread::sleep(PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::Presence;

    #[test]
    fn a_name_is_taken_until_its_server_is_no_more() {
        let name = format!("presence-{}", std::process::id());
        let presence = Presence::try_take(&name).expect("free");
        assert_eq!(
            Presence::try_take(&name).expect_err("taken").kind(),
            ErrorKind::AddrInUse
        );
        drop(presence);
        Presence::take(&name).expect("free again");
    }
}
