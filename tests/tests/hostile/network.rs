//! What functions reach: their own endpoints, the outside if they may, nothing of the host and none of each other.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use skiff_tests::{Spec, eventually};

use crate::arena::{Attacker, attack, client, outcomes, server, strike};

/// The network modes as CreateFunction says them.
const MODES: [&str; 3] = ["public", "private", "none"];

fn within(mode: &str, spec: Spec) -> Spec {
    let status = if mode == "public" { "ENABLE" } else { "DISABLE" };
    let spec = spec.with(
        "PublicNetConfig",
        json!({"PublicNetStatus": status, "EipConfig": {"EipStatus": "DISABLE"}}),
    );
    if mode == "none" {
        spec.with("VpcConfig", json!({"VpcId": "none", "SubnetId": ""}))
    } else {
        spec
    }
}

/// Every address of the host, of both kinds.
fn host_addresses() -> Vec<IpAddr> {
    let shown = Command::new("ip").args(["-oneline", "addr"]).output().expect("ip");
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    let address = |line: &str| line.split_whitespace().nth(3)?.split('/').next()?.parse().ok();
    // The ends of functions' own cables are the gateways they are asked to try anyway.
    let all = text.lines().filter(|line| !line.contains(": sk")).filter_map(address);
    // A link-local address means nothing without its interface.
    all.filter(|address: &IpAddr| !address.to_string().starts_with("fe80"))
        .collect()
}

#[test]
fn no_mode_reaches_a_service_of_the_host_or_the_server() {
    let tcp = TcpListener::bind("0.0.0.0:0").expect("a port");
    let udp = UdpSocket::bind("0.0.0.0:0").expect("a port");
    let (tcp_port, udp_port) = (
        tcp.local_addr().expect("bound").port(),
        udp.local_addr().expect("bound").port(),
    );
    let port = |address: &str| address.parse::<SocketAddr>().expect("an address").port();
    let ports = [
        tcp_port,
        udp_port,
        port(&server().listen.api),
        port(&server().listen.gateway),
    ];
    let mut hosts: Vec<String> = host_addresses().iter().map(ToString::to_string).collect();
    hosts.extend([
        "0.0.0.0".to_owned(),
        "169.254.169.254".to_owned(),
        "localhost".to_owned(),
    ]);
    for mode in MODES {
        let network = strike(within(mode, attack("tells_its_network")), &json!({}))
            .returned()
            .clone();
        let gateways = network["gateway"]
            .as_array()
            .expect("addresses")
            .iter()
            .filter_map(Value::as_str);
        let gateways: Vec<String> = gateways.map(str::to_owned).collect();
        assert_eq!(gateways.is_empty(), mode != "public", "{mode}: {network}");
        let targets: Vec<_> = hosts
            .iter()
            .chain(&gateways)
            .flat_map(|host| ports.map(|port| json!([host, port])))
            .collect();
        let spec = within(mode, attack("connects")).with("Timeout", 60);
        let answer = strike(spec, &json!({"targets": targets, "timeout": 0.3}));
        for (target, outcome) in outcomes(&answer) {
            assert_ne!(outcome, "done", "{mode} reaches {target}");
        }
    }
    tcp.set_nonblocking(true).expect("own socket");
    assert_eq!(
        tcp.accept().map(drop).map_err(|error| error.kind()),
        Err(ErrorKind::WouldBlock),
        "a connection came in"
    );
    udp.set_nonblocking(true).expect("own socket");
    let datagram = udp.recv_from(&mut [0; 16]).map_err(|error| error.kind());
    assert_eq!(datagram, Err(ErrorKind::WouldBlock), "a datagram came in");
}

#[test]
fn public_and_private_functions_reach_skiffs_own_endpoints_and_none_reaches_nothing() {
    for (mode, reaches) in [("public", true), ("private", true), ("none", false)] {
        let attacker = Attacker::new(within(mode, attack("fetches")));
        for port in [19000, 19080] {
            let answer = attacker.strikes(&json!({"host": "127.0.0.1", "port": port, "path": "/healthz"}));
            assert_eq!(answer.status == 200, reaches, "{mode} at {port}: {}", answer.ret_text);
            if !reaches {
                let trace = answer.ret["stackTrace"].as_str().unwrap_or_default();
                assert!(trace.contains("ConnectionRefusedError"), "{mode} at {port}: {trace}");
            }
        }
    }
}

