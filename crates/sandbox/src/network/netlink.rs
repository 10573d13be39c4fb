//! The kernel's route socket, one question at a time: links, addresses and routes of one namespace.
//!
//! Blocking on purpose: it works on threads that leave for another namespace and end there.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsRawFd, BorrowedFd};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{
    AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo,
    LinkMessage,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use super::subnet::Subnet;

/// What our routes are marked with. A number nobody else has claimed in `rt_protos`.
const PROTOCOL: RouteProtocol = RouteProtocol::Other(83);
/// The loopback interface is the first of every namespace.
pub(super) const LOOPBACK: u32 = 1;

/// A socket into the namespace its maker was in.
pub(super) struct Netlink {
    socket: Socket,
    sequence: u32,
}

/// An interface.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) mtu: u32,
}

/// A route of any table.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) to: Subnet,
    pub(super) through: Option<u32>,
    message: RouteMessage,
}

/// Both ends of a virtual cable to be laid.
pub(super) struct Cable<'a> {
    pub(super) here: &'a str,
    pub(super) there: &'a str,
    /// The group of interfaces the near end belongs to.
    pub(super) group: u32,
    /// Where the far end goes.
    pub(super) netns: BorrowedFd<'a>,
    pub(super) mtu: u32,
}

impl Netlink {
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket, sequence: 0 })
    }

    pub(super) fn add_cable(&mut self, cable: &Cable<'_>) -> io::Result<()> {
        let end = |name: &str| {
            let mut end = LinkMessage::default();
            // Queues are memory, and the kernel's default is as many as it could have processors.
            end.attributes = vec![
                LinkAttribute::IfName(name.to_owned()),
                LinkAttribute::Mtu(cable.mtu),
                LinkAttribute::NumTxQueues(1),
                LinkAttribute::NumRxQueues(1),
            ];
            end
        };
        let mut there = end(cable.there);
        there.attributes.push(LinkAttribute::NetNsFd(cable.netns.as_raw_fd()));
        let mut here = end(cable.here);
        here.attributes.push(LinkAttribute::Group(cable.group));
        here.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(there))),
        ]));
        self.create(RouteNetlinkMessage::NewLink(here))
    }

    /// Starts an interface.
    pub(super) fn up(&mut self, index: u32) -> io::Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = index;
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
        self.tell(RouteNetlinkMessage::SetLink(message), 0)
    }

    /// Keeps an interface from giving itself an IPv6 address when it starts.
    pub(super) fn forgo_ipv6_address(&mut self, index: u32) -> io::Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = index;
        let mode = AfSpecUnspec::Inet6(vec![AfSpecInet6::AddrGenMode(In6AddrGenMode::None)]);
        message.attributes = vec![LinkAttribute::AfSpecUnspec(vec![mode])];
        self.tell(RouteNetlinkMessage::SetLink(message), 0)
    }

    pub(super) fn link(&mut self, name: &str) -> io::Result<Link> {
        let mut message = LinkMessage::default();
        message.attributes = vec![LinkAttribute::IfName(name.to_owned())];
        let answers = self.ask(RouteNetlinkMessage::GetLink(message), NLM_F_ACK)?;
        answers
            .into_iter()
            .find_map(link_of)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn links(&mut self) -> io::Result<Vec<Link>> {
        let answers = self.ask(RouteNetlinkMessage::GetLink(LinkMessage::default()), NLM_F_DUMP)?;
        Ok(answers.into_iter().filter_map(link_of).collect())
    }

    /// Removes an interface; one that is gone already counts as removed.
    pub(super) fn remove_link(&mut self, index: u32) -> io::Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = index;
        gone_is_fine(self.tell(RouteNetlinkMessage::DelLink(message), 0), libc::ENODEV)
    }

    /// Removes all interfaces of a group at once; there may be none.
    pub(super) fn remove_group(&mut self, group: u32) -> io::Result<()> {
        let mut message = LinkMessage::default();
        message.attributes = vec![LinkAttribute::Group(group)];
        gone_is_fine(self.tell(RouteNetlinkMessage::DelLink(message), 0), libc::ENODEV)
    }

    pub(super) fn has_link(&mut self, index: u32) -> io::Result<bool> {
        let mut message = LinkMessage::default();
        message.header.index = index;
        match self.ask(RouteNetlinkMessage::GetLink(message), NLM_F_ACK) {
            Ok(_) => Ok(true),
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) fn add_address(&mut self, index: u32, address: Ipv4Addr, prefix: u8) -> io::Result<()> {
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.prefix_len = prefix;
        message.header.index = index;
        let address = IpAddr::V4(address);
        message.attributes = vec![AddressAttribute::Local(address), AddressAttribute::Address(address)];
        self.create(RouteNetlinkMessage::NewAddress(message))
    }

    /// The IPv4 addresses of this namespace.
    pub(super) fn addresses(&mut self) -> io::Result<Vec<Ipv4Addr>> {
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        let answers = self.ask(RouteNetlinkMessage::GetAddress(message), NLM_F_DUMP)?;
        let address_of = |answer| match answer {
            RouteNetlinkMessage::NewAddress(message) => message.attributes.into_iter().find_map(|one| match one {
                AddressAttribute::Local(IpAddr::V4(address)) => Some(address),
                _ => None,
            }),
            _ => None,
        };
        Ok(answers.into_iter().filter_map(address_of).collect())
    }

    pub(super) fn add_default_route(&mut self, gateway: Ipv4Addr) -> io::Result<()> {
        let mut message = route(Subnet::EVERYTHING, RouteType::Unicast);
        message
            .attributes
            .push(RouteAttribute::Gateway(RouteAddress::Inet(gateway)));
        self.create(RouteNetlinkMessage::NewRoute(message))
    }

    /// Claims a block of addresses: what is not routed elsewhere within it is unreachable, and nobody else can claim
    /// it with the same mark. `mark` tells whose it is.
    pub(super) fn claim(&mut self, subnet: Subnet, mark: u32) -> io::Result<()> {
        let mut message = route(subnet, RouteType::Unreachable);
        message.attributes.push(RouteAttribute::Priority(mark));
        self.create(RouteNetlinkMessage::NewRoute(message))
    }

    /// The IPv4 routes of all tables, but those for the namespace's own addresses.
    pub(super) fn routes(&mut self) -> io::Result<Vec<Route>> {
        let mut message = RouteMessage::default();
        message.header.address_family = AddressFamily::Inet;
        let answers = self.ask(RouteNetlinkMessage::GetRoute(message), NLM_F_DUMP)?;
        Ok(answers.into_iter().filter_map(route_of).collect())
    }

    pub(super) fn remove_route(&mut self, route: Route) -> io::Result<()> {
        gone_is_fine(self.tell(RouteNetlinkMessage::DelRoute(route.message), 0), libc::ESRCH)
    }

    fn create(&mut self, message: RouteNetlinkMessage) -> io::Result<()> {
        self.tell(message, NLM_F_CREATE | NLM_F_EXCL)
    }

    fn tell(&mut self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.ask(message, NLM_F_ACK | flags).map(drop)
    }

    /// Sends a message and collects what comes until the kernel says that this was all.
    fn ask(&mut self, message: RouteNetlinkMessage, flags: u16) -> io::Result<Vec<RouteNetlinkMessage>> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut request = NetlinkMessage::from(message);
        request.header.flags = NLM_F_REQUEST | flags;
        request.header.sequence_number = self.sequence;
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        self.socket.send(&bytes, 0)?;

        let mut answers = Vec::new();
        loop {
            let (datagram, _) = self.socket.recv_from_full()?;
            let mut rest = datagram.as_slice();
            while !rest.is_empty() {
                let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest).map_err(io::Error::other)?;
                let length = (answer.header.length as usize).next_multiple_of(4);
                rest = rest.get(length..).unwrap_or_default();
                if answer.header.sequence_number != self.sequence {
                    continue;
                }
                match answer.payload {
                    NetlinkPayload::Error(error) => match error.code {
                        Some(code) => return Err(io::Error::from_raw_os_error(code.get().saturating_abs())),
                        None => return Ok(answers),
                    },
                    NetlinkPayload::Done(_) => return Ok(answers),
                    NetlinkPayload::InnerMessage(message) => answers.push(message),
                    _ => {}
                }
            }
        }
    }
}

