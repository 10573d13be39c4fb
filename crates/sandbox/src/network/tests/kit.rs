//! Networks to be tried, who listens and who asks on this machine and beyond it.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::super::netlink::{Cable, LOOPBACK, Netlink};
use super::super::*;

/// For what must come about.
pub(super) const LONG: Duration = Duration::from_secs(20);
/// For what must not: each of these tests also shows that the same works where it may.
pub(super) const SHORT: Duration = Duration::from_millis(300);
pub(super) const ANY_PORT: u16 = 0;

pub(super) fn number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub(super) fn name() -> String {
    format!("test-{}-{}", std::process::id(), number())
}

pub(super) fn config(server: &str) -> NetworkConfig {
    NetworkConfig {
        server: server.to_owned(),
        subnet: None,
        endpoints: Endpoint::ALL.to_vec(),
        nameservers: Vec::new(),
    }
}

pub(super) fn open() -> Networks {
    Networks::open(config(&name())).expect("root")
}

/// Networks with mode `public`. `None` only on a machine whose kernel or programs know no nftables at all: wherever
/// they do, the mode has to work.
pub(super) fn open_public() -> Option<Networks> {
    let networks = open();
    let available = networks.public_available();
    let nft = Command::new("nft").args(["list", "tables"]).output();
    if !nft.is_ok_and(|output| output.status.success()) {
        println!(
            "not run, since there is no nftables: {}",
            available.expect_err("no walls")
        );
        return None;
    }
    available.expect("nftables is there");
    Some(networks)
}

/// Runs something inside a namespace.
pub(super) fn inside<T: Send>(netns: BorrowedFd<'_>, work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            move_into_link_name_space(netns, Some(LinkNameSpaceType::Network)).expect("root");
            work()
        });
        worker.join().expect("no panic inside")
    })
}

/// Tries to connect from inside a namespace and to hear the greeting that [`greet`] sends.
pub(super) fn hears(netns: BorrowedFd<'_>, to: SocketAddr, within: Duration) -> Result<(), ErrorKind> {
    inside(netns, || {
        let mut stream = TcpStream::connect_timeout(&to, within).map_err(|error| error.kind())?;
        stream.set_read_timeout(Some(LONG)).expect("set");
        let mut heard = String::new();
        stream.read_to_string(&mut heard).map_err(|error| error.kind())?;
        assert_eq!(heard, "skiff");
        Ok(())
    })
}

/// Accepts connections and greets, until dropped.
pub(super) struct Greeter {
    pub(super) address: SocketAddr,
    thread: Option<thread::JoinHandle<Vec<SocketAddr>>>,
    stop: TcpStreamPair,
}

pub(super) type TcpStreamPair = (std::os::unix::net::UnixStream, std::os::unix::net::UnixStream);

pub(super) fn greet(listener: TcpListener) -> Greeter {
    use rustix::event::{PollFd, PollFlags, poll};
    let stop = std::os::unix::net::UnixStream::pair().expect("a pair");
    let stopped = stop.1.try_clone().expect("a clone");
    let address = listener.local_addr().expect("bound");
    listener.set_nonblocking(true).expect("set");
    let thread = thread::spawn(move || {
        let mut peers = Vec::new();
        loop {
            let mut watched = [
                PollFd::new(&listener, PollFlags::IN),
                PollFd::new(&stopped, PollFlags::IN),
            ];
            poll(&mut watched, None).expect("polled");
            if !watched[1].revents().is_empty() {
                return peers;
            }
            if let Ok((mut stream, peer)) = listener.accept() {
                peers.push(peer);
                stream.write_all(b"skiff").ok();
            }
        }
    });
    Greeter {
        address,
        thread: Some(thread),
        stop,
    }
}

impl Greeter {
    /// Who came.
    pub(super) fn finish(mut self) -> Vec<SocketAddr> {
        self.stop.0.write_all(b"x").expect("written");
        self.thread.take().expect("once").join().expect("no panic")
    }

    pub(super) fn at(&self, address: Ipv4Addr) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(address), self.address.port())
    }
}

pub(super) fn bind(port: u16) -> TcpListener {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).expect("a port")
}

/// A machine beyond the host: a namespace at the end of a cable.
pub(super) struct Outside {
    pub(super) netns: OwnedFd,
    pub(super) host: Ipv4Addr,
    pub(super) there: Ipv4Addr,
    interface: u32,
}

