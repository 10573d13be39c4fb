//! Version 1: a tree per controller, and a group is a folder in each.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::OFlags;

use super::file::{self, ControlFile, Setting};
use super::host::{self, Hierarchy};
use super::{CgroupError, FUNCTIONS, Limits, MemoryUse, SERVER, SERVER_TO_FUNCTIONS, Usage, base_of, tree};

/// `cpu.shares` for a weight of 1 in version 2's numbers, where 100 is the default; here it is 1024.
const SHARES_DEFAULT: u64 = 1024;
const WEIGHT_DEFAULT: u64 = 100;
const SHARES_MIN: u64 = 2;
const SHARES_MAX: u64 = 262_144;
/// The kernel's period, in microseconds, and its least quota.
const PERIOD_US: u64 = 100_000;
const QUOTA_US_MIN: u64 = 1_000;

/// TCP may hold this part of a group's memory on top of it, and at least so much; its windows shrink at the limit.
const MEMORY_TO_SOCKETS: u64 = 4;
const SOCKETS_MIN: u64 = 16 << 20;

/// The groups of one server.
#[derive(Debug)]
pub(super) struct Parent {
    branches: Vec<Branch>,
}

/// What a server has in one tree.
#[derive(Debug)]
struct Branch {
    controllers: Vec<&'static str>,
    /// The group the server was found in.
    base: PathBuf,
    /// The server's own folder below it.
    home: PathBuf,
    /// The folder in that, of which every cell's is a child.
    functions: PathBuf,
}

impl Branch {
    fn has(&self, controller: &str) -> bool {
        self.controllers.contains(&controller)
    }
}

impl Parent {
    pub(super) fn open(hierarchies: &[Hierarchy], name: &str) -> Result<Self, CgroupError> {
        let mut branches = Vec::with_capacity(hierarchies.len());
        for hierarchy in hierarchies {
            let base = base_of(&hierarchy.own);
            let home = base.join(name);
            let functions = home.join(FUNCTIONS);
            for folder in [&home, &functions] {
                tree::make(folder).map_err(|source| CgroupError::SetUp {
                    path: folder.clone(),
                    source,
                })?;
            }
            if hierarchy.controllers.contains(&"pids") {
                let limit = functions.join("pids.max");
                let most = host::processes_of_all_cells(&base, &hierarchy.mount);
                file::write(&limit, &most.to_string()).map_err(|source| CgroupError::SetUp { path: limit, source })?;
            }
            branches.push(Branch {
                controllers: hierarchy.controllers.clone(),
                base,
                home,
                functions,
            });
        }
        let parent = Self { branches };
        // Old kernels ask for it; new ones have it always or not at all. Children of `functions` inherit both.
        let memory = &parent.branch("memory").functions;
        for (name, value) in [("memory.use_hierarchy", "1"), ("memory.swappiness", "0")] {
            if let Err(error) = file::write(&memory.join(name), value) {
                tracing::debug!(%error, name, "left as it is");
            }
        }
        Ok(parent)
    }

    /// Gives the server CPU before the functions. The other trees have no say in that.
    pub(super) fn favour_server(&self) -> io::Result<()> {
        let cpu = self.branch("cpu");
        let server = cpu.home.join(SERVER);
        tree::make(&server)?;
        file::write(
            &server.join("cpu.shares"),
            &(SHARES_DEFAULT * SERVER_TO_FUNCTIONS).to_string(),
        )?;
        // Outside, the server with all functions counts as a thread on each CPU would.
        let cpus = thread::available_parallelism().map_or(1, |cpus| cpus.get() as u64);
        let shares = (SHARES_DEFAULT * cpus).clamp(SHARES_MIN, SHARES_MAX);
        file::write(&cpu.home.join("cpu.shares"), &shares.to_string())?;
        file::write(&server.join("cgroup.procs"), "0")
    }

    pub(super) fn folders(&self, name: &str) -> Vec<PathBuf> {
        self.branches.iter().map(|branch| branch.functions.join(name)).collect()
    }

    pub(super) fn create(&self, folders: Vec<PathBuf>) -> io::Result<Group> {
        for folder in &folders {
            std::fs::create_dir(folder)?;
        }
        let folder_of = |controller: &str| {
            let mut both = self.branches.iter().zip(&folders);
            both.find(|(branch, _)| branch.has(controller))
                .map_or(Path::new(""), |(_, folder)| folder.as_path())
        };
        let (memory, cpu, pids) = (folder_of("memory"), folder_of("cpu"), folder_of("pids"));
        let read = |folder, name| ControlFile::open(folder, name, OFlags::RDONLY);
        // Here already, so that the kernel counts every socket from its first byte.
        let sockets = Setting::open_if_there(memory, "memory.kmem.tcp.limit_in_bytes")?;
        if let Some(sockets) = &sockets {
            sockets.set(SOCKETS_MIN)?;
        }
        Ok(Group {
            memory: Setting::open(memory, "memory.limit_in_bytes")?,
            memory_and_swap: Setting::open_if_there(memory, "memory.memsw.limit_in_bytes")?,
            sockets,
            memory_peak: ControlFile::open(memory, "memory.max_usage_in_bytes", OFlags::RDWR)?,
            oom: read(memory, "memory.oom_control")?,
            quota: Setting::open(cpu, "cpu.cfs_quota_us")?,
            shares: Setting::open(cpu, "cpu.shares")?,
            cpu_time: read(folder_of("cpuacct"), "cpuacct.usage")?,
            pids: Setting::open(pids, "pids.max")?,
            freezer: ControlFile::open(folder_of("freezer"), "freezer.state", OFlags::RDWR)?,
            folders,
        })
    }

