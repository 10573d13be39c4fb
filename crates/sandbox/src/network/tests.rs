//! Real namespaces on this machine, as root: what each mode reaches, and above all what it does not.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::netlink::{Cable, LOOPBACK, Netlink};
use super::*;

/// For what must come about.
const LONG: Duration = Duration::from_secs(20);
/// For what must not: each of these tests also shows that the same works where it may.
const SHORT: Duration = Duration::from_millis(300);
const ANY_PORT: u16 = 0;

fn number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn name() -> String {
    format!("test-{}-{}", std::process::id(), number())
}

fn config(server: &str) -> NetworkConfig {
    NetworkConfig {
        server: server.to_owned(),
        subnet: None,
        endpoints: Endpoint::ALL.to_vec(),
        nameservers: Vec::new(),
    }
}

fn open() -> Networks {
    Networks::open(config(&name())).expect("root")
}

/// Networks with mode `public`. `None` only on a machine whose kernel or programs know no nftables at all: wherever
/// they do, the mode has to work.
fn open_public() -> Option<Networks> {
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
fn inside<T: Send>(netns: BorrowedFd<'_>, work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            move_into_link_name_space(netns, Some(LinkNameSpaceType::Network)).expect("root");
            work()
        });
        worker.join().expect("no panic inside")
    })
}

/// Tries to connect from inside a namespace and to hear the greeting that [`greet`] sends.
fn hears(netns: BorrowedFd<'_>, to: SocketAddr, within: Duration) -> Result<(), ErrorKind> {
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
struct Greeter {
    address: SocketAddr,
    thread: Option<thread::JoinHandle<Vec<SocketAddr>>>,
    stop: TcpStreamPair,
}

type TcpStreamPair = (std::os::unix::net::UnixStream, std::os::unix::net::UnixStream);

fn greet(listener: TcpListener) -> Greeter {
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
    fn finish(mut self) -> Vec<SocketAddr> {
        self.stop.0.write_all(b"x").expect("written");
        self.thread.take().expect("once").join().expect("no panic")
    }

    fn at(&self, address: Ipv4Addr) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(address), self.address.port())
    }
}

fn bind(port: u16) -> TcpListener {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).expect("a port")
}

/// A machine beyond the host: a namespace at the end of a cable.
struct Outside {
    netns: OwnedFd,
    host: Ipv4Addr,
    there: Ipv4Addr,
    interface: u32,
}

