//! What keeps public functions from the host, from each other and from lying about who they are: one nftables table.
//!
//! A drop is final wherever it is said, an accept only ends our own chain: other tables may still refuse.

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::process::{Command, Output, Stdio};

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};
use parking_lot::Mutex;
use serde_json::Value;

use super::NetworkError;
use super::subnet::Subnet;

/// Connections one cell may have at a time. The kernel tracks some ten thousands for the whole machine, and a cell
/// without this limit could use them up for everybody. Browsers make do with 256.
const CONNECTIONS_MAX: u32 = 1024;
/// How often the walls are put up and looked at before one look is taken though others changed rules meanwhile.
const LOOKS_MAX: u32 = 20;
/// The port of name servers.
const DNS: u16 = 53;

/// Where functions have nothing to look for: this machine, this link, groups of machines, and the places where
/// clouds tell a machine its credentials.
const FORBIDDEN: [(Ipv4Addr, u8); 8] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(100, 100, 100, 200), 32),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(192, 0, 0, 192), 32),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// What the walls depend on.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// The table's name.
    pub(super) table: String,
    /// What the names of all our interfaces begin with.
    pub(super) prefix: String,
    /// Where our addresses come from.
    pub(super) subnet: Subnet,
    /// Resolvers functions may ask even at a forbidden address, and only ask: a cloud's resolver often is the very
    /// machine that tells credentials.
    pub(super) nameservers: Vec<Ipv4Addr>,
}

/// The walls, standing.
#[derive(Debug)]
pub(super) struct Walls {
    plan: Plan,
    seen: Mutex<Seen>,
}

/// How the walls look, and the generation of all rules at which they were last seen to look so.
#[derive(Debug)]
struct Seen {
    generation: u32,
    listing: Vec<u8>,
}

impl Walls {
    pub(super) fn put_up(plan: Plan) -> Result<Self, NetworkError> {
        let seen = Mutex::new(put_up(&plan)?);
        Ok(Self { plan, seen })
    }

    /// Puts the walls up again where somebody changed or flushed them; says whether that was so. Costs microseconds
    /// while nobody changes any rules on this machine.
    pub(super) fn keep(&self) -> Result<bool, NetworkError> {
        let mut seen = self.seen.lock();
        // Asked before looking: what changes meanwhile is seen as a change the next time.
        let generation = generation()?;
        if generation == seen.generation {
            return Ok(false);
        }
        // Somebody changed something, mostly something else.
        if list(&self.plan.table).is_ok_and(|listing| listing == seen.listing) {
            seen.generation = generation;
            return Ok(false);
        }
        run(&rules(&self.plan))?;
        Ok(true)
    }
}

/// Puts the walls up and learns how nft tells them: from a moment in which nobody else changed anything, or what
/// somebody did to them meanwhile would be taken for how they are.
fn put_up(plan: &Plan) -> Result<Seen, NetworkError> {
    let mut attempt = 1;
    loop {
        let before = generation()?;
        run(&rules(plan))?;
        let listing = list(&plan.table)?;
        let generation = generation()?;
        // One transaction is one generation. On a machine that never rests the last look has to do.
        if generation == before.wrapping_add(1) || attempt == LOOKS_MAX {
            return Ok(Seen { generation, listing });
        }
        attempt += 1;
    }
}

/// Takes a table down; one that is not there counts as taken down.
pub(super) fn take_down(table: &str) -> Result<(), NetworkError> {
    run(&format!("add table inet {table}\ndelete table inet {table}\n"))
}

/// Whether the kernel would take the walls; puts none up.
pub(super) fn rehearse() -> Result<(), NetworkError> {
    let plan = Plan {
        table: "skiff-rehearsal".to_owned(),
        prefix: "skrehears-".to_owned(),
        subnet: Subnet::EVERYTHING,
        nameservers: vec![FORBIDDEN[2].0],
    };
    nft(&["-c", "-f", "-"], &rules(&plan)).map(drop)
}

