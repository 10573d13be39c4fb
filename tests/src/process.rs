//! What runs on this host, read from /proc: who descends from a server, and what isolates them.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::FileExt;

/// How long things may take to be gone.
const SOON: std::time::Duration = std::time::Duration::from_secs(60);

/// The descendants of a process, without itself.
pub fn children(root: u32) -> BTreeSet<u32> {
    let mut by_parent: HashMap<u32, Vec<u32>> = HashMap::new();
    for pid in fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
    {
        if let Some(parent) = parent(pid) {
            by_parent.entry(parent).or_default().push(pid);
        }
    }
    let mut found = BTreeSet::new();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        for child in by_parent.get(&pid).into_iter().flatten() {
            if found.insert(*child) {
                open.push(*child);
            }
        }
    }
    found
}

/// True while the process is there and has not ended: a zombie is none.
pub fn exists(pid: u32) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| !matches!(state.as_str(), "Z" | "X"))
}

/// The processes with this text among their arguments, wherever on the host they run: how a test finds what it started
/// inside a sandbox.
pub fn with_argument(argument: &str) -> BTreeSet<u32> {
    let has_it = |pid: &u32| {
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        arguments
            .split(|byte| *byte == 0)
            .any(|have| have == argument.as_bytes())
    };
    fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(has_it)
        .collect()
}

fn parent(pid: u32) -> Option<u32> {
    state_and_parent(pid).map(|(_, parent)| parent)
}

/// From `/proc/PID/stat`; the name in it may hold spaces and brackets, so counting starts at the last bracket.
fn state_and_parent(pid: u32) -> Option<(String, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

/// A process in a sandbox, and what the host keeps for it.
#[derive(Debug, Clone)]
pub struct Sandboxed {
    /// Its process id on the host.
    pub pid: u32,
    /// The folders of its control groups.
    pub cgroups: Vec<String>,
    /// What tells these folders from later ones of the same names.
    inodes: Vec<u64>,
    /// The host's end of its virtual cable, by interface index.
    pub host_interface: Option<u32>,
}

/// The descendants of a server that live in a process namespace of their own.
pub fn sandboxed(server: u32) -> Vec<Sandboxed> {
    let own = fs::read_link("/proc/self/ns/pid").expect("own namespace");
    let inside = |pid: &u32| fs::read_link(format!("/proc/{pid}/ns/pid")).is_ok_and(|namespace| namespace != own);
    children(server)
        .into_iter()
        .filter(inside)
        .map(|pid| {
            let cgroups = cgroups(pid);
            let inodes = cgroups.iter().filter_map(|folder| inode(folder)).collect();
            Sandboxed {
                pid,
                cgroups,
                inodes,
                host_interface: host_interface(pid),
            }
        })
        .collect()
}

/// The runtime in a sandbox of this server whose package has this text in this file. There is one.
pub fn runtime_of(server: u32, file: &str, text: &str) -> u32 {
    let is_it = |pid: &u32| {
        let is_runtime = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder.ends_with("var/user"));
        is_runtime && fs::read_to_string(format!("/proc/{pid}/cwd/{file}")).is_ok_and(|content| content.contains(text))
    };
    let found: Vec<u32> = children(server).into_iter().filter(is_it).collect();
    assert_eq!(found.len(), 1, "runtimes with {text:?} in {file}: {found:?}");
    found[0]
}

/// How many pages of memory a process has that nobody shares and no file has: what it costs.
pub fn own_pages(pid: u32) -> usize {
    // Documentation/admin-guide/mm/pagemap.rst
    const PRESENT: u64 = 1 << 63;
    const OF_A_FILE: u64 = 1 << 61;
    const ITS_ALONE: u64 = 1 << 56;
    let pagemap = fs::File::open(format!("/proc/{pid}/pagemap")).expect("its pages");
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("its maps");
    let ranges = maps.lines().filter_map(|line| line.split_once(' ')?.0.split_once('-'));
    let address = |text: &str| u64::from_str_radix(text, 16).expect("an address") / 4096;
    let mut own = 0;
    for (from, to) in ranges.map(|(from, to)| (address(from), address(to))) {
        let mut entries = vec![0; usize::try_from(to - from).expect("a size") * 8];
        // Where nothing can be, nothing is read.
        let read = pagemap.read_at(&mut entries, from * 8).unwrap_or(0);
        let entries = entries[..read]
            .as_chunks()
            .0
            .iter()
            .map(|entry| u64::from_le_bytes(*entry));
        own += entries
            .filter(|entry| entry & (PRESENT | OF_A_FILE | ITS_ALONE) == PRESENT | ITS_ALONE)
            .count();
    }
    own
}

/// The host's interfaces, by index.
pub fn interfaces() -> BTreeSet<u32> {
    let index = |entry: fs::DirEntry| {
        fs::read_to_string(entry.path().join("ifindex"))
            .ok()?
            .trim()
            .parse()
            .ok()
    };
    fs::read_dir("/sys/class/net")
        .expect("/sys")
        .flatten()
        .filter_map(index)
        .collect()
}

impl Sandboxed {
    /// Waits until nothing of it is there any more.
    pub fn vanished(&self) {
        let started = std::time::Instant::now();
        while !self.left().is_empty() {
            assert!(
                started.elapsed() < SOON,
                "still there after {SOON:?}: {:?}",
                self.left()
            );
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// What is still there of it, in words; empty once nothing is.
    pub fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        left.extend(exists(self.pid).then(|| format!("process {}", self.pid)));
        let still = |folder: &&String| inode(folder).is_some_and(|inode| self.inodes.contains(&inode));
        let folders = self.cgroups.iter().filter(still);
        left.extend(folders.map(|folder| format!("control group {folder}")));
        let interface = self.host_interface.filter(|index| interfaces().contains(index));
        left.extend(interface.map(|index| format!("interface {index}")));
        left
    }
}

fn inode(path: &str) -> Option<u64> {
    fs::metadata(path)
        .ok()
        .map(|metadata| std::os::unix::fs::MetadataExt::ino(&metadata))
}

/// The folders of a process's control groups that are not the root, of version 1 and 2 alike.
pub fn cgroups(pid: u32) -> Vec<String> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let membership = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let mut folders = Vec::new();
    for line in membership.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        if path == "/" {
            continue;
        }
        for mount in mounts.lines() {
            let fields: Vec<&str> = mount.split(' ').collect();
            let [_, target, kind, options, ..] = fields.as_slice() else {
                continue;
            };
            let same = match (*kind, controllers) {
                ("cgroup2", "") => true,
                ("cgroup", _) if !controllers.is_empty() => controllers
                    .split(',')
                    .all(|controller| options.split(',').any(|option| option == controller)),
                _ => false,
            };
            if same {
                folders.push(format!("{target}{path}"));
            }
        }
    }
    folders
}

/// The interface index of the host's end of a sandbox's cable: a veth names its peer in `iflink`, which `ip` shows as
/// `eth0@if7`.
fn host_interface(pid: u32) -> Option<u32> {
    let shown = std::process::Command::new("nsenter")
        .args(["--target", &pid.to_string(), "--net", "ip", "-oneline", "link"])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    let line = text.lines().find(|line| line.contains("@if"))?;
    line.split_once("@if")?
        .1
        .chars()
        .take_while(char::is_ascii_digit)
        .collect::<String>()
        .parse()
        .ok()
}
