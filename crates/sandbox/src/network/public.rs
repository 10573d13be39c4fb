//! What mode `public` needs of the host: walls, forwarding, a block of addresses. It stands as long as the server.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::birth::{self, Born, WayOut};
use super::conntrack;
use super::netlink::{Netlink, Route};
use super::presence::Presence;
use super::subnet::{Pair, Pairs, Subnet};
use super::walls::{self, Plan, Walls};
use super::{Endpoint, NetworkConfig, NetworkError, resolver};

const IP_FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";
/// Of no interface in particular.
const MTU_DEFAULT: u32 = 1500;
/// What the names of tables begin with; the server's follows.
const TABLE: &str = "skiff-";
/// How long the kernel may take to notice that a namespace is dead and to take its cable away: mostly milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// The blocks to choose from: 10.0.0.0/16 to 10.255.0.0/16.
const BLOCKS: u32 = 256;
const BLOCK_PREFIX: u8 = 16;

/// The names by which a server's things are told from another's.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// The nftables table.
    pub(super) table: String,
    /// What the names of interfaces begin with; a number of at most five characters follows.
    pub(super) prefix: String,
    /// The mark of the claimed block of addresses.
    pub(super) mark: u32,
}

impl Names {
    pub(super) fn of(server: &str) -> Self {
        // FNV-1a: any version of this program must find what another one left.
        let hash = server.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        let mark = hash & 0x00ff_ffff;
        Self {
            table: format!("{TABLE}{server}"),
            prefix: format!("sk{mark:06x}-"),
            mark,
        }
    }

    /// Takes away what servers left that are no more, whatever their names.
    pub(super) fn clear_dead() -> Result<(), NetworkError> {
        for table in walls::tables()? {
            let Some(server) = table.strip_prefix(TABLE) else {
                continue;
            };
            // To hold its name keeps the server from being born meanwhile.
            if let Ok(_presence) = Presence::try_take(server) {
                Self::of(server).clear()?;
            }
        }
        Ok(())
    }

    /// Takes away everything of that name: cables, the claim, and the walls last.
    pub(super) fn clear(&self) -> Result<(), NetworkError> {
        let kernel = |what| move |source| NetworkError::Kernel { what, source };
        let mut netlink = Netlink::open().map_err(kernel("open a route socket"))?;
        netlink.remove_group(self.mark).map_err(kernel("remove interfaces"))?;
        // A cable half laid may not be in the group yet.
        for link in netlink.links().map_err(kernel("list interfaces"))? {
            if link.name.starts_with(&self.prefix) {
                netlink.remove_link(link.index).map_err(kernel("remove an interface"))?;
            }
        }
        for route in netlink.routes().map_err(kernel("list routes"))? {
            if route.is_claim(self.mark) {
                netlink.remove_route(route).map_err(kernel("remove a route"))?;
            }
        }
        walls::take_down(&self.table)
    }
}

/// Mode `public`, ready.
#[derive(Debug)]
pub(super) struct Public {
    names: Names,
    walls: Walls,
    pairs: Mutex<Pairs>,
    mtu: u32,
    resolv_conf: String,
    /// Cables let go and perhaps still there, with the pairs they hold; the longest let go first.
    leaving: Mutex<VecDeque<(Laid, Instant)>>,
}

/// A cable that lies.
#[derive(Debug, Clone)]
pub(super) struct Laid {
    pub(super) interface: String,
    pub(super) pair: Pair,
    index: u32,
}

impl Public {
    /// Makes everything ready; nothing is left where that fails.
    pub(super) fn open(config: &NetworkConfig, names: Names) -> Result<Self, NetworkError> {
        if let Err(error) = Names::clear_dead() {
            tracing::warn!(%error, "networks of a server that is no more are left");
        }
        let tidy = names.clone();
        Self::build(config, names).inspect_err(|_| {
            if let Err(error) = tidy.clear() {
                tracing::warn!(%error, "networks are left; the next start will remove them");
            }
        })
    }

