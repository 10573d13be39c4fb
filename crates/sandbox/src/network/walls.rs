//! What keeps public functions from the host, from each other and from lying about who they are: one nftables table.
//!
//! A drop is final wherever it is said, an accept only ends our own chain: other tables may still refuse.

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::process::{Command, Output, Stdio};

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::NetworkError;
use super::subnet::Subnet;

/// Connections one cell may have at a time. The kernel tracks some ten thousands for the whole machine, and a cell
/// without this limit could use them up for everybody. Browsers make do with 256.
const CONNECTIONS_MAX: u32 = 1024;
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

/// How the walls looked when they were last looked at.
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
        let generation = generation()?;
        if generation == seen.generation {
            return Ok(false);
        }
        // Somebody changed something, mostly something else.
        if list(&self.plan.table).is_ok_and(|listing| listing == seen.listing) {
            seen.generation = generation;
            return Ok(false);
        }
        *seen = put_up(&self.plan)?;
        Ok(true)
    }
}

fn put_up(plan: &Plan) -> Result<Seen, NetworkError> {
    run(&rules(plan))?;
    // A change between the two is seen as one later, which costs a look.
    let generation = generation()?;
    Ok(Seen {
        generation,
        listing: list(&plan.table)?,
    })
}

/// Takes a table down; one that is not there counts as taken down.
pub(super) fn take_down(table: &str) -> Result<(), NetworkError> {
    let table = json!({ "family": "inet", "name": table });
    run(&json!({ "nftables": [{ "add": { "table": table } }, { "delete": { "table": table } }] }))
}

