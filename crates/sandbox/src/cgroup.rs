//! Control groups: what a cell may use of the machine, and what it used. One type over versions 1 and 2.
//!
//! A server named `a` standing in group `G` has these groups, on version 1 in the tree of each controller:
//!
//! ```text
//! G/skiff-a/server       the server and its helpers, once favoured
//! G/skiff-a/functions/   all cells together
//! G/skiff-a/functions/7  one cell
//! ```

mod file;
mod host;
mod tree;
mod v1;
mod v2;

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::name::{self, InvalidServerName};
use host::{Hierarchy, Host};

/// Folders below a server's own.
const SERVER: &str = "server";
const FUNCTIONS: &str = "functions";
/// What the folder of a server's name begins with.
const PREFIX: &str = "skiff-";
/// When CPUs are scarce the server gets this many times what all functions get together. It needs little and seldom;
/// but a cold start that waits for a CPU is a slow one.
const SERVER_TO_FUNCTIONS: u64 = 10;
/// How long killing or removing one group may take. A process dies within milliseconds unless it waits for a device.
const REMOVAL_MAX: Duration = Duration::from_secs(1);
/// How long all that a server leaves may take.
const CLEARING_MAX: Duration = Duration::from_secs(10);

/// The groups of one server. Cheap to clone; the last of the clones and cells dropped takes away everything it made.
#[derive(Debug, Clone)]
pub struct Cgroups {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    parent: Parent,
    next: AtomicU64,
    /// Folders of cells that would not go.
    stuck: Mutex<Vec<Vec<PathBuf>>>,
}

#[derive(Debug)]
enum Parent {
    V1(v1::Parent),
    V2(v2::Parent),
}

/// Why the groups of a server cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// The name would not do as a folder's name.
    #[error(transparent)]
    InvalidName(#[from] InvalidServerName),
    /// The kernel offers no such controller here, in either version.
    #[error("functions cannot be limited here: cgroup controllers missing: {}", controllers.join(", "))]
    Missing {
        /// The controllers that are not there.
        controllers: Vec<&'static str>,
    },
    /// A group of the server cannot be set up.
    #[error("set up cgroup {}", path.display())]
    SetUp {
        /// The file or folder concerned.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

/// What the processes of a group may use, all together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory, in bytes, page cache and kernel memory included. There is no swap on top.
    pub memory_bytes: u64,
    /// CPU time per second, in thousandths of a core: 1000 is one core. Less than 10 counts as 10.
    pub cpu_millis: u32,
    /// Share when CPUs are scarce, from 1 to 10000; the kernel's default is 100.
    pub cpu_weight: u32,
    /// Processes and threads.
    pub pids: u32,
}

/// What the processes of a group have used, all together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Most memory in use at one time, since the beginning or [`Cgroup::restart_peak`].
    pub memory_peak_bytes: u64,
    /// Processes killed because the group was out of memory. The one thing to trust about that: exit codes lie.
    pub oom_kills: u64,
    /// CPU time spent.
    pub cpu: Duration,
}

/// What every call is told of its memory: the part of [`Usage`] that is read between a result and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryUse {
    /// As in [`Usage`].
    pub peak_bytes: u64,
    /// As in [`Usage`].
    pub oom_kills: u64,
}

/// The group of one cell. Dropping it is [`Cgroup::remove`] with nobody to hear of a failure.
#[derive(Debug)]
pub struct Cgroup {
    group: Group,
    shared: Arc<Shared>,
    removed: bool,
}

#[derive(Debug)]
enum Group {
    V1(v1::Group),
    V2(v2::Group),
}

