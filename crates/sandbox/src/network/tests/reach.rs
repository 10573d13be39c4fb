//! What each mode reaches, and above all what it does not.

use std::fs;
use std::io::ErrorKind;
use std::net::{TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::process::Command;
use std::thread;
use std::time::Instant;

use super::super::netlink::{LOOPBACK, Netlink};
use super::super::*;
use super::kit::*;

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