impl Outside {
    pub(super) fn new() -> Self {
        // 198.18.0.0/15 is for such tests; each gets a /30 of it.
        let block = (std::process::id().wrapping_mul(31) + number()) % 32768;
        let first = Ipv4Addr::new(198, 18, 0, 0).to_bits() + block * 4;
        let (host, there) = (Ipv4Addr::from_bits(first + 1), Ipv4Addr::from_bits(first + 2));
        let netns = birth::bear(&[], None).expect("a namespace").netns;
        let mut here = Netlink::open().expect("a socket");
        let name = format!("sto{block:x}");
        here.add_cable(&Cable {
            here: &name,
            there: "eth0",
            group: 0,
            netns: netns.as_fd(),
            mtu: 1500,
        })
        .expect("a cable");
        let interface = here.link(&name).expect("there").index;
        here.add_address(interface, host, 30).expect("an address");
        here.up(interface).expect("up");
        inside(netns.as_fd(), || {
            let mut netlink = Netlink::open().expect("a socket");
            let index = netlink.link("eth0").expect("there").index;
            netlink.add_address(index, there, 30).expect("an address");
            netlink.up(index).expect("up");
            netlink.add_default_route(host).expect("a route");
        });
        Self {
            netns,
            host,
            there,
            interface,
        }
    }

    pub(super) fn greeter(&self) -> Greeter {
        greet(inside(self.netns.as_fd(), || bind(ANY_PORT)))
    }

    pub(super) fn add_address(&self, address: Ipv4Addr) {
        inside(self.netns.as_fd(), || {
            Netlink::open().and_then(|mut all| all.add_address(LOOPBACK, address, 32))
        })
        .expect("an address");
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        Netlink::open()
            .and_then(|mut netlink| netlink.remove_link(self.interface))
            .expect("removed");
    }
}

pub(super) fn uplink(network: &Network) -> &Uplink {
    network.uplink.as_ref().expect("public")
}

/// Shows that it was the walls, and not the test, that kept something out.
pub(super) fn take_down_walls(network: &Network) {
    let Ok(public) = &uplink(network).shared.public else {
        panic!("no public mode")
    };
    walls::take_down(public.table()).expect("taken down");
}

/// The host's addresses, but those that other tests make and remove meanwhile.
pub(super) fn lasting_addresses() -> Vec<Ipv4Addr> {
    let mut all = Netlink::open()
        .and_then(|mut netlink| netlink.addresses())
        .expect("listed");
    all.retain(|address| !matches!(address.octets(), [10, ..] | [198, 18 | 19, ..]));
    assert!(all.contains(&Ipv4Addr::LOCALHOST));
    all
}

pub(super) fn gateway(network: &Network) -> Ipv4Addr {
    Ipv4Addr::from_bits(uplink(network).address().to_bits() - 1)
}

/// The cables, tables and routes of a server that are there.
pub(super) fn things_of(server: &str) -> Vec<String> {
    let Names { table, prefix, mark } = Names::of(server);
    let mut netlink = Netlink::open().expect("a socket");
    let mut found: Vec<String> = netlink
        .links()
        .expect("listed")
        .into_iter()
        .map(|link| link.name)
        .collect();
    found.retain(|name| name.starts_with(&prefix));
    let tables = Command::new("nft")
        .args(["list", "tables"])
        .output()
        .expect("nft")
        .stdout;
    found.extend(
        String::from_utf8_lossy(&tables)
            .lines()
            .filter(|line| line.ends_with(&format!(" {table}")))
            .map(str::to_owned),
    );
    found.extend(
        netlink
            .routes()
            .expect("listed")
            .iter()
            .filter(|route| route.is_claim(mark))
            .map(|route| route.to.to_string()),
    );
    found
}

pub(super) fn send_from(netns: BorrowedFd<'_>, from: Option<Ipv4Addr>, to: (Ipv4Addr, u16), what: &[u8]) {
    inside(netns, || {
        let socket = UdpSocket::bind((from.unwrap_or(Ipv4Addr::UNSPECIFIED), ANY_PORT)).expect("a port");
        // A wall may answer that there is no way, which is as good as silence.
        socket.send_to(what, to).ok();
    });
}

pub(super) fn receive(socket: &UdpSocket) -> Vec<u8> {
    socket.set_read_timeout(Some(LONG)).expect("set");
    let mut buffer = [0; 64];
    let length = socket.recv(&mut buffer).expect("something comes in time");
    buffer[..length].to_vec()
}