impl Cgroups {
    /// Makes the groups of the server called `server` below the calling process's own group, and removes what a
    /// killed predecessor of that name left anywhere, with its processes. No two running servers may have one name.
    ///
    /// On version 2 the calling process may be moved into a group of its own, because a group that has children with
    /// limits can hold no process.
    ///
    /// # Errors
    /// When a controller is missing or a group cannot be written, which mostly means: not root.
    pub fn open(server: &str) -> Result<Self, CgroupError> {
        name::check(server)?;
        let name = format!("{PREFIX}{server}");
        let parent = match Host::look()? {
            Host::V1(hierarchies) => {
                clear_predecessor(&hierarchies, &name)?;
                Parent::V1(v1::Parent::open(&hierarchies, &name)?)
            }
            Host::V2(hierarchy) => {
                clear_predecessor(std::slice::from_ref(&hierarchy), &name)?;
                Parent::V2(v2::Parent::open(&hierarchy, &name)?)
            }
        };
        let shared = Shared {
            parent,
            next: AtomicU64::new(0),
            stuck: Mutex::new(Vec::new()),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The version of control groups in use: 1 or 2.
    #[must_use]
    pub fn version(&self) -> u8 {
        match self.shared.parent {
            Parent::V1(_) => 1,
            Parent::V2(_) => 2,
        }
    }

    /// Gives the calling process and its future children more CPU than all functions together, when CPUs are scarce.
    /// Call it before starting helpers. Blocks for some milliseconds.
    ///
    /// # Errors
    /// When the process cannot be moved into a group of its own.
    pub fn favour_server(&self) -> io::Result<()> {
        match &self.shared.parent {
            Parent::V1(parent) => parent.favour_server(),
            Parent::V2(parent) => parent.favour_server(),
        }
    }

    /// Makes an empty group without limits. Blocks for a fraction of a millisecond.
    ///
    /// # Errors
    /// When the kernel refuses a further group.
    pub fn create(&self) -> io::Result<Cgroup> {
        self.shared.retry_stuck();
        let number = self.shared.next.fetch_add(1, Ordering::Relaxed).to_string();
        let (folders, group) = match &self.shared.parent {
            Parent::V1(parent) => {
                let folders = parent.folders(&number);
                (folders.clone(), parent.create(folders).map(Group::V1))
            }
            Parent::V2(parent) => {
                let folders = parent.folders(&number);
                let folder = folders.iter().collect();
                (folders, parent.create(folder).map(Group::V2))
            }
        };
        match group {
            Ok(group) => Ok(Cgroup {
                group,
                shared: Arc::clone(&self.shared),
                removed: false,
            }),
            Err(error) => {
                // Half a group is none.
                self.shared.remove(&folders).ok();
                Err(error)
            }
        }
    }

    /// How many groups would not go yet. They are tried again with every [`Cgroups::create`] and at the end.
    #[must_use]
    pub fn stuck(&self) -> usize {
        self.shared.stuck.lock().len()
    }
}

impl Shared {
    fn remove(&self, folders: &[PathBuf]) -> io::Result<()> {
        tree::remove(folders, Instant::now() + REMOVAL_MAX).inspect_err(|error| {
            tracing::warn!(%error, folder = ?folders.first(), "a cgroup would not go; it will be tried again");
            self.stuck.lock().push(folders.to_vec());
        })
    }

    /// One try for each, without waiting.
    fn retry_stuck(&self) {
        // The lock is given back meanwhile: a removal under way must not wait for this one.
        let stuck = std::mem::take(&mut *self.stuck.lock());
        if stuck.is_empty() {
            return;
        }
        let still = stuck
            .into_iter()
            .filter(|folders| tree::remove(folders, Instant::now()).is_err());
        let still: Vec<_> = still.collect();
        self.stuck.lock().extend(still);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let homes = match &self.parent {
            Parent::V1(parent) => parent.homes(),
            Parent::V2(parent) => parent.homes(),
        };
        let functions: Vec<_> = homes.iter().map(|home| home.join(FUNCTIONS)).collect();
        let folders: Vec<_> = homes
            .iter()
            .flat_map(|home| [home.join(SERVER), home.clone()])
            .collect();
        let gone = tree::remove_all(&functions, Instant::now() + CLEARING_MAX).and_then(|()| {
            // Helpers that have just been told to end keep the server's group for a moment. Nothing is killed any
            // more: what is left in that group is the server.
            tree::retry(Instant::now() + REMOVAL_MAX, || {
                match &self.parent {
                    Parent::V1(parent) => parent.release()?,
                    Parent::V2(parent) => parent.release()?,
                }
                remove_empty(&folders)
            })
        });
        if let Err(error) = gone {
            tracing::warn!(%error, ?homes, "cgroups are left; the next start will remove them");
        }
    }
}

impl Cgroup {
    /// The files into which a process writes `0` to put itself into the group: all of them.
    ///
    /// They are opened for this: a group is joined once, and descriptors of all that could be would be half of those a
    /// server needs.
    ///
    /// # Errors
    /// When no descriptor is left, or somebody else removed the group.
    pub fn join_files(&self) -> io::Result<Vec<OwnedFd>> {
        match &self.group {
            Group::V1(group) => group.join_files(),
            Group::V2(group) => group.join_files(),
        }
    }

    /// Sets limits. Those that are as set before cost nothing.
    ///
    /// # Errors
    /// When the kernel refuses one, e.g. memory below what is in use and cannot be reclaimed.
    pub fn limit(&self, limits: &Limits) -> io::Result<()> {
        match &self.group {
            Group::V1(group) => group.limit(limits),
            Group::V2(group) => group.limit(limits),
        }
    }

    /// What was used until now. A few microseconds.
    pub fn usage(&self) -> Usage {
        let usage = match &self.group {
            Group::V1(group) => group.usage(),
            Group::V2(group) => group.usage(),
        };
        self.read_or_default(usage)
    }

    /// The processor part alone, in a third of the time.
    pub fn cpu(&self) -> Duration {
        self.read_or_default(match &self.group {
            Group::V1(group) => group.cpu(),
            Group::V2(group) => group.cpu(),
        })
    }

    /// The memory part alone, in half the time.
    pub fn memory_use(&self) -> MemoryUse {
        self.read_or_default(match &self.group {
            Group::V1(group) => group.memory_use(),
            Group::V2(group) => group.memory_use(),
        })
    }

    /// Reading the open files of a group that is ours cannot fail, unless somebody else removed it.
    fn read_or_default<T: Default>(&self, usage: io::Result<T>) -> T {
        usage.unwrap_or_else(|error| {
            tracing::error!(%error, folder = ?self.folders().first(), "the usage of a cgroup cannot be read");
            T::default()
        })
    }

    /// Makes [`Usage::memory_peak_bytes`] begin anew, where the kernel can: version 1, and version 2 since Linux 6.12.
    ///
    /// # Errors
    /// Where it cannot; the peak then stays that of the group's whole life.
    pub fn restart_peak(&self) -> io::Result<()> {
        match &self.group {
            Group::V1(group) => group.restart_peak(),
            Group::V2(group) => group.restart_peak(),
        }
    }

    /// Stops all processes where they are, within moments: see [`Cgroup::is_frozen`].
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn freeze(&self) -> io::Result<()> {
        match &self.group {
            Group::V1(group) => group.freeze(),
            Group::V2(group) => group.freeze(),
        }
    }

    /// Lets all processes go on.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn thaw(&self) -> io::Result<()> {
        match &self.group {
            Group::V1(group) => group.thaw(),
            Group::V2(group) => group.thaw(),
        }
    }

    /// Whether every process stands still.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn is_frozen(&self) -> io::Result<bool> {
        match &self.group {
            Group::V1(group) => group.is_frozen(),
            Group::V2(group) => group.is_frozen(),
        }
    }

