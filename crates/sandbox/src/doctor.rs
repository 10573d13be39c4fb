//! What this host offers for sandboxes, what it lacks and how to get it.
//!
//! Everything is tried rather than guessed from version numbers, and nothing on the host is changed by it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, CWD};
use rustix::mount::{OpenTreeFlags, open_tree};
use rustix::process::PidfdFlags;
use rustix::thread::CapabilitySet;

use crate::network::{NetworkError, rehearsal};
use crate::{cgroup, sys};

/// How well a host does in one respect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// Works, with less than it should.
    Degraded,
    /// Not there.
    Missing,
    /// Not to be told without being root.
    Unknown,
}

/// One thing looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// How it is.
    pub status: Status,
    /// What was found.
    pub detail: String,
    /// What to do about it; empty when there is nothing to do.
    pub mend: String,
    /// Whether a server without it cannot run functions at all.
    pub fatal: bool,
}

/// How something is, before it is known what it is called.
struct Answer {
    status: Status,
    detail: String,
    mend: String,
}

impl Answer {
    fn ok(detail: impl Into<String>) -> Self {
        Self {
            status: Status::Ok,
            detail: detail.into(),
            mend: String::new(),
        }
    }

    fn degraded(detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            status: Status::Degraded,
            detail: detail.into(),
            mend: mend.into(),
        }
    }

    fn missing(detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            status: Status::Missing,
            detail: detail.into(),
            mend: mend.into(),
        }
    }

    fn unknown() -> Self {
        Self {
            status: Status::Unknown,
            detail: "not tried: only root can".to_owned(),
            mend: String::new(),
        }
    }

    fn of<E: std::fmt::Display>(result: Result<(), E>, mend: &str) -> Self {
        match result {
            Ok(()) => Self::ok("works"),
            Err(error) => Self::missing(error.to_string(), mend),
        }
    }
}

/// A thing to look at.
struct Check {
    what: &'static str,
    fatal: bool,
    /// Whether only root can try it. What somebody else is forbidden says nothing about the host.
    for_root: bool,
    look: fn() -> Answer,
}

const CHECKS: [Check; 15] = [
    Check {
        what: "root",
        fatal: true,
        for_root: false,
        look: root,
    },
    Check {
        what: "process descriptors",
        fatal: true,
        for_root: false,
        look: process_descriptors,
    },
    Check {
        what: "mounts by descriptor",
        fatal: true,
        for_root: true,
        look: mounts,
    },
    Check {
        what: "system call filter",
        fatal: true,
        for_root: false,
        look: system_call_filter,
    },
    Check {
        what: "namespaces",
        fatal: true,
        for_root: false,
        look: namespaces,
    },
    Check {
        what: "network namespaces",
        fatal: true,
        for_root: true,
        look: network_namespaces,
    },
    Check {
        what: "cgroups",
        fatal: true,
        for_root: true,
        look: cgroups,
    },
    Check {
        what: "swap limit",
        fatal: false,
        for_root: false,
        look: swap_limit,
    },
    Check {
        what: "memory peak",
        fatal: false,
        for_root: false,
        look: memory_peak,
    },
    Check {
        what: "virtual cables",
        fatal: false,
        for_root: true,
        look: virtual_cables,
    },
    Check {
        what: "nftables",
        fatal: false,
        for_root: true,
        look: nftables,
    },
    Check {
        what: "forwarding",
        fatal: false,
        for_root: true,
        look: forwarding,
    },
    Check {
        what: "name resolution",
        fatal: false,
        for_root: false,
        look: name_resolution,
    },
    Check {
        what: "interpreters",
        fatal: false,
        for_root: false,
        look: interpreters,
    },
    Check {
        what: "microvm",
        fatal: false,
        for_root: false,
        look: microvm,
    },
];

impl Check {
    fn run(&self, is_root: bool) -> Finding {
        let Answer { status, detail, mend } = if self.for_root && !is_root {
            Answer::unknown()
        } else {
            (self.look)()
        };
        Finding {
            what: self.what,
            status,
            detail,
            mend,
            fatal: self.fatal,
        }
    }
}

/// Looks at everything. Changes nothing.
#[must_use]
pub fn examine() -> Vec<Finding> {
    examine_as(is_root())
}