impl Outside {
    fn new() -> Self {
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

    fn greeter(&self) -> Greeter {
        greet(inside(self.netns.as_fd(), || bind(ANY_PORT)))
    }

    fn add_address(&self, address: Ipv4Addr) {
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

fn uplink(network: &Network) -> &Uplink {
    network.uplink.as_ref().expect("public")
}

/// Shows that it was the walls, and not the test, that kept something out.
fn take_down_walls(network: &Network) {
    let Ok(public) = &uplink(network).shared.public else {
        panic!("no public mode")
    };
    walls::take_down(public.table()).expect("taken down");
}

/// The host's addresses, but those that other tests make and remove meanwhile.
fn lasting_addresses() -> Vec<Ipv4Addr> {
    let mut all = Netlink::open()
        .and_then(|mut netlink| netlink.addresses())
        .expect("listed");
    all.retain(|address| !matches!(address.octets(), [10, ..] | [198, 18 | 19, ..]));
    assert!(all.contains(&Ipv4Addr::LOCALHOST));
    all
}

fn gateway(network: &Network) -> Ipv4Addr {
    Ipv4Addr::from_bits(uplink(network).address().to_bits() - 1)
}

/// The cables, tables and routes of a server that are there.
fn things_of(server: &str) -> Vec<String> {
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

#[test]
fn mode_none_reaches_nothing_but_itself() {
    let network = open().create(NetworkMode::None).expect("a network");
    assert!(network.listeners.is_empty() && network.uplink.is_none());
    let netns = network.netns.as_fd();
    for endpoint in Endpoint::ALL {
        assert_eq!(
            hears(netns, endpoint.address(), LONG),
            Err(ErrorKind::ConnectionRefused)
        );
    }
    assert_eq!(
        hears(netns, "192.0.2.1:80".parse().unwrap(), LONG),
        Err(ErrorKind::NetworkUnreachable)
    );
    let itself = inside(netns, || {
        greet(TcpListener::bind((Ipv4Addr::LOCALHOST, ANY_PORT)).expect("a port"))
    });
    hears(netns, itself.address, LONG).expect("loopback works");
    itself.finish();
}

#[test]
fn mode_private_reaches_the_endpoints_and_nothing_of_the_host() {
    let mut network = open().create(NetworkMode::Private).expect("a network");
    let greeters: Vec<_> = network
        .listeners
        .drain(..)
        .map(|(endpoint, one)| (endpoint, greet(one)))
        .collect();
    assert_eq!(greeters.len(), Endpoint::ALL.len());
    for (endpoint, greeter) in greeters {
        hears(network.netns.as_fd(), endpoint.address(), LONG).expect("the endpoint answers");
        assert_eq!(greeter.finish().len(), 1);
    }
    let host = greet(bind(ANY_PORT));
    for address in lasting_addresses() {
        TcpStream::connect(host.at(address)).expect("the host itself reaches it");
        let refused = hears(network.netns.as_fd(), host.at(address), LONG).expect_err("the host is out of reach");
        assert!(
            matches!(refused, ErrorKind::ConnectionRefused | ErrorKind::NetworkUnreachable),
            "{address}: {refused}"
        );
    }
}

#[test]
fn each_cell_has_listeners_of_its_own() {
    let networks = open();
    let mut two = [
        networks.create(NetworkMode::Private),
        networks.create(NetworkMode::Private),
    ]
    .map(Result::unwrap);
    let greeters = two.each_mut().map(|network| greet(network.listeners.remove(0).1));
    for times in [0, 1] {
        hears(two[times].netns.as_fd(), greeters[times].address, LONG).expect("heard");
        hears(two[1].netns.as_fd(), greeters[1].address, LONG).expect("heard");
    }
    assert_eq!(greeters.map(|greeter| greeter.finish().len()), [1, 3]);
}

#[test]
fn mode_public_reaches_the_outside_under_the_hosts_address() {
    let Some(networks) = open_public() else { return };
    let outside = Outside::new();
    let greeter = outside.greeter();
    let mut network = networks.create(NetworkMode::Public).expect("a network");
    hears(network.netns.as_fd(), greeter.at(outside.there), LONG).expect("the outside answers");
    assert_eq!(greeter.finish()[0].ip(), IpAddr::V4(outside.host));
    // And the endpoints as well.
    let (endpoint, listener) = network.listeners.remove(0);
    let greeter = greet(listener);
    hears(network.netns.as_fd(), endpoint.address(), LONG).expect("the endpoint answers");
    greeter.finish();
    network.remove().expect("removed");
}

#[test]
fn mode_public_cannot_reach_the_host_at_any_of_its_addresses() {
    let Some(networks) = open_public() else { return };
    let outside = Outside::new();
    let network = networks.create(NetworkMode::Public).expect("a network");
    let host = greet(bind(ANY_PORT));
    hears(outside.netns.as_fd(), host.at(outside.host), LONG).expect("the outside reaches it");
    let own = lasting_addresses().into_iter().filter(|address| !address.is_loopback());
    for address in own.chain([outside.host, gateway(&network)]) {
        hears(network.netns.as_fd(), host.at(address), SHORT).expect_err("the host is out of reach");
    }
    // Nor by a datagram: what the outside sends comes after it, and yet first.
    let datagrams = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, ANY_PORT)).expect("a port");
    let port = datagrams.local_addr().unwrap().port();
    send_from(network.netns.as_fd(), None, (gateway(&network), port), b"cell");
    send_from(outside.netns.as_fd(), None, (outside.host, port), b"outside");
    assert_eq!(receive(&datagrams), b"outside");
    take_down_walls(&network);
    hears(network.netns.as_fd(), host.at(outside.host), LONG).expect("without walls it would");
    assert_eq!(host.finish().len(), 2);
}

#[test]
fn what_the_host_redirects_is_no_way_around() {
    let Some(networks) = open_public() else { return };
    let (outside, elsewhere) = (Outside::new(), Outside::new());
    let network = networks.create(NetworkMode::Public).expect("a network");
    let greeter = elsewhere.greeter();
    // As a container engine publishes a port of its own.
    let table = format!("skiff_test_{}_{}", std::process::id(), number());
    let rules = format!(
        "table ip {table} {{ chain c {{ type nat hook prerouting priority dstnat; \
         ip daddr {} tcp dport 4321 dnat to {}:{}; }}; }}",
        outside.host,
        elsewhere.there,
        greeter.address.port()
    );
    assert!(Command::new("nft").arg(&rules).status().expect("nft").success());
    let published = (outside.host, 4321).into();
    let from_outside = hears(outside.netns.as_fd(), published, LONG);
    let from_cell = hears(network.netns.as_fd(), published, SHORT);
    take_down_walls(&network);
    let unwalled = hears(network.netns.as_fd(), published, LONG);
    assert!(
        Command::new("nft")
            .args(["delete", "table", "ip", &table])
            .status()
            .expect("nft")
            .success()
    );
    from_outside.expect("the outside is redirected");
    from_cell.expect_err("a cell is not");
    unwalled.expect("without walls it would");
}

#[test]
fn cells_cannot_reach_each_other() {
    let Some(networks) = open_public() else { return };
    let [one, other] = [NetworkMode::Public; 2].map(|mode| networks.create(mode).expect("a network"));
    let greeter = greet(inside(other.netns.as_fd(), || bind(ANY_PORT)));
    let address = greeter.at(uplink(&other).address());
    hears(other.netns.as_fd(), address, LONG).expect("it reaches itself");
    hears(one.netns.as_fd(), address, SHORT).expect_err("another cell does not");
    take_down_walls(&one);
    hears(one.netns.as_fd(), address, LONG).expect("without walls it would");
    assert_eq!(greeter.finish().len(), 2);
}

#[test]
fn the_outside_cannot_reach_a_cell() {
    let Some(networks) = open_public() else { return };
    let outside = Outside::new();
    let network = networks.create(NetworkMode::Public).expect("a network");
    let greeter = greet(inside(network.netns.as_fd(), || bind(ANY_PORT)));
    let address = greeter.at(uplink(&network).address());
    hears(outside.netns.as_fd(), address, SHORT).expect_err("the outside does not reach it");
    take_down_walls(&network);
    hears(outside.netns.as_fd(), address, LONG).expect("without walls it would");
}

#[test]
fn a_cell_cannot_lie_about_its_address() {
    let Some(networks) = open_public() else { return };
    let outside = Outside::new();
    let [liar, victim] = [NetworkMode::Public; 2].map(|mode| networks.create(mode).expect("a network"));
    let socket = inside(outside.netns.as_fd(), || {
        UdpSocket::bind((outside.there, ANY_PORT)).expect("a port")
    });
    let to = (outside.there, socket.local_addr().unwrap().port());
    for lie in [
        uplink(&victim).address(),
        gateway(&victim),
        outside.host,
        Ipv4Addr::new(192, 0, 2, 77),
    ] {
        inside(liar.netns.as_fd(), || {
            Netlink::open().and_then(|mut all| all.add_address(LOOPBACK, lie, 32))
        })
        .expect("as root, inside");
        // In order, by one path: what is heard first was sent first, or the first was dropped.
        send_from(liar.netns.as_fd(), Some(lie), to, b"lie");
        send_from(liar.netns.as_fd(), Some(uplink(&liar).address()), to, b"truth");
        assert_eq!(receive(&socket), b"truth", "as {lie}");
    }
}

#[test]
fn places_that_tell_credentials_are_out_of_reach() {
    let Some(networks) = open_public() else { return };
    let outside = Outside::new();
    let network = networks.create(NetworkMode::Public).expect("a network");
    let socket = inside(outside.netns.as_fd(), || {
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, ANY_PORT)).expect("a port")
    });
    let port = socket.local_addr().unwrap().port();
    // One that this machine has not, so that the routes below hurt nobody.
    let metadata = Ipv4Addr::from_bits(Ipv4Addr::new(169, 254, 0, 0).to_bits() | outside.there.to_bits() & 0xffff);
    outside.add_address(metadata);
    let route = |verb: &str| {
        let arguments = ["route", verb, &metadata.to_string(), "via", &outside.there.to_string()].map(str::to_owned);
        assert!(Command::new("ip").args(arguments).status().expect("ip").success());
    };
    route("add");
    send_from(network.netns.as_fd(), None, (metadata, port), b"cell");
    UdpSocket::bind((outside.host, ANY_PORT))
        .unwrap()
        .send_to(b"host", (metadata, port))
        .expect("sent");
    let heard = receive(&socket);
    route("del");
    assert_eq!(heard, b"host");
}

