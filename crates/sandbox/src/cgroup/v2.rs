//! Version 2: one tree, and a group is one folder.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;

use super::file::{self, ControlFile, Setting};
use super::host::{self, CONTROLLERS_V2, Hierarchy};
use super::{CgroupError, FUNCTIONS, Limits, MemoryUse, SERVER, SERVER_TO_FUNCTIONS, Usage, base_of, tree};

const WEIGHT_DEFAULT: u64 = 100;
const WEIGHT_MAX: u64 = 10_000;
/// The kernel's period, in microseconds, and its least quota.
const PERIOD_US: u64 = 100_000;
const QUOTA_US_MIN: u64 = 1_000;

/// The groups of one server.
#[derive(Debug)]
pub(super) struct Parent {
    base: PathBuf,
    /// Where the server was before.
    origin: PathBuf,
    home: PathBuf,
    functions: PathBuf,
    /// Controllers given to the children of `base` that were not given before; taken back at the end.
    enabled: Vec<&'static str>,
    /// Whether `base` had to be emptied, so that what was in it goes back at the end.
    emptied: bool,
}

impl Parent {
    pub(super) fn open(hierarchy: &Hierarchy, name: &str) -> Result<Self, CgroupError> {
        let base = choose_base(hierarchy);
        let home = base.join(name);
        let (functions, server) = (home.join(FUNCTIONS), home.join(SERVER));
        let succeeded = home.exists();
        for folder in [&home, &functions, &server] {
            set_up(folder, tree::make(folder))?;
        }
        // A group that hands controllers to its children may hold no process itself, the very root excepted.
        let emptied = !is_root(&base);
        if emptied {
            set_up(&base, tree::move_processes(&base, &server))?;
        }
        let origin = if emptied { base.clone() } else { hierarchy.own.clone() };
        let mut enabled = set_up(&base, enable(&base))?;
        if succeeded {
            // A killed predecessor did it, and never took it back.
            enabled = CONTROLLERS_V2.to_vec();
        }
        set_up(&home, enable(&home))?;
        set_up(&functions, enable(&functions))?;
        let most = host::processes_of_all_cells(&base, &hierarchy.mount);
        let limit = functions.join("pids.max");
        set_up(&limit, file::write(&limit, &most.to_string()))?;
        Ok(Self {
            base,
            origin,
            home,
            functions,
            enabled,
            emptied,
        })
    }

    /// Gives the server CPU before the functions.
    pub(super) fn favour_server(&self) -> io::Result<()> {
        let server = self.home.join(SERVER);
        file::write(
            &server.join("cpu.weight"),
            &(WEIGHT_DEFAULT * SERVER_TO_FUNCTIONS).to_string(),
        )?;
        // Outside, the server with all functions counts as a thread on each CPU would.
        let cpus = thread::available_parallelism().map_or(1, |cpus| cpus.get() as u64);
        file::write(
            &self.home.join("cpu.weight"),
            &(WEIGHT_DEFAULT * cpus).min(WEIGHT_MAX).to_string(),
        )?;
        file::write(&server.join("cgroup.procs"), "0")
    }

    pub(super) fn folders(&self, name: &str) -> Vec<PathBuf> {
        vec![self.functions.join(name)]
    }

    pub(super) fn create(&self, folder: PathBuf) -> io::Result<Group> {
        fs::create_dir(&folder)?;
        // Every death of a cell's process is the death of the cell.
        file::write(&folder.join("memory.oom.group"), "1")?;
        if let Some(swap) = Setting::open_if_there(&folder, "memory.swap.max")? {
            swap.set(0)?;
        }
        let read = |name| ControlFile::open(&folder, name, OFlags::RDONLY);
        // Since Linux 5.19; written to since 6.12.
        let memory_peak = match ControlFile::open_if_there(&folder, "memory.peak", OFlags::RDWR)? {
            Some(peak) => Memory::Peak(peak),
            None => Memory::Now(read("memory.current")?),
        };
        Ok(Group {
            memory: Setting::open(&folder, "memory.max")?,
            memory_peak,
            memory_events: read("memory.events")?,
            quota: Setting::open(&folder, "cpu.max")?,
            weight: Setting::open(&folder, "cpu.weight")?,
            cpu_stat: read("cpu.stat")?,
            pids: Setting::open(&folder, "pids.max")?,
            freezer: ControlFile::open(&folder, "cgroup.freeze", OFlags::WRONLY)?,
            // Since Linux 5.14.
            kill: ControlFile::open_if_there(&folder, "cgroup.kill", OFlags::WRONLY)?,
            events: read("cgroup.events")?,
            folders: vec![folder],
        })
    }

    /// Lets go of the server; its groups are empty then.
    pub(super) fn release(&self) -> io::Result<()> {
        // The root keeps its controllers: others may use them by now. Any other group must give them up before it can
        // hold a process again.
        if self.emptied {
            disable(&self.home, &CONTROLLERS_V2)?;
            disable(&self.base, &self.enabled)?;
        }
        tree::move_processes(&self.home.join(SERVER), &self.origin)
    }

    pub(super) fn homes(&self) -> Vec<PathBuf> {
        vec![self.home.clone()]
    }
}

