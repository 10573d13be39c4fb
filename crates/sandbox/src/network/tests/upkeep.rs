//! What is made comes back, and stays: addresses, cables, walls, and what a killed server has left.

use std::io::{ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use super::super::netlink::Netlink;
use super::super::*;
use super::kit::*;

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
        let arguments = ["--exact", "network::tests::upkeep::killed", "--ignored", "--nocapture"];
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