    fn build(config: &NetworkConfig, names: Names) -> Result<Self, NetworkError> {
        let kernel = |what| move |source| NetworkError::Kernel { what, source };
        let mut netlink = Netlink::open().map_err(kernel("open a route socket"))?;
        let routes = netlink.routes().map_err(kernel("list routes"))?;
        let own = netlink.addresses().map_err(kernel("list addresses"))?;
        let nameservers = match config.nameservers.as_slice() {
            [] => resolver::of_host(&own),
            given => given.to_vec(),
        };
        if nameservers.is_empty() {
            tracing::warn!("public functions cannot look up names: no resolver of this host is within their reach");
        }
        let taken = |subnet: Subnet| {
            let routed = routes
                .iter()
                .map(|route| route.to)
                .find(|to| to.prefix() > 0 && to.overlaps(subnet));
            let addressed = own
                .iter()
                .chain(&nameservers)
                .find(|address| subnet.contains(**address));
            routed.or_else(|| addressed.and_then(|address| Subnet::new(*address, 32)))
        };
        let subnet = claim(&mut netlink, config.subnet, names.mark, taken)?;
        let plan = Plan {
            table: names.table.clone(),
            prefix: names.prefix.clone(),
            subnet,
            nameservers: nameservers.clone(),
        };
        let walls = Walls::put_up(plan)?;
        // Only behind walls does this host pass anything on.
        forward()?;
        for chain in walls::strangers_dropping_forwarded()? {
            tracing::warn!(
                chain,
                "a firewall of this host drops what public functions send: see `skiff doctor`"
            );
        }
        Ok(Self {
            walls,
            pairs: Mutex::new(Pairs::new(subnet)),
            mtu: way_out_mtu(&mut netlink, &routes).unwrap_or(MTU_DEFAULT),
            resolv_conf: resolver::text(&nameservers),
            leaving: Mutex::new(VecDeque::new()),
            names,
        })
    }

    pub(super) fn resolv_conf(&self) -> &str {
        &self.resolv_conf
    }

    #[cfg(test)]
    pub(super) fn table(&self) -> &str {
        &self.names.table
    }

    pub(super) fn keep_walls(&self) -> Result<bool, NetworkError> {
        self.walls.keep()
    }

    pub(super) fn bear(&self, endpoints: &[Endpoint]) -> io::Result<(Born, Laid)> {
        self.settle(PATIENCE);
        self.keep_walls().map_err(io::Error::other)?;
        let take = || self.pairs.lock().take();
        let pair = take().or_else(|| {
            // Those that are leaving have no more time.
            self.settle(Duration::ZERO);
            take()
        });
        let Some(pair) = pair else {
            let full = "every address of the subnet is in use";
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, full));
        };
        let interface = format!("{}{:x}", self.names.prefix, pair.slot);
        let way_out = WayOut {
            interface: &interface,
            group: self.names.mark,
            pair,
            mtu: self.mtu,
        };
        match birth::bear(endpoints, Some(&way_out)) {
            Ok(born) => {
                let index = born.interface;
                Ok((born, Laid { interface, pair, index }))
            }
            Err(error) => {
                // A cable half laid goes with its namespace, but later than the next one may want its name.
                let index = Netlink::open()
                    .and_then(|mut netlink| netlink.link(&interface))
                    .map(|link| link.index);
                match index {
                    Ok(index) => drop(self.take_away(Laid { interface, pair, index })),
                    Err(_) => self.pairs.lock().give_back(pair.slot),
                }
                Err(error)
            }
        }
    }

    /// Takes a cable away and its addresses back. One that would not go is kept in mind.
    pub(super) fn take_away(&self, laid: Laid) -> io::Result<()> {
        match Netlink::open().and_then(|mut netlink| netlink.remove_link(laid.index)) {
            Ok(()) => {
                self.free(laid.pair);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, interface = laid.interface, "an interface would not go; it will be tried again");
                self.let_go(laid);
                Err(error)
            }
        }
    }

    /// Leaves a cable to the kernel, which takes away the cables of dead namespaces many at a time. Taking away one
    /// by one costs ten milliseconds each.
    pub(super) fn let_go(&self, laid: Laid) {
        self.leaving.lock().push_back((laid, Instant::now()));
    }

    /// Takes back the addresses of a cable that is gone, and forgets what the kernel remembers of them.
    fn free(&self, pair: Pair) {
        if let Err(error) = conntrack::forget(pair.cell) {
            tracing::debug!(%error, address = %pair.cell, "the connections of a former function stay until they time out");
        }
        self.pairs.lock().give_back(pair.slot);
    }

    /// Takes back the addresses of cables that are gone, and takes away those that are not within `patience`, because
    /// somebody still holds the namespace.
    fn settle(&self, patience: Duration) {
        loop {
            let Some((laid, since)) = self.leaving.lock().pop_front() else {
                return;
            };
            match Netlink::open().and_then(|mut netlink| netlink.has_link(laid.index)) {
                Ok(false) => self.free(laid.pair),
                Ok(true) if since.elapsed() < patience => return self.leaving.lock().push_front((laid, since)),
                // What fails is kept in mind again, and not tried twice now.
                _ if self.take_away(laid).is_err() => return,
                _ => {}
            }
        }
    }
}