    /// Kills every process, also frozen ones and those that fork faster than they are counted. Returns once they are
    /// dead. The group lets no process be forked until [`Cgroup::limit`] is called again.
    ///
    /// # Errors
    /// When some would not die within a second.
    pub fn kill_all(&self) -> io::Result<()> {
        let deadline = Instant::now() + REMOVAL_MAX;
        match &self.group {
            Group::V1(group) => {
                group.forget_pids();
                tree::kill(group.folders(), deadline)
            }
            Group::V2(group) => {
                if group.kill_at_once(deadline)? {
                    return Ok(());
                }
                group.forget_pids();
                tree::kill(group.folders(), deadline)
            }
        }
    }

    /// How many processes there are, threads not counted.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub fn processes(&self) -> io::Result<usize> {
        match &self.group {
            Group::V1(group) => group.processes(),
            Group::V2(group) => group.processes(),
        }
    }

    /// Kills what is left and removes the group. Blocks, a second at most. A group that would not go is kept in mind
    /// by [`Cgroups`] and tried again.
    ///
    /// # Errors
    /// When the group is still there.
    pub fn remove(mut self) -> io::Result<()> {
        self.removed = true;
        self.shared.remove(self.folders())
    }

    fn folders(&self) -> &[PathBuf] {
        match &self.group {
            Group::V1(group) => group.folders(),
            Group::V2(group) => group.folders(),
        }
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        if !self.removed {
            // `remove` says so itself and keeps the group in mind.
            self.shared.remove(self.folders()).ok();
        }
    }
}

