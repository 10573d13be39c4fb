//! Whom public functions ask for names: the host's resolvers, as far as functions can reach them.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};

/// Where the resolvers of the host stand.
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// Where systemd's resolver, which listens on the host's loopback only, keeps those it asks itself.
const UPSTREAM: &str = "/run/systemd/resolve/resolv.conf";
/// The C library asks no more than three.
const NAMESERVERS_MAX: usize = 3;

/// The resolvers functions can use, `own` being the host's addresses, which they cannot reach.
pub(super) fn of_host(own: &[Ipv4Addr]) -> Vec<Ipv4Addr> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    choose(&read(RESOLV_CONF), &read(UPSTREAM), own)
}

fn choose(resolv_conf: &str, upstream: &str, own: &[Ipv4Addr]) -> Vec<Ipv4Addr> {
    let reachable = |text| -> Vec<Ipv4Addr> {
        let found = nameservers(text).filter(|address| !address.is_loopback() && !own.contains(address));
        found.take(NAMESERVERS_MAX).collect()
    };
    let direct = reachable(resolv_conf);
    if direct.is_empty() { reachable(upstream) } else { direct }
}

fn nameservers(text: &str) -> impl Iterator<Item = Ipv4Addr> {
    text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        match (words.next()?, words.next()?.parse().ok()?) {
            ("nameserver", IpAddr::V4(address)) => Some(address),
            _ => None,
        }
    })
}

/// The text of a `resolv.conf`.
pub(super) fn text(nameservers: &[Ipv4Addr]) -> String {
    nameservers
        .iter()
        .map(|address| format!("nameserver {address}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::{choose, text};

    #[test]
    fn only_resolvers_that_functions_can_reach_are_taken() {
        const OWN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
        let upstream = "nameserver 198.51.100.53\nsearch example\n";
        for (resolv_conf, expected) in [
            (
                "# by hand\nnameserver 203.0.113.1\nnameserver 203.0.113.2 # second\n",
                "203.0.113.1 203.0.113.2",
            ),
            ("nameserver 127.0.0.53\noptions edns0\n", "198.51.100.53"),
            ("nameserver 192.0.2.2\n", "198.51.100.53"),
            ("nameserver ::1\nnameserver 2001:db8::1\n", "198.51.100.53"),
            ("nameserver 127.0.0.1\nnameserver 203.0.113.1\n", "203.0.113.1"),
            ("", "198.51.100.53"),
        ] {
            let chosen: Vec<_> = choose(resolv_conf, upstream, &[OWN])
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(chosen.join(" "), expected, "{resolv_conf:?}");
        }
    }

    #[test]
    fn a_resolv_conf_has_a_line_each() {
        assert_eq!(text(&[Ipv4Addr::new(203, 0, 113, 1)]), "nameserver 203.0.113.1\n");
    }
}