#[test]
fn connections_of_one_cell_are_limited_and_leave_room_for_others() {
    const TRIED: u16 = 1400;
    let Some(networks) = open_public() else { return };
    let outside = Outside::new();
    let [greedy, modest] = [NetworkMode::Public; 2].map(|mode| networks.create(mode).expect("a network"));
    let socket = inside(outside.netns.as_fd(), || {
        UdpSocket::bind((outside.there, ANY_PORT)).expect("a port")
    });
    let port = socket.local_addr().unwrap().port();
    let count = thread::scope(|scope| {
        let counter = scope.spawn(|| {
            let mut count = 0;
            while receive(&socket) == b"greedy" {
                count += 1;
            }
            count
        });
        inside(greedy.netns.as_fd(), || {
            for from in 10_000..10_000 + TRIED {
                let sender = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, from)).expect("a port");
                sender.send_to(b"greedy", (outside.there, port)).expect("sent");
            }
        });
        send_from(modest.netns.as_fd(), None, (outside.there, port), b"modest");
        counter.join().expect("no panic")
    });
    assert!((1..=1024).contains(&count), "{count} of {TRIED} came through");
}

#[test]
fn the_connections_of_a_cell_are_forgotten_with_it() {
    const SENT: usize = 50;
    let Some(networks) = open_public() else { return };
    let outside = Outside::new();
    let [gone, kept] = [NetworkMode::Public; 2].map(|mode| networks.create(mode).expect("a network"));
    let remembered = |address: Ipv4Addr| {
        let all = fs::read_to_string("/proc/net/nf_conntrack").ok()?;
        Some(
            all.lines()
                .filter(|line| line.contains(&format!(" src={address} ")))
                .count(),
        )
    };
    let [first, second] = [&gone, &kept].map(|network| uplink(network).address());
    if remembered(first).is_none() {
        println!("not run: this kernel does not tell what it remembers");
        return;
    }
    let deadline = Instant::now() + LONG;
    // A cable carries nothing for its first moments.
    while [first, second].iter().any(|address| remembered(*address) < Some(SENT)) {
        assert!(Instant::now() < deadline, "nothing comes through");
        for network in [&gone, &kept] {
            (0..SENT).for_each(|_| send_from(network.netns.as_fd(), None, (outside.there, 9), b"x"));
        }
    }
    match conntrack::forget(Ipv4Addr::BROADCAST) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EINVAL)) => {
            println!("not run: this kernel forgets by no address");
            return;
        }
        other => other.expect("nothing to forget"),
    }
    gone.remove().expect("removed");
    assert_eq!(remembered(first), Some(0));
    assert!(remembered(second) >= Some(SENT), "a neighbour's are kept");
}