/// The group below which a server's groups go: its own, or, for a process that was favoured before, the one above.
fn base_of(own: &Path) -> PathBuf {
    let home = own
        .parent()
        .filter(|_| own.file_name().is_some_and(|name| name == SERVER));
    let home = home.filter(|home| {
        home.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with(PREFIX))
    });
    home.and_then(Path::parent).unwrap_or(own).to_owned()
}

/// Kills and removes the cells of every server of this name that is no more. What is in its server's group is no
/// function: mostly a helper about to notice that its server is gone, perhaps the shell that started it.
fn clear_predecessor(hierarchies: &[Hierarchy], name: &str) -> Result<(), CgroupError> {
    let homes_in = |one: &Hierarchy| tree::named(&one.mount, name);
    let homes: Vec<Vec<PathBuf>> = hierarchies.iter().map(homes_in).collect();
    let functions: Vec<PathBuf> = homes.iter().flatten().map(|home| home.join(FUNCTIONS)).collect();
    if let Some(first) = functions.first() {
        tree::remove_all(&functions, Instant::now() + CLEARING_MAX).map_err(|source| CgroupError::SetUp {
            path: first.clone(),
            source,
        })?;
    }
    for (hierarchy, homes) in hierarchies.iter().zip(&homes) {
        for home in homes {
            let above = home.parent().unwrap_or(&hierarchy.mount);
            if above == base_of(&hierarchy.own) {
                // Ours again in a moment.
                continue;
            }
            let server = home.join(SERVER);
            let gone = tree::move_processes(&server, above).and_then(|()| remove_empty(&[server, home.clone()]));
            if let Err(error) = gone {
                tracing::warn!(%error, ?home, "a former server's cgroup would not go");
            }
        }
    }
    Ok(())
}

/// What this host offers.
pub(crate) struct Offer {
    /// 1 or 2.
    pub(crate) version: u8,
    /// Folders in which groups would be made.
    pub(crate) folders: Vec<PathBuf>,
    /// Whether swap can be limited.
    pub(crate) swap: bool,
    /// Whether the kernel remembers how much memory was in use at most.
    pub(crate) peak: bool,
}

/// Looks at what this host offers. Changes nothing.
pub(crate) fn offer() -> Result<Offer, CgroupError> {
    let (version, trees) = match Host::look()? {
        Host::V1(trees) => (1, trees),
        Host::V2(tree) => (2, vec![tree]),
    };
    let there = |name: &str| trees.iter().any(|tree| tree::has_file(&tree.mount, name));
    Ok(match version {
        1 => Offer {
            version,
            swap: there("memory.memsw.limit_in_bytes"),
            peak: true,
            folders: own(trees),
        },
        _ => Offer {
            version,
            swap: there("memory.swap.max"),
            peak: there("memory.peak"),
            folders: own(trees),
        },
    })
}

fn own(trees: Vec<Hierarchy>) -> Vec<PathBuf> {
    trees.into_iter().map(|tree| base_of(&tree.own)).collect()
}

/// Removes as many as it can.
fn remove_empty(folders: &[PathBuf]) -> io::Result<()> {
    let mut refused = Ok(());
    for folder in folders {
        match std::fs::remove_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => refused = Err(error),
            _ => {}
        }
    }
    refused
}

#[cfg(test)]
mod tests;