/// The chains that drop what no rule of theirs accepts, on the way between other machines: they stop public
/// functions, and only their owner can tell them to let functions through.
pub(super) fn strangers_dropping_forwarded() -> Result<Vec<String>, NetworkError> {
    let output = nft(&["-j", "list", "chains"], &Value::Null)?;
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

/// Everything in one transaction: at no moment do the walls stand in part.
fn rules(plan: &Plan) -> Value {
    let table = json!({ "family": "inet", "name": plan.table });
    let set = json!({
        "family": "inet", "table": plan.table, "name": "connections",
        "type": "ipv4_addr", "size": 65535, "flags": ["dynamic"],
    });
    let chain = |name: &str, kind: &str, hook: &str, priority: i32| {
        json!({ "add": { "chain": {
            "family": "inet", "table": plan.table, "name": name,
            "type": kind, "hook": hook, "prio": priority, "policy": "accept",
        }}})
    };
    let rule = |chain: &str, expressions: &[&Value]| json!({ "add": { "rule": { "family": "inet", "table": plan.table, "chain": chain, "expr": expressions }}});
    let meta = |op: &str, key: &str, value: &str| matches(op, &json!({ "meta": { "key": key } }), &json!(value));
    let ours = format!("{}*", plan.prefix);
    let (from_cell, to_cell) = (&meta("==", "iifname", &ours), &meta("==", "oifname", &ours));
    let (accept, drop) = (&json!({ "accept": null }), &json!({ "drop": null }));
    let subnet = json!({ "prefix": { "addr": plan.subnet.address(), "len": plan.subnet.prefix() } });
    let from = json!({ "payload": { "protocol": "ip", "field": "saddr" } });
    let to = json!({ "payload": { "protocol": "ip", "field": "daddr" } });
    let connection = |key: &str, values: Value| matches("in", &json!({ "ct": { "key": key } }), &values);
    let fib = |result: &str, flags: &[&str], value: Value| {
        matches("==", &json!({ "fib": { "result": result, "flags": flags } }), &value)
    };

    let mut objects = vec![
        // What a predecessor left goes in the same transaction. To add it first makes the deletion always possible.
        json!({ "add": { "table": table } }),
        json!({ "delete": { "table": table } }),
        json!({ "add": { "table": table } }),
        json!({ "add": { "set": set } }),
        // Before connections are tracked and translated.
        chain("arriving", "filter", "prerouting", -300),
        rule("arriving", &[from_cell, &meta("==", "nfproto", "ipv6"), drop]),
        // The way back to the sender's address must be the interface it came by.
        rule(
            "arriving",
            &[from_cell, &fib("oif", &["saddr", "iif"], json!(false)), drop],
        ),
        rule("arriving", &[from_cell, &fib("type", &["daddr"], json!("local")), drop]),
        chain("host", "filter", "input", 0),
        rule("host", &[from_cell, drop]),
        chain("passing", "filter", "forward", 0),
        rule("passing", &[from_cell, to_cell, drop]),
        // Somebody redirects what is sent to this host or its services.
        rule("passing", &[from_cell, &connection("status", json!("dnat")), drop]),
        rule("passing", &[from_cell, &connection("state", json!("invalid")), drop]),
        rule(
            "passing",
            &[
                from_cell,
                &connection("state", json!("new")),
                &json!({ "set": {
                    "op": "add", "elem": from, "set": "@connections",
                    "stmt": [{ "ct count": { "val": CONNECTIONS_MAX, "inv": true } }],
                }}),
                drop,
            ],
        ),
    ];
    for nameserver in plan.nameservers.iter().filter(|address| is_forbidden(**address)) {
        for protocol in ["udp", "tcp"] {
            let port = json!({ "payload": { "protocol": protocol, "field": "dport" } });
            let asks = [
                from_cell,
                &matches("==", &to, &json!(nameserver)),
                &matches("==", &port, &json!(DNS)),
                accept,
            ];
            objects.push(rule("passing", &asks));
        }
    }
    let mut forbidden: Vec<Value> = FORBIDDEN
        .iter()
        .map(|(address, length)| json!({ "prefix": { "addr": address, "len": length } }))
        .collect();
    forbidden.push(subnet.clone());
    objects.extend([
        rule(
            "passing",
            &[from_cell, &matches("==", &to, &json!({ "set": forbidden })), drop],
        ),
        rule("passing", &[from_cell, accept]),
        rule(
            "passing",
            &[to_cell, &connection("state", json!(["established", "related"])), accept],
        ),
        rule("passing", &[to_cell, drop]),
        chain("leaving", "nat", "postrouting", 100),
        rule(
            "leaving",
            &[
                &matches("==", &from, &subnet),
                &meta("!=", "oifname", &ours),
                &json!({ "masquerade": null }),
            ],
        ),
    ]);
    json!({ "nftables": objects })
}

fn matches(op: &str, left: &Value, right: &Value) -> Value {
    json!({ "match": { "op": op, "left": left, "right": right } })
}

/// Whether the walls keep functions from an address.
pub(super) fn is_forbidden(address: Ipv4Addr) -> bool {
    FORBIDDEN
        .iter()
        .any(|(first, length)| Subnet::new(*first, *length).is_some_and(|block| block.contains(address)))
}

/// The table as nft tells it, without what changes by itself.
fn list(table: &str) -> Result<Vec<u8>, NetworkError> {
    nft(&["-j", "-t", "list", "table", "inet", table], &Value::Null).map(|output| output.stdout)
}

fn run(commands: &Value) -> Result<(), NetworkError> {
    nft(&["-j", "-f", "-"], commands).map(drop)
}

/// Runs nft. Its language of objects has no other client that is kept as well.
fn nft(arguments: &[&str], input: &Value) -> Result<Output, NetworkError> {
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
            stdin.write_all(input.to_string().as_bytes()).ok();
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
            table: "skiff_a".to_owned(),
            prefix: "sk000001-".to_owned(),
            subnet: "10.201.0.0/16".parse().expect("a subnet"),
            nameservers: vec![nameserver.parse().expect("an address")],
        }
    }

    #[test]
    fn only_a_forbidden_resolver_needs_a_door_and_it_is_one_for_questions() {
        for (nameserver, doors) in [("9.9.9.9", 0), ("169.254.169.254", 2)] {
            let rules = rules(&plan(nameserver));
            let objects = rules["nftables"].as_array().expect("a list").clone();
            let named = |object: &&serde_json::Value| object.to_string().contains(nameserver);
            let found: Vec<_> = objects.iter().filter(named).collect();
            assert_eq!(found.len(), doors, "{found:?}");
            assert!(
                found.iter().all(|door| door.to_string().contains("\"dport\"")),
                "{found:?}"
            );
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