fn examine_as(is_root: bool) -> Vec<Finding> {
    CHECKS.iter().map(|check| check.run(is_root)).collect()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether functions can run at all: looks at what cannot be done without.
///
/// # Errors
/// The first thing that is missing.
pub fn require() -> Result<(), Finding> {
    let is_root = is_root();
    let mut findings = CHECKS
        .iter()
        .filter(|check| check.fatal)
        .map(|check| check.run(is_root));
    findings
        .find(|finding| finding.status == Status::Missing)
        .map_or(Ok(()), Err)
}

/// Where the interpreters are that functions can be run by, and the oldest: see the `runtimes` crate.
const INTERPRETERS: &str = "/usr/bin";
const PYTHON_MINOR_MIN: u32 = 8;
/// Capabilities the server and its helpers use.
const CAPABILITIES: [(CapabilitySet, &str); 7] = [
    (CapabilitySet::SYS_ADMIN, "SYS_ADMIN"),
    (CapabilitySet::NET_ADMIN, "NET_ADMIN"),
    (CapabilitySet::SETUID, "SETUID"),
    (CapabilitySet::SETGID, "SETGID"),
    (CapabilitySet::SETPCAP, "SETPCAP"),
    (CapabilitySet::CHOWN, "CHOWN"),
    (CapabilitySet::KILL, "KILL"),
];

fn root() -> Answer {
    if !is_root() {
        return Answer::missing("not root, as the server has to be", "run it with sudo");
    }
    match rustix::thread::capabilities(None) {
        Ok(sets) => {
            let lacking = CAPABILITIES.iter().filter(|(one, _)| !sets.effective.contains(*one));
            let lacking: Vec<_> = lacking.map(|(_, name)| *name).collect();
            if lacking.is_empty() {
                return Answer::ok("root, with every capability needed");
            }
            let detail = format!("root without the capabilities {}", lacking.join(", "));
            Answer::missing(detail, "in a container, start it privileged")
        }
        Err(error) => Answer::missing(error.to_string(), ""),
    }
}

fn process_descriptors() -> Answer {
    let own = rustix::process::getpid();
    let opened = rustix::process::pidfd_open(own, PidfdFlags::empty()).map(drop);
    Answer::of(opened, "use Linux 5.3 or newer")
}

fn mounts() -> Answer {
    // A tree of its own, attached nowhere.
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let sealed = open_tree(CWD, "/", flags)
        .map_err(io::Error::from)
        .and_then(sys::mount::seal);
    Answer::of(sealed, "use Linux 5.12 or newer; in a container, start it privileged")
}

fn system_call_filter() -> Answer {
    const ACTIONS: &str = "/proc/sys/kernel/seccomp/actions_avail";
    let mend = "use a kernel with CONFIG_SECCOMP_FILTER";
    match fs::read_to_string(ACTIONS) {
        Ok(actions) if actions.split_whitespace().any(|action| action == "errno") => Answer::ok("works"),
        Ok(actions) => Answer::missing(format!("only {}", actions.trim()), mend),
        Err(error) => Answer::missing(format!("{ACTIONS}: {error}"), mend),
    }
}

fn namespaces() -> Answer {
    const KINDS: [(&str, &str); 6] = [
        ("mnt", "max_mnt_namespaces"),
        ("pid", "max_pid_namespaces"),
        ("ipc", "max_ipc_namespaces"),
        ("uts", "max_uts_namespaces"),
        ("net", "max_net_namespaces"),
        ("cgroup", "max_cgroup_namespaces"),
    ];
    let lacking = KINDS
        .iter()
        .filter(|(kind, _)| !Path::new("/proc/self/ns").join(kind).exists());
    let lacking: Vec<_> = lacking.map(|(kind, _)| *kind).collect();
    if !lacking.is_empty() {
        let detail = format!("the kernel lacks {}", lacking.join(", "));
        return Answer::missing(detail, "use a kernel with CONFIG_NAMESPACES and all its kinds");
    }
    let none =
        |limit: &&str| fs::read_to_string(Path::new("/proc/sys/user").join(limit)).is_ok_and(|text| text.trim() == "0");
    let forbidden: Vec<_> = KINDS
        .iter()
        .map(|(_, limit)| *limit)
        .filter(|limit| none(limit))
        .collect();
    if forbidden.is_empty() {
        return Answer::ok("mnt, pid, ipc, uts, net, cgroup");
    }
    Answer::missing(
        format!("forbidden by user.{}", forbidden.join(", user.")),
        format!("sysctl -w user.{}=10000", forbidden.join("=10000 user.")),
    )
}

fn network_namespaces() -> Answer {
    Answer::of(
        rehearsal::namespace(),
        "use a kernel with CONFIG_NET_NS; in a container, start it privileged",
    )
}

fn cgroups() -> Answer {
    let offer = match cgroup::offer() {
        Ok(offer) => offer,
        Err(error) => {
            let mend = "mount -t cgroup2 none /sys/fs/cgroup, on a kernel whose memory controller is not disabled";
            return Answer::missing(error.to_string(), mend);
        }
    };
    let unwritable = |folder: &&PathBuf| rustix::fs::access(*folder, Access::WRITE_OK).is_err();
    match offer.folders.iter().find(unwritable) {
        None => Answer::ok(format!("version {}", offer.version)),
        Some(folder) => {
            let detail = format!("version {}, but {} cannot be written", offer.version, folder.display());
            Answer::missing(detail, "in a container, start it privileged")
        }
    }
}

fn swap_limit() -> Answer {
    // A heading, and a line for each area.
    let swap = fs::read_to_string("/proc/swaps").unwrap_or_default().lines().count() > 1;
    match (swap, cgroup::offer().is_ok_and(|offer| offer.swap)) {
        (_, true) => Answer::ok("works"),
        (false, false) => Answer::ok("not needed: this host does not swap"),
        (true, false) => Answer::degraded(
            "functions out of memory may swap instead of being stopped",
            "boot with swapaccount=1, or turn swap off with swapoff -a",
        ),
    }
}

fn memory_peak() -> Answer {
    if cgroup::offer().is_ok_and(|offer| offer.peak) {
        return Answer::ok("works");
    }
    Answer::degraded(
        "the memory reported of a call is what it used at its end",
        "use Linux 5.19 or newer",
    )
}

fn virtual_cables() -> Answer {
    Answer::of(
        rehearsal::cable(),
        "public functions need them: use a kernel with CONFIG_VETH, or modprobe veth",
    )
}

fn nftables() -> Answer {
    match rehearsal::walls() {
        Ok(()) => Answer::ok("works"),
        Err(error @ NetworkError::NftMissing { .. }) => Answer::missing(
            error.to_string(),
            "apt-get install nftables; until then functions can be private or none",
        ),
        Err(error) => Answer::missing(
            error.to_string(),
            "use a kernel with these modules; in a container, start it privileged; \
             until then functions can be private or none",
        ),
    }
}

fn forwarding() -> Answer {
    const SWITCH: &str = "/proc/sys/net/ipv4/ip_forward";
    if let Err(error) = rustix::fs::access(SWITCH, Access::WRITE_OK) {
        let mend = "public functions need it; in a container, start it privileged";
        return Answer::missing(format!("net.ipv4.ip_forward cannot be set: {error}"), mend);
    }
    // Without nft there is no telling, which is said above.
    let strangers = rehearsal::strangers().unwrap_or_default();
    if strangers.is_empty() {
        let on = fs::read_to_string(SWITCH).is_ok_and(|text| text.trim() != "0");
        return Answer::ok(if on {
            "on"
        } else {
            "off; turned on when the server starts"
        });
    }
    let chain = if strangers.iter().any(|chain| chain == "ip filter FORWARD") {
        "iptables -I FORWARD -i 'sk+' -j ACCEPT; \
         iptables -I FORWARD -o 'sk+' -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
    } else {
        "let that firewall pass what comes from interfaces named sk*, and the answers"
    };
    Answer::degraded(format!("dropped by another firewall: {}", strangers.join(", ")), chain)
}

fn name_resolution() -> Answer {
    match rehearsal::nameservers() {
        Ok(found) if found.is_empty() => Answer::degraded(
            "no resolver that public functions can reach: those of this host are its own",
            "name an IPv4 resolver elsewhere in /etc/resolv.conf or in the settings",
        ),
        Ok(found) => Answer::ok(found.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        Err(error) => Answer::missing(error.to_string(), ""),
    }
}

fn interpreters() -> Answer {
    // `python3.11`, but not `python3`, which is a name for one of them, nor `python3.11-config`; and where functions
    // see them, which is not in /usr/local.
    let is_one = |name: &str| {
        let minor = name
            .strip_prefix("python3.")
            .and_then(|minor| minor.parse::<u32>().ok());
        minor.is_some_and(|minor| minor >= PYTHON_MINOR_MIN)
    };
    let entries = fs::read_dir(INTERPRETERS).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    found.retain(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_one));
    found.sort();
    if found.is_empty() {
        return Answer::missing(
            format!("no Python 3.{PYTHON_MINOR_MIN} or newer in {INTERPRETERS}"),
            "apt-get install python3",
        );
    }
    Answer::ok(
        found
            .iter()
            .map(|path| path.display().to_string())
            .collect::<Vec<_>>()
            .join(", "),
    )
}

fn microvm() -> Answer {
    let kvm = if Path::new("/dev/kvm").exists() {
        "KVM is there"
    } else {
        "there is no KVM"
    };
    Answer::ok(format!("not needed: functions are isolated as processes ({kvm})"))
}

#[cfg(test)]
mod tests {
    use super::{Status, examine, examine_as, require};

    #[test]
    fn a_host_that_runs_these_tests_has_what_cannot_be_done_without() {
        assert_eq!(require(), Ok(()));
    }

    #[test]
    fn what_only_root_can_try_is_not_called_missing_to_somebody_else() {
        let findings = examine_as(false);
        let unknown = findings.iter().filter(|finding| finding.status == Status::Unknown);
        assert_eq!(
            unknown.map(|finding| finding.what).collect::<Vec<_>>(),
            [
                "mounts by descriptor",
                "network namespaces",
                "cgroups",
                "virtual cables",
                "nftables",
                "forwarding"
            ]
        );
    }

    #[test]
    fn what_is_not_as_it_should_be_comes_with_a_reason() {
        let findings = examine();
        for finding in &findings {
            println!(
                "{:?} {}: {}; {}",
                finding.status, finding.what, finding.detail, finding.mend
            );
            assert!(!finding.detail.is_empty(), "{finding:?}");
            assert!(finding.status != Status::Ok || finding.mend.is_empty(), "{finding:?}");
        }
        let mut names: Vec<_> = findings.iter().map(|finding| finding.what).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), findings.len());
    }
}