#[test]
fn a_cell_has_no_ipv6_way_out() {
    let Some(networks) = open_public() else { return };
    let network = networks.create(NetworkMode::Public).expect("a network");
    let addresses = inside(network.netns.as_fd(), || {
        fs::read_to_string("/proc/thread-self/net/if_inet6")
    });
    let addresses = addresses.unwrap_or_default();
    assert!(addresses.lines().all(|line| line.ends_with("lo")), "{addresses}");
    let host = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    assert!(!host.contains(uplink(&network).interface()), "{host}");
}

#[test]
fn ipv6_is_no_way_to_the_host_even_where_both_ends_have_an_address() {
    let Some(networks) = open_public() else { return };
    let network = networks.create(NetworkMode::Public).expect("a network");
    if !std::path::Path::new("/proc/net/if_inet6").exists() {
        println!("not run: this kernel has no IPv6");
        return;
    }
    let block = format!("fd53:{:x}:{:x}", std::process::id() & 0xffff, number());
    let give = |address: String, interface: &str| {
        fs::write(format!("/proc/sys/net/ipv6/conf/{interface}/disable_ipv6"), "0").expect("root");
        let arguments = ["-6", "address", "add", &address, "dev", interface, "nodad"];
        assert!(Command::new("ip").args(arguments).status().expect("ip").success());
    };
    give(format!("{block}::1/64"), uplink(&network).interface());
    // A thread's child is in the thread's namespace.
    inside(network.netns.as_fd(), || give(format!("{block}::2/64"), "eth0"));
    let host = UdpSocket::bind((std::net::Ipv6Addr::UNSPECIFIED, ANY_PORT)).expect("a port");
    let to: SocketAddr = format!("[{block}::1]:{}", host.local_addr().unwrap().port())
        .parse()
        .expect("an address");
    let send = |what: &[u8]| {
        inside(network.netns.as_fd(), || {
            let socket = UdpSocket::bind((std::net::Ipv6Addr::UNSPECIFIED, ANY_PORT)).expect("a port");
            socket.send_to(what, to).expect("sent");
        });
    };
    send(b"walled");
    host.set_read_timeout(Some(SHORT)).expect("set");
    host.recv(&mut [0; 8]).expect_err("nothing comes");
    take_down_walls(&network);
    send(b"unwalled");
    assert!(receive(&host).ends_with(b"walled"), "without walls it would");
}

