//! The connections the kernel remembers for a cell that is no more: forgotten with it.
//!
//! An established one would stay for five days, and the machine has room for some ten thousands only: a function whose
//! instances come and go could fill it for everybody. One message to the kernel, by hand.

use std::io;
use std::net::Ipv4Addr;

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};

/// `IPCTNL_MSG_CT_DELETE` of `NFNL_SUBSYS_CTNETLINK`.
const DELETE: u16 = 1 << 8 | 2;
/// `NLMSG_ERROR`, which also says that all went well.
const ANSWER: u16 = 2;
const REQUEST_AND_ANSWER: u16 = 1 | 4;
const NESTED: u16 = 1 << 15;

// Attributes of include/uapi/linux/netfilter/nfnetlink_conntrack.h, and what a filter compares.
const TUPLE_ORIGINAL: u16 = 1;
const TUPLE_IP: u16 = 1;
const IP_V4_SOURCE: u16 = 1;
const FILTER: u16 = 25;
const FILTER_ORIGINAL: u16 = 1;
const FILTER_REPLY: u16 = 2;
const BY_SOURCE: u32 = 1;

/// Forgets every connection that this address began. Looks at all of the machine's, which takes milliseconds.
///
/// # Errors
/// Before Linux 6.12 or so the kernel refuses such a filter; the connections then stay until they time out.
pub(super) fn forget(address: Ipv4Addr) -> io::Result<()> {
    let mut socket = Socket::new(NETLINK_NETFILTER)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    socket.send(&request(address), 0)?;
    let (answer, _) = socket.recv_from_full()?;
    let kind = answer.get(4..6).map(|bytes| u16::from_ne_bytes([bytes[0], bytes[1]]));
    let code = answer.get(16..20).map(<[u8; 4]>::try_from);
    match (kind, code) {
        (Some(ANSWER), Some(Ok(code))) => match i32::from_ne_bytes(code) {
            0 => Ok(()),
            // There was none.
            code if code == -libc::ENOENT => Ok(()),
            code => Err(io::Error::from_raw_os_error(code.saturating_abs())),
        },
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "unexpected answer")),
    }
}

fn request(address: Ipv4Addr) -> Vec<u8> {
    let source = attribute(IP_V4_SOURCE, &address.octets());
    let tuple = attribute(TUPLE_ORIGINAL | NESTED, &attribute(TUPLE_IP | NESTED, &source));
    let filter = [(FILTER_ORIGINAL, BY_SOURCE), (FILTER_REPLY, 0)]
        .map(|(kind, flags)| attribute(kind, &flags.to_ne_bytes()))
        .concat();
    // The family, version 0 and no resource.
    let mut body = vec![libc::AF_INET as u8, 0, 0, 0];
    body.extend(tuple);
    body.extend(attribute(FILTER | NESTED, &filter));
    let length = u32::try_from(16 + body.len()).unwrap_or(0);
    let mut request = Vec::with_capacity(length as usize);
    request.extend(length.to_ne_bytes());
    request.extend(DELETE.to_ne_bytes());
    request.extend(REQUEST_AND_ANSWER.to_ne_bytes());
    // Sequence number and port are of no use here.
    request.extend([0; 8]);
    request.extend(body);
    request
}

/// All values here are whole words, so nothing is padded.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or(0);
    [&length.to_ne_bytes(), &kind.to_ne_bytes(), value].concat()
}