/// Where a server may have groups: in its own group when it is alone there, as a service is; else at the top, as
/// container engines do it, because the processes beside it belong to somebody who may not want them moved.
fn choose_base(hierarchy: &Hierarchy) -> PathBuf {
    let own = base_of(&hierarchy.own);
    let myself = rustix::process::getpid();
    let alone = tree::processes(&own).is_ok_and(|all| all.iter().all(|pid| *pid == myself));
    let offered = fs::read_to_string(own.join("cgroup.controllers")).unwrap_or_default();
    let complete = CONTROLLERS_V2
        .iter()
        .all(|wanted| offered.split_whitespace().any(|one| one == *wanted));
    if alone && complete {
        own
    } else {
        hierarchy.mount.clone()
    }
}

/// The root of all groups, and only it, has no type. The top of a container's part of the tree has one.
fn is_root(folder: &Path) -> bool {
    !folder.join("cgroup.type").exists()
}

/// Hands the controllers to the children of a group; tells which they did not have before.
fn enable(folder: &Path) -> io::Result<Vec<&'static str>> {
    let control = folder.join("cgroup.subtree_control");
    let before = fs::read_to_string(&control)?;
    let new = |wanted: &&&'static str| !before.split_whitespace().any(|one| one == **wanted);
    let new: Vec<&'static str> = CONTROLLERS_V2.iter().filter(new).copied().collect();
    for controller in &new {
        file::write(&control, &format!("+{controller}"))?;
    }
    Ok(new)
}

fn disable(folder: &Path, controllers: &[&str]) -> io::Result<()> {
    let control = folder.join("cgroup.subtree_control");
    for controller in controllers {
        match file::write(&control, &format!("-{controller}")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn set_up<T>(path: &Path, result: io::Result<T>) -> Result<T, CgroupError> {
    result.map_err(|source| CgroupError::SetUp {
        path: path.to_owned(),
        source,
    })
}

/// What a group has used of memory.
#[derive(Debug)]
enum Memory {
    /// At most.
    Peak(ControlFile),
    /// Now: all that a kernel without a peak tells.
    Now(ControlFile),
}

/// The group of one cell.
#[derive(Debug)]
pub(super) struct Group {
    folders: Vec<PathBuf>,
    memory: Setting,
    memory_peak: Memory,
    memory_events: ControlFile,
    quota: Setting,
    weight: Setting,
    cpu_stat: ControlFile,
    pids: Setting,
    freezer: ControlFile,
    kill: Option<ControlFile>,
    events: ControlFile,
}

impl Group {
    pub(super) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    pub(super) fn join_files(&self) -> io::Result<Vec<OwnedFd>> {
        let processes = |folder: &PathBuf| ControlFile::open(folder, "cgroup.procs", OFlags::WRONLY).map(OwnedFd::from);
        self.folders.iter().map(processes).collect()
    }

    pub(super) fn limit(&self, limits: &Limits) -> io::Result<()> {
        self.memory.set(limits.memory_bytes)?;
        // One number alone is the quota; the period stays as it is.
        self.quota
            .set((u64::from(limits.cpu_millis) * PERIOD_US / 1000).max(QUOTA_US_MIN))?;
        self.weight.set(u64::from(limits.cpu_weight).clamp(1, WEIGHT_MAX))?;
        self.pids.set(u64::from(limits.pids))
    }

    pub(super) fn memory_use(&self) -> io::Result<MemoryUse> {
        let (Memory::Peak(bytes) | Memory::Now(bytes)) = &self.memory_peak;
        Ok(MemoryUse {
            peak_bytes: bytes.read_number()?,
            oom_kills: self.memory_events.read_line("oom_kill")?,
        })
    }

    pub(super) fn cpu(&self) -> io::Result<Duration> {
        self.cpu_stat.read_line("usage_usec").map(Duration::from_micros)
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
        match &self.memory_peak {
            Memory::Peak(peak) => peak.write("0"),
            Memory::Now(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    pub(super) fn freeze(&self) -> io::Result<()> {
        self.freezer.write("1")
    }

    pub(super) fn thaw(&self) -> io::Result<()> {
        self.freezer.write("0")
    }

    pub(super) fn is_frozen(&self) -> io::Result<bool> {
        self.events.read_line("frozen").map(|frozen| frozen == 1)
    }

    /// Kills all at once where the kernel can. False where it cannot.
    pub(super) fn kill_at_once(&self, deadline: Instant) -> io::Result<bool> {
        let Some(kill) = &self.kill else { return Ok(false) };
        kill.write("1")?;
        while self.events.read_line("populated")? == 1 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "processes would not die"));
            }
            // The kernel marks the file when it changes; the bound is for a change between the read and the poll.
            let pause = Timespec {
                tv_sec: 0,
                tv_nsec: i64::from(left.min(Duration::from_millis(20)).subsec_nanos()),
            };
            let mut watched = [PollFd::new(&self.events, PollFlags::PRI)];
            rustix::io::retry_on_intr(|| rustix::event::poll(&mut watched, Some(&pause)))?;
        }
        Ok(true)
    }

    pub(super) fn forget_pids(&self) {
        self.pids.forget();
    }

    pub(super) fn processes(&self) -> io::Result<usize> {
        tree::processes(&self.folders[0]).map(|all| all.len())
    }
}