#[test]
fn addresses_and_cables_come_back() {
    let Some(networks) = open_public() else { return };
    let network = networks.create(NetworkMode::Public).expect("a network");
    let (interface, address) = (uplink(&network).interface().to_owned(), uplink(&network).address());
    assert!(Netlink::open().unwrap().link(&interface).is_ok());
    // The cell's processes would still hold the namespace.
    let netns = network.netns.try_clone().expect("a clone");
    network.remove().expect("removed");
    assert!(Netlink::open().unwrap().link(&interface).is_err());
    assert!(inside(netns.as_fd(), || Netlink::open().unwrap().link("eth0").is_err()));
    let next = networks.create(NetworkMode::Public).expect("a network");
    assert_ne!(
        uplink(&next).address(),
        address,
        "not at once: packets may be on the way"
    );
}

#[test]
fn the_dropped_come_back_by_themselves_however_few_addresses_there_are() {
    const PAIRS: usize = 7;
    let Some(_) = open_public() else { return };
    // 100.64.0.0/10 is for networks between those of others.
    let block = (std::process::id().wrapping_mul(31) + number()) % (1 << 18);
    let subnet = Subnet::new(
        Ipv4Addr::from_bits(Ipv4Addr::new(100, 64, 0, 0).to_bits() + block * 16),
        28,
    );
    let networks = Networks::open(NetworkConfig {
        subnet,
        ..config(&name())
    })
    .expect("open");
    let mut seen = std::collections::HashSet::new();
    for _ in 0..5 * PAIRS {
        seen.insert(uplink(&networks.create(NetworkMode::Public).expect("a network")).address());
    }
    assert_eq!(seen.len(), PAIRS);
    let held: Vec<_> = (0..PAIRS)
        .map(|_| networks.create(NetworkMode::Public).expect("a network"))
        .collect();
    let full = networks.create(NetworkMode::Public).expect_err("all are held");
    assert_eq!(full.kind(), ErrorKind::QuotaExceeded);
    // The namespaces live on, as under a cell that will not die.
    let netns: Vec<_> = held
        .iter()
        .map(|network| network.netns.try_clone().expect("a clone"))
        .collect();
    drop(held);
    drop(networks.create(NetworkMode::Public).expect("a network all the same"));
    drop(netns);
}

#[test]
fn closing_leaves_nothing() {
    let Some(_) = open_public() else { return };
    let server = name();
    let networks = Networks::open(config(&server)).expect("open");
    let network = networks.create(NetworkMode::Public).expect("a network");
    assert_eq!(things_of(&server).len(), 3, "{:?}", things_of(&server));
    drop(networks);
    assert_eq!(things_of(&server).len(), 3, "a cell still lives");
    drop(network);
    assert_eq!(things_of(&server), Vec::<String>::new());
}

#[test]
fn what_killed_servers_left_is_cleared() {
    let Some(_) = open_public() else { return };
    // Two die; one is born again.
    let dead = [(); 2].map(|()| {
        let me = std::env::current_exe().expect("this binary");
        let arguments = ["--exact", "network::tests::killed", "--ignored", "--nocapture"];
        let output = Command::new(me).args(arguments).output().expect("this binary again");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let server = text
            .lines()
            .find_map(|line| line.split("server ").nth(1))
            .expect("it told its name");
        assert_eq!(output.status.signal(), Some(9), "{text}");
        server.to_owned()
    });
    let networks = Networks::open(config(&dead[0])).expect("open again");
    networks.public_available().expect("available again");
    let outside = Outside::new();
    let greeter = outside.greeter();
    let network = networks.create(NetworkMode::Public).expect("a network");
    hears(network.netns.as_fd(), greeter.at(outside.there), LONG).expect("the outside answers");
    assert_eq!(things_of(&dead[1]), Vec::<String>::new());
    drop((network, networks));
    assert_eq!(things_of(&dead[0]), Vec::<String>::new());
}