#[test]
fn functions_do_not_reach_each_other() {
    let listener = within("public", attack("listens")).deploy(&server().client());
    let answer = listener.invoke(&json!({}));
    let addresses: Vec<String> = serde_json::from_value(answer.returned().clone()).expect("addresses");
    assert_eq!(addresses.len(), 1, "a public function has an address of its own");
    let targets = json!([[addresses[0], 8000], ["127.0.0.1", 8000]]);
    for mode in MODES {
        let answer = strike(within(mode, attack("connects")), &json!({ "targets": targets }));
        for (target, outcome) in outcomes(&answer) {
            assert_ne!(outcome, "done", "{mode} reaches its neighbour at {target}");
        }
    }
}

/// A machine on the outside: a network namespace behind a cable, with a web server.
struct Outside {
    name: String,
    address: String,
    server: std::process::Child,
}

impl Outside {
    fn new() -> Self {
        let id = std::process::id();
        let name = format!("skiff-out-{id}");
        // Of the block reserved for documentation: nothing real is there.
        let (host, outside) = ("198.51.100.1", "198.51.100.2");
        let cable = format!("out{id}");
        for command in [
            format!("netns add {name}"),
            format!("link add {cable} type veth peer name eth0 netns {name}"),
            format!("addr add {host}/30 dev {cable}"),
            format!("link set {cable} up"),
            format!("-netns {name} addr add {outside}/30 dev eth0"),
            format!("-netns {name} link set eth0 up"),
            format!("-netns {name} link set lo up"),
        ] {
            let status = Command::new("ip").args(command.split(' ')).status().expect("ip");
            assert!(status.success(), "ip {command}");
        }
        let server = Command::new("ip")
            .args([
                "netns",
                "exec",
                &name,
                "/usr/bin/python3",
                "-m",
                "http.server",
                "8000",
                "--directory",
                "/var/empty",
            ])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("a web server");
        let outside = Self {
            name,
            address: outside.to_owned(),
            server,
        };
        eventually(Duration::from_secs(30), "the web server outside", || {
            TcpStream::connect((outside.address.as_str(), 8000)).ok()
        });
        outside
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
        drop(Command::new("ip").args(["netns", "delete", &self.name]).status());
    }
}

#[test]
fn only_public_functions_reach_the_outside() {
    let outside = Outside::new();
    for (mode, reaches) in [("public", true), ("private", false), ("none", false)] {
        let targets = json!([[outside.address, 8000]]);
        let answer = strike(
            within(mode, attack("connects")),
            &json!({"targets": targets, "timeout": 5}),
        );
        let outcome = &outcomes(&answer)[&format!("{}:8000", outside.address)];
        assert_eq!(outcome == "done", reaches, "{mode}: {outcome}");
    }
}

#[test]
fn a_function_that_besieges_the_endpoints_keeps_nobody_from_them() {
    for (port, says) in [
        (19000, ""),
        (19000, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{"),
        (19080, "GET / HT"),
    ] {
        let attacker = Attacker::new(attack("besieges").with("Timeout", 30));
        let answer = attacker.strikes(&json!({"host": "127.0.0.1", "port": port, "says": says}));
        assert!(
            answer.returned()["connections"].as_u64().is_some_and(|taken| taken > 0),
            "{}",
            answer.ret_text
        );
        // From inside another function, and from outside.
        let fetched = strike(
            attack("fetches"),
            &json!({"host": "127.0.0.1", "port": port, "path": "/"}),
        );
        assert!(fetched.returned().is_u64(), "{}", fetched.ret_text);
        assert_eq!(client().gateway_invoke(&attacker.function().name, b"1").status, 200);
    }
}