/// The chains that drop what no rule of theirs accepts, on the way between other machines: they stop public
/// functions, and only their owner can tell them to let functions through.
pub(super) fn strangers_dropping_forwarded() -> Result<Vec<String>, NetworkError> {
    let output = nft(&["-j", "list", "chains"], "")?;
    let listing: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let drops = |chain: &&Value| {
        chain["hook"] == "forward"
            && chain["policy"] == "drop"
            && (chain["family"] == "ip" || chain["family"] == "inet")
    };
    let name = |chain: &Value| {
        let part = |key: &str| chain[key].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", part("family"), part("table"), part("name"))
    };
    let objects = listing["nftables"].as_array().cloned().unwrap_or_default();
    Ok(objects
        .iter()
        .map(|object| &object["chain"])
        .filter(drops)
        .map(name)
        .collect())
}

/// The names of this host's tables.
pub(super) fn tables() -> Result<Vec<String>, NetworkError> {
    let listing = nft(&["list", "tables", "inet"], "")?.stdout;
    let listing = String::from_utf8_lossy(&listing);
    Ok(listing
        .lines()
        .filter_map(|line| line.strip_prefix("table inet "))
        .map(str::to_owned)
        .collect())
}

/// Everything in one transaction: at no moment do the walls stand in part. What was there before goes in the same
/// one; to add it first makes the deletion always possible.
///
/// This is nft's own language and not its JSON, because the JSON of nft 1.0 cannot say that a set is dynamic.
fn rules(plan: &Plan) -> String {
    let Plan {
        table, prefix, subnet, ..
    } = plan;
    let forbidden: Vec<String> = FORBIDDEN
        .iter()
        .map(|(first, length)| format!("{first}/{length}"))
        .collect();
    let forbidden = forbidden.join(", ");
    let doors: String = plan
        .nameservers
        .iter()
        .filter(|address| is_forbidden(**address))
        .flat_map(|address| ["udp", "tcp"].map(|protocol| (address, protocol)))
        .map(|(address, protocol)| {
            format!("iifname \"{prefix}*\" ip daddr {address} {protocol} dport {DNS} accept\n        ")
        })
        .collect();
    format!(
        r#"
add table inet {table}
delete table inet {table}
table inet {table} {{
    set connections {{
        type ipv4_addr
        size 65535
        flags dynamic
    }}
    # Before connections are tracked and addresses translated.
    chain arriving {{
        type filter hook prerouting priority raw; policy accept;
        iifname "{prefix}*" meta nfproto ipv6 drop
        # The way back to the sender's address must be the interface it came by.
        iifname "{prefix}*" fib saddr . iif oif missing drop
        iifname "{prefix}*" fib daddr type local drop
    }}
    chain host {{
        type filter hook input priority filter; policy accept;
        iifname "{prefix}*" drop
    }}
    chain passing {{
        type filter hook forward priority filter; policy accept;
        iifname "{prefix}*" oifname "{prefix}*" drop
        # What this host redirects was sent to this host.
        iifname "{prefix}*" ct status dnat drop
        iifname "{prefix}*" ct state invalid drop
        iifname "{prefix}*" ct state new add @connections {{ ip saddr ct count over {CONNECTIONS_MAX} }} drop
        {doors}iifname "{prefix}*" ip daddr {{ {forbidden} }} drop
        iifname "{prefix}*" ip daddr {subnet} drop
        iifname "{prefix}*" accept
        oifname "{prefix}*" ct state established,related accept
        oifname "{prefix}*" drop
    }}
    chain leaving {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {subnet} oifname != "{prefix}*" masquerade
    }}
}}
"#
    )
}

/// Whether the walls keep functions from an address.
pub(super) fn is_forbidden(address: Ipv4Addr) -> bool {
    FORBIDDEN
        .iter()
        .any(|(first, length)| Subnet::new(*first, *length).is_some_and(|block| block.contains(address)))
}

/// The table as nft tells it, without what changes by itself.
fn list(table: &str) -> Result<Vec<u8>, NetworkError> {
    nft(&["-t", "list", "table", "inet", table], "").map(|output| output.stdout)
}