#[test]
#[ignore = "kills its process: run by what_killed_servers_left_is_cleared"]
fn killed() {
    let server = name();
    let networks = Networks::open(config(&server)).expect("open");
    let _network = networks.create(NetworkMode::Public).expect("a network");
    println!("server {server}");
    io::stdout().flush().expect("flushed");
    let myself = rustix::process::getpid();
    rustix::process::kill_process(myself, rustix::process::Signal::KILL).expect("killed");
}

#[test]
fn a_name_is_one_servers() {
    let server = name();
    let _one = Networks::open(config(&server)).expect("open");
    assert!(matches!(
        Networks::open(config(&server)),
        Err(NetworkError::NameTaken { .. })
    ));
}

#[test]
fn flushed_walls_are_put_up_again() {
    let Some(networks) = open_public() else { return };
    let server = name();
    let own = Networks::open(config(&server)).expect("open");
    let network = own.create(NetworkMode::Public).expect("a network");
    let table = Names::of(&server).table;
    let nft = |words: &[&str]| assert!(Command::new("nft").args(words).status().expect("nft").success());
    // Other tests change rules meanwhile, so that an untouched wall may be looked at, but it is never found broken.
    assert!(!own.keep_walls().expect("kept"));
    nft(&["delete", "table", "inet", &table]);
    assert!(own.keep_walls().expect("kept"), "they were gone");
    assert!(!own.keep_walls().expect("kept"));
    nft(&["flush", "chain", "inet", &table, "host"]);
    assert!(own.keep_walls().expect("kept"), "one was empty");
    let outside = Outside::new();
    let greeter = outside.greeter();
    hears(network.netns.as_fd(), greeter.at(outside.there), LONG).expect("the outside answers again");
    drop(networks);
}

#[test]
fn servers_on_one_machine_get_addresses_of_their_own() {
    let (Some(one), Some(other)) = (open_public(), open_public()) else {
        return;
    };
    let [one, other] = [one, other].map(|networks| networks.create(NetworkMode::Public).expect("a network"));
    let block = |network: &Network| uplink(network).address().octets()[..2].to_vec();
    assert_ne!(block(&one), block(&other));
}

#[test]
fn a_subnet_in_use_is_refused_and_the_other_modes_still_work() {
    let Some(_) = open_public() else { return };
    let outside = Outside::new();
    let wanted = Subnet::new(Ipv4Addr::from_bits(outside.host.to_bits() & 0xffff_0000), 16);
    let networks = Networks::open(NetworkConfig {
        subnet: wanted,
        ..config(&name())
    })
    .expect("open");
    let Err(NetworkError::SubnetTaken { by, .. }) = networks.public_available() else {
        panic!("accepted")
    };
    assert!(wanted.unwrap().contains(by.address()), "{by}");
    let refused = networks.create(NetworkMode::Public).expect_err("no public mode");
    assert!(refused.to_string().contains("overlaps"), "{refused}");
    networks.create(NetworkMode::Private).expect("a network");
}

#[test]
fn resolvers_are_told_to_public_cells_alone() {
    let server = name();
    let nameservers = vec![Ipv4Addr::new(203, 0, 113, 53)];
    let networks = Networks::open(NetworkConfig {
        nameservers,
        ..config(&server)
    })
    .expect("open");
    if networks.public_available().is_ok() {
        assert_eq!(networks.resolv_conf(NetworkMode::Public), "nameserver 203.0.113.53\n");
    }
    assert_eq!(networks.resolv_conf(NetworkMode::Private), "");
}

fn send_from(netns: BorrowedFd<'_>, from: Option<Ipv4Addr>, to: (Ipv4Addr, u16), what: &[u8]) {
    inside(netns, || {
        let socket = UdpSocket::bind((from.unwrap_or(Ipv4Addr::UNSPECIFIED), ANY_PORT)).expect("a port");
        // A wall may answer that there is no way, which is as good as silence.
        socket.send_to(what, to).ok();
    });
}

fn receive(socket: &UdpSocket) -> Vec<u8> {
    socket.set_read_timeout(Some(LONG)).expect("set");
    let mut buffer = [0; 64];
    let length = socket.recv(&mut buffer).expect("something comes in time");
    buffer[..length].to_vec()
}
