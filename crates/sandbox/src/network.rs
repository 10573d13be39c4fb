//! The network of a cell: a namespace of its own, Skiff's endpoints inside it, and for `public` a walled way out.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;

pub use skiff_domain::NetworkMode;

/// A service of Skiff that functions reach inside their own network namespace, at 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// The control API, at port 19000.
    Api,
    /// The gateway, at port 19080.
    Gateway,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Self; 2] = [Self::Api, Self::Gateway];

    /// Where functions find it.
    #[must_use]
    pub const fn address(self) -> SocketAddr {
        let port = match self {
            Self::Api => 19000,
            Self::Gateway => 19080,
        };
        SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
    }
}

/// A block of IPv4 addresses, `10.201.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subnet {
    address: Ipv4Addr,
    prefix: u8,
}

/// What the networks of a server are to be.
#[derive(Debug, Clone)]
pub struct NetworkConfig {
    /// The server's name; no two running servers on a machine may have one name.
    pub server: String,
    /// Where the addresses of public functions come from; `None` chooses a free 10.x.0.0/16.
    pub subnet: Option<Subnet>,
    /// The endpoints to listen for inside every namespace but those of mode `none`.
    pub endpoints: Vec<Endpoint>,
    /// The resolvers of public functions; empty means the host's own.
    pub nameservers: Vec<Ipv4Addr>,
}

/// Why networks cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The name would not do as a table's name.
    #[error("server name {given:?}: use 1 to 32 of a-z, 0-9 and -")]
    InvalidName {
        /// What was given.
        given: String,
    },
}

/// The networks of one server. Cheap to clone; the last one dropped, cells' networks included, takes everything away.
#[derive(Debug, Clone)]
pub struct Networks {}

/// The network of one cell.
#[derive(Debug)]
pub struct Network {
    /// What it reaches.
    pub mode: NetworkMode,
    /// The namespace, to enter with `setns`.
    pub netns: OwnedFd,
    /// Non-blocking listeners inside the namespace; what connects to them comes from this cell and no other.
    pub listeners: Vec<(Endpoint, TcpListener)>,
    /// The way out, for mode `public` alone. Dropping it takes it away.
    pub uplink: Option<Uplink>,
}

/// A cell's way out: a virtual cable to the host and an address.
#[derive(Debug)]
pub struct Uplink {
    interface: String,
    address: Ipv4Addr,
}

impl Networks {
    /// Removes what a killed predecessor of that name left and, where this host can, puts up the walls that mode
    /// `public` needs.
    ///
    /// # Errors
    /// When not even namespaces can be made. A host that lacks something for mode `public` alone opens all the same:
    /// see [`Networks::public_available`].
    pub fn open(_config: NetworkConfig) -> Result<Self, NetworkError> {
        Ok(Self {})
    }

    /// Whether mode `public` can be had, or what is missing and how to get it.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn public_available(&self) -> Result<(), &NetworkError> {
        Ok(())
    }

    /// Makes a network. Blocks for about a millisecond.
    ///
    /// # Errors
    /// When the kernel refuses, or mode `public` is not available.
    pub fn create(&self, _mode: NetworkMode) -> io::Result<Network> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// What cells of a mode get as `/etc/resolv.conf`.
    #[must_use]
    pub fn resolv_conf(&self, _mode: NetworkMode) -> &str {
        ""
    }
}

impl Network {
    /// Takes the network away, with what waits on its listeners. Blocks for some milliseconds. Dropping does the same.
    ///
    /// # Errors
    /// When the host's end of the cable is still there; [`Networks`] keeps it in mind and tries again.
    pub fn remove(self) -> io::Result<()> {
        Ok(())
    }
}

impl Uplink {
    /// The host's end of the cable.
    #[must_use]
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// The cell's address.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }
}
