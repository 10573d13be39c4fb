//! Making a namespace: on a thread that goes there and ends there, so that no other thread is ever in the wrong one.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::thread;

use super::Endpoint;
use super::netlink::{Cable, LOOPBACK, Netlink};
use super::subnet::Pair;
use crate::sys::netns;

/// What the cell's end of a cable is called.
const INSIDE: &str = "eth0";

/// A way out to be made.
pub(super) struct WayOut<'a> {
    /// The name of the host's end.
    pub(super) interface: &'a str,
    /// The group of interfaces it belongs to.
    pub(super) group: u32,
    pub(super) pair: Pair,
    pub(super) mtu: u32,
}

/// A namespace, made.
pub(super) struct Born {
    pub(super) netns: OwnedFd,
    pub(super) listeners: Vec<(Endpoint, TcpListener)>,
    /// The index of the host's end of the cable; 0, which no interface has, where there is none.
    pub(super) interface: u32,
}

/// Makes a namespace with its loopback interface up, listeners inside and, where asked for, a way out.
pub(super) fn bear(endpoints: &[Endpoint], way_out: Option<&WayOut<'_>>) -> io::Result<Born> {
    thread::scope(|scope| {
        let maker = thread::Builder::new().name("skiff-netns".to_owned());
        let maker = maker.spawn_scoped(scope, || make(endpoints, way_out))?;
        maker
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread that makes a namespace panicked")))
    })
}

fn make(endpoints: &[Endpoint], way_out: Option<&WayOut<'_>>) -> io::Result<Born> {
    // A socket stays in the namespace it was made in.
    let outside = way_out
        .map(|way_out| Netlink::open().map(|outside| (outside, way_out)))
        .transpose()?;
    netns::unshare_network()?;
    let netns = OwnedFd::from(fs::File::open("/proc/thread-self/ns/net")?);
    let mut inside = Netlink::open()?;
    inside.up(LOOPBACK)?;
    let listeners = endpoints
        .iter()
        .map(|endpoint| listen(*endpoint))
        .collect::<io::Result<_>>()?;
    let interface = match outside {
        None => 0,
        Some((mut outside, way_out)) => lay_cable(&mut outside, &mut inside, &netns, way_out)?,
    };
    Ok(Born {
        netns,
        listeners,
        interface,
    })
}

/// Whether the kernel lays cables: within a namespace that is gone at the end.
pub(super) fn rehearse() -> io::Result<()> {
    thread::scope(|scope| {
        let lay = || {
            netns::unshare_network()?;
            let netns = fs::File::open("/proc/thread-self/ns/net")?;
            let cable = Cable {
                here: "here",
                there: "there",
                group: 0,
                netns: netns.as_fd(),
                mtu: 1500,
            };
            Netlink::open()?.add_cable(&cable)
        };
        scope
            .spawn(lay)
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread panicked")))
    })
}

fn listen(endpoint: Endpoint) -> io::Result<(Endpoint, TcpListener)> {
    let listener = TcpListener::bind(endpoint.address())?;
    listener.set_nonblocking(true)?;
    Ok((endpoint, listener))
}

fn lay_cable(outside: &mut Netlink, inside: &mut Netlink, netns: &OwnedFd, way_out: &WayOut<'_>) -> io::Result<u32> {
    // Read from this thread's namespace; the walls drop IPv6 anyway, this spares the noise.
    match fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1") {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let cable = Cable {
        here: way_out.interface,
        there: INSIDE,
        group: way_out.group,
        netns: netns.as_fd(),
        mtu: way_out.mtu,
    };
    outside.add_cable(&cable)?;
    let host = outside.link(way_out.interface)?.index;
    if let Err(error) = outside.forgo_ipv6_address(host) {
        // A kernel without IPv6 has nothing to forgo.
        tracing::debug!(%error, "interface left as it is");
    }
    outside.add_address(host, way_out.pair.gateway, Pair::PREFIX)?;
    outside.up(host)?;
    let cell = inside.link(INSIDE)?.index;
    inside.add_address(cell, way_out.pair.cell, Pair::PREFIX)?;
    inside.up(cell)?;
    inside.add_default_route(way_out.pair.gateway)?;
    Ok(host)
}