    /// Lets go of the server; its groups are empty then.
    pub(super) fn release(&self) -> io::Result<()> {
        let cpu = self.branch("cpu");
        tree::move_processes(&cpu.home.join(SERVER), &cpu.base)
    }

    pub(super) fn homes(&self) -> Vec<PathBuf> {
        self.branches.iter().map(|branch| branch.home.clone()).collect()
    }

    /// `Host` offers every controller or none, so there is always one.
    fn branch(&self, controller: &str) -> &Branch {
        self.branches
            .iter()
            .find(|branch| branch.has(controller))
            .unwrap_or(&self.branches[0])
    }
}

/// The group of one cell.
#[derive(Debug)]
pub(super) struct Group {
    folders: Vec<PathBuf>,
    memory: Setting,
    memory_and_swap: Option<Setting>,
    /// What TCP holds in the kernel, which version 1 counts apart from memory.
    sockets: Option<Setting>,
    memory_peak: ControlFile,
    oom: ControlFile,
    quota: Setting,
    shares: Setting,
    cpu_time: ControlFile,
    pids: Setting,
    freezer: ControlFile,
}

impl Group {
    pub(super) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    pub(super) fn join_files(&self) -> io::Result<Vec<OwnedFd>> {
        let tasks = |folder: &PathBuf| ControlFile::open(folder, "tasks", OFlags::WRONLY).map(OwnedFd::from);
        self.folders.iter().map(tasks).collect()
    }

    pub(super) fn limit(&self, limits: &Limits) -> io::Result<()> {
        // Memory alone may never be allowed more than memory and swap together: the limit that gives way goes first.
        let both = self.memory_and_swap.as_ref();
        let raised = self.memory.last().is_some_and(|last| limits.memory_bytes > last);
        if let (true, Some(both)) = (raised, both) {
            both.set(limits.memory_bytes)?;
        }
        self.memory.set(limits.memory_bytes)?;
        if let (false, Some(both)) = (raised, both) {
            both.set(limits.memory_bytes)?;
        }
        if let Some(sockets) = &self.sockets {
            sockets.set((limits.memory_bytes / MEMORY_TO_SOCKETS).max(SOCKETS_MIN))?;
        }
        self.quota
            .set((u64::from(limits.cpu_millis) * PERIOD_US / 1000).max(QUOTA_US_MIN))?;
        self.shares
            .set((u64::from(limits.cpu_weight) * SHARES_DEFAULT / WEIGHT_DEFAULT).clamp(SHARES_MIN, SHARES_MAX))?;
        self.pids.set(u64::from(limits.pids))
    }

    pub(super) fn memory_use(&self) -> io::Result<MemoryUse> {
        Ok(MemoryUse {
            peak_bytes: self.memory_peak.read_number()?,
            oom_kills: self.oom.read_line("oom_kill")?,
        })
    }

    pub(super) fn cpu(&self) -> io::Result<Duration> {
        self.cpu_time.read_number().map(Duration::from_nanos)
    }

    pub(super) fn usage(&self) -> io::Result<Usage> {
        let memory = self.memory_use()?;
        Ok(Usage {
            memory_peak_bytes: memory.peak_bytes,
            oom_kills: memory.oom_kills,
            cpu: self.cpu()?,
        })
    }

    pub(super) fn restart_peak(&self) -> io::Result<()> {
        self.memory_peak.write("0")
    }

    pub(super) fn freeze(&self) -> io::Result<()> {
        self.freezer.write("FROZEN")
    }

    pub(super) fn thaw(&self) -> io::Result<()> {
        self.freezer.write("THAWED")
    }

    pub(super) fn is_frozen(&self) -> io::Result<bool> {
        self.freezer.read(|text| Some(text.trim() == "FROZEN"))
    }

    /// The killing sets `pids.max` behind the setting's back.
    pub(super) fn forget_pids(&self) {
        self.pids.forget();
    }

    /// A process on its way in is in some of the trees only.
    pub(super) fn processes(&self) -> io::Result<usize> {
        let counts = self
            .folders
            .iter()
            .map(|folder| tree::processes(folder).map(|all| all.len()));
        counts
            .collect::<io::Result<Vec<_>>>()
            .map(|counts| counts.into_iter().max().unwrap_or(0))
    }
}
