//! The network of a cell: a namespace of its own, Skiff's endpoints inside it, and for `public` a walled way out.
//!
//! A socket belongs to the namespace it was made in. So the server listens *inside* every cell's namespace, and what
//! connects there is that cell and nobody else; nothing is routed for it.
//!
//! | mode | namespace | endpoints | way out |
//! |---|---|---|---|
//! | `none` | own | none | none |
//! | `private` | own | at 127.0.0.1 | none |
//! | `public` | own | at 127.0.0.1 | a cable to the host, address translation, walls |

mod birth;
mod conntrack;
mod inside;
mod netlink;
mod presence;
mod public;
mod resolver;
mod subnet;
mod walls;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;

pub use inside::Inside;
pub use skiff_domain::NetworkMode;
pub use subnet::{InvalidSubnet, Subnet};

use crate::name::{self, InvalidServerName};
use presence::Presence;
use public::{Laid, Names, Public};

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
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
    }
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

/// Why networks, or those of mode `public`, cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The name would not do as a table's name.
    #[error(transparent)]
    InvalidName(#[from] InvalidServerName),
    /// Another server has the name.
    #[error("a server named {server} is running already")]
    NameTaken {
        /// The name.
        server: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel makes no namespaces for us.
    #[error("no network namespace can be made: run as root, on a kernel with CONFIG_NET_NS")]
    NoNamespaces {
        /// What the kernel said.
        source: io::Error,
    },
    /// There is no nft command.
    #[error("public networks need the nft command to wall functions off: install the package nftables")]
    NftMissing {
        /// What the kernel said.
        source: io::Error,
    },
    /// nft or the kernel refuses the rules.
    #[error(
        "public networks need nftables with nat, fib, conntrack and connlimit; run as root on a kernel with these \
         modules (nf_tables, nft_masq, nft_fib_inet, nft_ct, nft_connlimit): {said}"
    )]
    NftRefuses {
        /// What nft said.
        said: String,
    },
    /// The host would not pass packets on.
    #[error("public networks need net.ipv4.ip_forward=1, which cannot be set here")]
    NoForwarding {
        /// What the kernel said.
        source: io::Error,
    },
    /// The wanted subnet is in use.
    #[error("subnet {subnet} overlaps {by}, which this host uses already: choose another, or none to have one chosen")]
    SubnetTaken {
        /// The wanted one.
        subnet: Subnet,
        /// What it overlaps.
        by: Subnet,
    },
    /// Every 10.x.0.0/16 is in use.
    #[error("no 10.x.0.0/16 is free on this host: name a subnet for public functions")]
    NoFreeSubnet,
    /// The kernel refuses something else.
    #[error("{what}")]
    Kernel {
        /// What was tried.
        what: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
}

/// The networks of one server. Cheap to clone; the last clone dropped, cells' networks included, takes everything away.
#[derive(Debug, Clone)]
pub struct Networks {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    endpoints: Vec<Endpoint>,
    public: Result<Public, NetworkError>,
    /// Let go last.
    _presence: Presence,
}

/// The network of one cell.
#[derive(Debug)]
pub struct Network {
    /// What it reaches.
    pub mode: NetworkMode,
    /// The namespace, to enter with `setns`.
    pub netns: OwnedFd,
    /// Non-blocking listeners inside the namespace; what connects to them comes from this cell and no other.
    pub listeners: Vec<(Endpoint, TcpListener)>,
    /// The way out, for mode `public` alone.
    pub uplink: Option<Uplink>,
}

/// A cell's way out: a virtual cable to the host and an address.
///
/// Drop it when the cell is dead: its cable goes with its namespace, and its address comes back some time after. That
/// costs the caller nothing. Where the namespace lives on, the cable is taken away after some seconds.
#[derive(Debug)]
pub struct Uplink {
    interface: String,
    address: Ipv4Addr,
    laid: Option<Laid>,
    shared: Arc<Shared>,
}