impl Drop for Public {
    fn drop(&mut self) {
        if let Err(error) = self.names.clear() {
            tracing::warn!(%error, "networks are left; the next start will remove them");
        }
    }
}

/// Claims the wanted block, or the first free one from a place that differs from server to server.
fn claim(
    netlink: &mut Netlink,
    wanted: Option<Subnet>,
    mark: u32,
    taken: impl Fn(Subnet) -> Option<Subnet>,
) -> Result<Subnet, NetworkError> {
    if let Some(subnet) = wanted {
        let taken = taken(subnet).map_or_else(|| claim_one(netlink, subnet, mark), |by| Ok(Some(by)))?;
        return taken.map_or(Ok(subnet), |by| Err(NetworkError::SubnetTaken { subnet, by }));
    }
    for step in 0..BLOCKS {
        let block = (mark + step) % BLOCKS;
        let Some(subnet) = Subnet::new(Ipv4Addr::from_bits(10 << 24 | block << 16), BLOCK_PREFIX) else {
            continue;
        };
        if taken(subnet).is_none() && claim_one(netlink, subnet, mark)?.is_none() {
            return Ok(subnet);
        }
    }
    Err(NetworkError::NoFreeSubnet)
}

/// Claims a block that looked free. Two servers that start at once may both find it so: who sees the other gives way.
fn claim_one(netlink: &mut Netlink, subnet: Subnet, mark: u32) -> Result<Option<Subnet>, NetworkError> {
    let failed = |source| NetworkError::Kernel {
        what: "claim a subnet",
        source,
    };
    netlink.claim(subnet, mark).map_err(failed)?;
    let routes = netlink.routes().map_err(failed)?;
    let (own, others): (Vec<_>, Vec<_>) = routes.into_iter().partition(|route| route.is_claim(mark));
    let other = others
        .iter()
        .map(|route| route.to)
        .find(|to| to.prefix() > 0 && to.overlaps(subnet));
    if other.is_some() {
        own.into_iter()
            .try_for_each(|route| netlink.remove_route(route))
            .map_err(failed)?;
    }
    Ok(other)
}

/// The size of packets that the way out takes, so that none has to be cut up behind a function's back.
fn way_out_mtu(netlink: &mut Netlink, routes: &[Route]) -> Option<u32> {
    let through = routes.iter().find(|route| route.to.prefix() == 0)?.through?;
    let link = netlink.links().ok()?.into_iter().find(|link| link.index == through)?;
    (link.mtu > 0 && link.mtu < MTU_DEFAULT).then_some(link.mtu)
}

/// Makes the host pass packets on. It stays that way afterwards: others may rely on it by then.
fn forward() -> Result<(), NetworkError> {
    let failed = |source| NetworkError::NoForwarding { source };
    if fs::read_to_string(IP_FORWARD).map_err(failed)?.trim() != "0" {
        return Ok(());
    }
    fs::write(IP_FORWARD, "1").map_err(failed)?;
    tracing::info!("turned on net.ipv4.ip_forward for public functions");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn names_fit_the_kernel_and_stay_the_same() {
        let names = Names::of("node-1");
        assert_eq!(
            (names.table.as_str(), names.prefix.as_str()),
            ("skiff-node-1", "skc43383-")
        );
        assert!(
            names.prefix.len() + 5 <= 15,
            "an interface's name has 15 characters at most"
        );
        assert_ne!(Names::of("a").prefix, Names::of("b").prefix);
    }
}
