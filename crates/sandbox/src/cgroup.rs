//! Control groups: what a cell may use of the machine, and what it used. One type over versions 1 and 2.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

/// The groups of one server. Cheap to clone; the last clone dropped takes away everything it made.
#[derive(Debug, Clone)]
pub struct Cgroups {}

/// Why the groups of a server cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// The name would not do as a folder's name.
    #[error("server name {given:?}: use 1 to 32 of a-z, 0-9 and -")]
    InvalidName {
        /// What was given.
        given: String,
    },
    /// The kernel offers no such controller here, in either version.
    #[error("cgroup controllers missing: {}; memory, cpu and pids are needed to limit functions", controllers.join(", "))]
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
    /// CPU time per second, in thousandths of a core: 1000 is one core. At least 10.
    pub cpu_millis: u32,
    /// Share when CPUs are scarce, from 1 to 10000; the kernel's default is 100.
    pub cpu_weight: u32,
    /// Processes and threads.
    pub pids: u32,
}

/// What the processes of a group have used, all together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Most memory ever in use at one time.
    pub memory_peak_bytes: u64,
    /// Memory in use.
    pub memory_now_bytes: u64,
    /// Processes killed because the group was out of memory.
    pub oom_kills: u64,
    /// CPU time spent.
    pub cpu: Duration,
}

/// The group of one cell. Dropping it kills what runs in it and removes it, like [`Cgroup::remove`].
#[derive(Debug)]
pub struct Cgroup {
    join: Vec<OwnedFd>,
}

impl Cgroups {
    /// Makes the groups of the server called `server` below the calling process's own group, and removes what a
    /// killed predecessor of that name left, with its processes. No two running servers may have one name.
    ///
    /// # Errors
    /// When a controller is missing or a group cannot be written, which mostly means: not root.
    pub fn open(_server: &str) -> Result<Self, CgroupError> {
        Ok(Self {})
    }

    /// Gives the calling process and its future children more CPU than all functions together, when CPUs are scarce.
    /// Call it before starting the spawner.
    ///
    /// # Errors
    /// When the process cannot be moved into a group of its own.
    pub fn favour_server(&self) -> io::Result<()> {
        Ok(())
    }

    /// Makes an empty group without limits. Blocks for a fraction of a millisecond.
    ///
    /// # Errors
    /// When the kernel refuses a further group.
    pub fn create(&self) -> io::Result<Cgroup> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Cgroup {
    /// The files into which a process writes `0` to put itself into the group.
    pub fn join_files(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.join.iter().map(std::os::fd::AsFd::as_fd)
    }

    /// Sets limits. Limits that are as set before cost nothing.
    ///
    /// # Errors
    /// When the kernel refuses one, e.g. memory below what is in use and cannot be reclaimed.
    pub fn limit(&self, _limits: &Limits) -> io::Result<()> {
        Ok(())
    }

    /// What was used until now.
    pub fn usage(&self) -> Usage {
        Usage::default()
    }

    /// Stops all processes where they are.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn freeze(&self) -> io::Result<()> {
        Ok(())
    }

    /// Lets all processes go on.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn thaw(&self) -> io::Result<()> {
        Ok(())
    }

    /// Kills every process, also frozen ones and those that fork faster than they are counted.
    ///
    /// # Errors
    /// When some would not die within the bound.
    pub fn kill_all(&self) -> io::Result<()> {
        Ok(())
    }

    /// How many processes there are.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub fn processes(&self) -> io::Result<usize> {
        Ok(0)
    }

    /// Kills what is left and removes the group. Blocks, at most about a second. A group that would not go is kept in
    /// mind by [`Cgroups`] and tried again.
    ///
    /// # Errors
    /// When the group is still there.
    pub fn remove(self) -> io::Result<()> {
        Ok(())
    }
}