impl Networks {
    /// Removes what killed servers left, of this name and others, and, where this host can, puts up the walls that mode
    /// `public` needs.
    ///
    /// # Errors
    /// When not even namespaces can be made. A host that lacks something for mode `public` alone opens all the same:
    /// see [`Networks::public_available`].
    pub fn open(config: NetworkConfig) -> Result<Self, NetworkError> {
        name::check(&config.server)?;
        let presence = Presence::take(&config.server).map_err(|source| NetworkError::NameTaken {
            server: config.server.clone(),
            source,
        })?;
        birth::bear(&[], None).map_err(|source| NetworkError::NoNamespaces { source })?;
        let names = Names::of(&config.server);
        let public = match names.clear() {
            // Where there is no nft, nothing can have been left either.
            Ok(()) | Err(NetworkError::NftMissing { .. } | NetworkError::NftRefuses { .. }) => {
                Public::open(&config, names)
            }
            Err(error) => Err(error),
        };
        let shared = Shared {
            endpoints: config.endpoints,
            public,
            _presence: presence,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Whether mode `public` can be had.
    ///
    /// # Errors
    /// What is missing and how to get it.
    pub fn public_available(&self) -> Result<(), &NetworkError> {
        self.shared.public.as_ref().map(drop)
    }

    /// Makes a network. Blocks for about a millisecond.
    ///
    /// # Errors
    /// When the kernel refuses, or mode `public` is not available.
    pub fn create(&self, mode: NetworkMode) -> io::Result<Network> {
        let endpoints = self.shared.endpoints.as_slice();
        let quiet = |endpoints: &[Endpoint]| {
            let born = birth::bear(endpoints, None)?;
            Ok(Network {
                mode,
                netns: born.netns,
                listeners: born.listeners,
                uplink: None,
            })
        };
        match mode {
            NetworkMode::None => quiet(&[]),
            NetworkMode::Private => quiet(endpoints),
            NetworkMode::Public => {
                let public = self.public()?;
                let (born, laid) = public.bear(endpoints)?;
                let (interface, address) = (laid.interface.clone(), laid.pair.cell);
                let uplink = Uplink {
                    interface,
                    address,
                    laid: Some(laid),
                    shared: Arc::clone(&self.shared),
                };
                Ok(Network {
                    mode,
                    netns: born.netns,
                    listeners: born.listeners,
                    uplink: Some(uplink),
                })
            }
        }
    }

    /// What cells of a mode get as `/etc/resolv.conf`; empty where there is nobody to ask.
    #[must_use]
    pub fn resolv_conf(&self, mode: NetworkMode) -> &str {
        match (mode, &self.shared.public) {
            (NetworkMode::Public, Ok(public)) => public.resolv_conf(),
            _ => "",
        }
    }

    /// Looks whether the walls of mode `public` still stand, and puts them up again where somebody flushed or changed
    /// them, as restarting a firewall does; says whether that was so. Call it every second or so: it costs
    /// microseconds while nobody changes rules. [`Networks::create`] does it too.
    ///
    /// # Errors
    /// When they cannot be put up. Running public functions should be killed then.
    pub fn keep_walls(&self) -> io::Result<bool> {
        match &self.shared.public {
            Ok(public) => public.keep_walls().map_err(io::Error::other),
            Err(_) => Ok(false),
        }
    }

    fn public(&self) -> io::Result<&Public> {
        self.shared
            .public
            .as_ref()
            .map_err(|error| io::Error::new(io::ErrorKind::Unsupported, error.to_string()))
    }
}

impl Network {
    /// A hand into the namespace, in every mode.
    ///
    /// # Errors
    /// When the server has no descriptor left.
    pub fn inside(&self) -> io::Result<Inside> {
        Inside::of(&self.netns)
    }

    /// Takes the network away at once, with what waits on its listeners. Blocks for some ten milliseconds in mode
    /// `public`. Dropping it costs nothing, and the kernel does the same a little later.
    ///
    /// # Errors
    /// When the host's end of the cable is still there; [`Networks`] keeps it in mind and tries again.
    pub fn remove(self) -> io::Result<()> {
        self.uplink.map_or(Ok(()), Uplink::remove)
    }
}

impl Uplink {
    /// The name of the host's end of the cable.
    #[must_use]
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// The cell's address.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Takes the way out away at once, also from under a cell that still runs. Blocks for some ten milliseconds.
    ///
    /// # Errors
    /// When the host's end of the cable is still there; [`Networks`] keeps it in mind and tries again.
    pub fn remove(mut self) -> io::Result<()> {
        match (&self.shared.public, self.laid.take()) {
            (Ok(public), Some(laid)) => public.take_away(laid),
            _ => Ok(()),
        }
    }
}

impl Drop for Uplink {
    fn drop(&mut self) {
        if let (Ok(public), Some(laid)) = (&self.shared.public, self.laid.take()) {
            public.let_go(laid);
        }
    }
}

/// What this host offers for mode `public`. Changes nothing.
pub(crate) mod rehearsal {
    use std::io;
    use std::net::Ipv4Addr;

    use super::netlink::Netlink;
    use super::{NetworkError, birth, resolver, walls};

    pub(crate) fn namespace() -> io::Result<()> {
        birth::bear(&[], None).map(drop)
    }

    pub(crate) fn cable() -> io::Result<()> {
        birth::rehearse()
    }

    pub(crate) fn walls() -> Result<(), NetworkError> {
        walls::rehearse()
    }

    /// The chains of other firewalls that drop what functions send.
    pub(crate) fn strangers() -> Result<Vec<String>, NetworkError> {
        walls::strangers_dropping_forwarded()
    }

    pub(crate) fn nameservers() -> io::Result<Vec<Ipv4Addr>> {
        Ok(resolver::of_host(&Netlink::open()?.addresses()?))
    }
}

#[cfg(test)]
mod tests;