fn run(commands: &str) -> Result<(), NetworkError> {
    nft(&["-f", "-"], commands).map(drop)
}

/// Runs nft. The kernel's own language of rules has no client that is kept as well.
fn nft(arguments: &[&str], input: &str) -> Result<Output, NetworkError> {
    // Services often run without the system folders in their path.
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let mut command = Command::new("nft");
    command
        .args(arguments)
        .env("PATH", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let run = || -> io::Result<Output> {
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // nft may end without reading all, and then says why.
            stdin.write_all(input.as_bytes()).ok();
        }
        child.wait_with_output()
    };
    match { run }() {
        Ok(output) if output.status.success() => Ok(output),
        Ok(output) => Err(NetworkError::NftRefuses {
            said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }),
        Err(source) => Err(NetworkError::NftMissing { source }),
    }
}

/// The number of the rules in force: any change by anybody counts it up.
fn generation() -> Result<u32, NetworkError> {
    read_generation().map_err(|source| NetworkError::Kernel {
        what: "ask for the generation of nftables rules",
        source,
    })
}

/// `NFT_MSG_GETGEN`, by hand: a header, the family, and an answer of one attribute.
fn read_generation() -> io::Result<u32> {
    const GET: u16 = 10 << 8 | 16;
    const NEW: u16 = 10 << 8 | 15;
    const HEADERS: usize = 16 + 4;
    const ID: u16 = 1;
    let mut socket = Socket::new(NETLINK_NETFILTER)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let mut request = Vec::with_capacity(HEADERS);
    request.extend((HEADERS as u32).to_ne_bytes());
    request.extend(GET.to_ne_bytes());
    // NLM_F_REQUEST; sequence number and port are of no use here; family, version and resource are zero.
    request.extend(1_u16.to_ne_bytes());
    request.extend([0; 12]);
    socket.send(&request, 0)?;
    let (answer, _) = socket.recv_from_full()?;
    let half = |at: usize| {
        answer
            .get(at..at + 2)
            .map(|bytes| u16::from_ne_bytes([bytes[0], bytes[1]]))
    };
    let mut at = HEADERS;
    while half(4) == Some(NEW) {
        let (Some(length), Some(kind)) = (half(at), half(at + 2)) else {
            break;
        };
        if let (ID, Some(Ok(bytes))) = (kind, answer.get(at + 4..at + 8).map(<[u8; 4]>::try_from)) {
            return Ok(u32::from_be_bytes(bytes));
        }
        at += usize::from(length.max(4)).next_multiple_of(4);
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "unexpected answer"))
}

#[cfg(test)]
mod tests {
    use super::{Plan, is_forbidden, rules};

    fn plan(nameserver: &str) -> Plan {
        Plan {
            table: "skiff-a".to_owned(),
            prefix: "sk000001-".to_owned(),
            subnet: "10.201.0.0/16".parse().expect("a subnet"),
            nameservers: vec![nameserver.parse().expect("an address")],
        }
    }

    #[test]
    fn only_a_forbidden_resolver_needs_a_door_and_it_is_one_for_questions() {
        for (nameserver, doors) in [("9.9.9.9", 0), ("169.254.169.254", 2)] {
            let rules = rules(&plan(nameserver));
            let found: Vec<_> = rules.lines().filter(|line| line.contains(nameserver)).collect();
            assert_eq!(found.len(), doors, "{found:?}");
            assert!(found.iter().all(|door| door.ends_with("dport 53 accept")), "{found:?}");
        }
    }

    #[test]
    fn places_that_tell_credentials_are_forbidden() {
        for (address, forbidden) in [
            ("169.254.169.254", true),
            ("100.100.100.200", true),
            ("169.254.0.23", true),
            ("192.168.1.1", false),
        ] {
            assert_eq!(
                is_forbidden(address.parse().expect("an address")),
                forbidden,
                "{address}"
            );
        }
    }
}