impl Route {
    /// Whether [`Netlink::claim`] made it with this mark.
    pub(super) fn is_claim(&self, mark: u32) -> bool {
        self.message.header.protocol == PROTOCOL
            && self.message.header.kind == RouteType::Unreachable
            && self.message.attributes.contains(&RouteAttribute::Priority(mark))
    }
}

fn link_of(answer: RouteNetlinkMessage) -> Option<Link> {
    let RouteNetlinkMessage::NewLink(message) = answer else {
        return None;
    };
    let mut link = Link {
        index: message.header.index,
        name: String::new(),
        mtu: 0,
    };
    for attribute in message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name = name,
            LinkAttribute::Mtu(mtu) => link.mtu = mtu,
            _ => {}
        }
    }
    Some(link)
}

fn route_of(answer: RouteNetlinkMessage) -> Option<Route> {
    let RouteNetlinkMessage::NewRoute(message) = answer else {
        return None;
    };
    if message.header.table == LOCAL_TABLE {
        return None;
    }
    let find = |pick: fn(&RouteAttribute) -> Option<Ipv4Addr>| message.attributes.iter().find_map(pick);
    let to = find(|one| match one {
        RouteAttribute::Destination(RouteAddress::Inet(address)) => Some(*address),
        _ => None,
    });
    let to = Subnet::new(
        to.unwrap_or(Ipv4Addr::UNSPECIFIED),
        message.header.destination_prefix_length,
    )?;
    let through = message.attributes.iter().find_map(|one| match one {
        RouteAttribute::Oif(index) => Some(*index),
        _ => None,
    });
    Some(Route { to, through, message })
}

/// Holds the namespace's own addresses and their broadcasts.
const LOCAL_TABLE: u8 = 255;

fn route(to: Subnet, kind: RouteType) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = AddressFamily::Inet;
    message.header.destination_prefix_length = to.prefix();
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = PROTOCOL;
    message.header.scope = RouteScope::Universe;
    message.header.kind = kind;
    if to.prefix() > 0 {
        message
            .attributes
            .push(RouteAttribute::Destination(RouteAddress::Inet(to.address())));
    }
    message
}

fn gone_is_fine(result: io::Result<()>, gone: i32) -> io::Result<()> {
    match result {
        Err(error) if error.raw_os_error() == Some(gone) => Ok(()),
        result => result,
    }
}
