//! One sandbox seen from the server: its pipes, its mounts, its end.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::CWD;
use rustix::mount::{OpenTreeFlags, open_tree};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Signal, pidfd_send_signal};
use tokio::net::unix::pipe;
use tokio::sync::watch;

use crate::cgroup::Cgroup;
use crate::mounter::Mounter;
use crate::snapshot::{self, KeepError};
use crate::sys;
use crate::zygote::{BirthError, Parts, Zygote};

/// How a sandbox's first process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code. The runtime's death by a signal counts as 128 and the signal's number.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl Exit {
    pub(crate) fn from_wait_status(status: i64) -> Self {
        let status = i32::try_from(status).unwrap_or(0);
        if libc::WIFSIGNALED(status) {
            Self::Signal(libc::WTERMSIG(status))
        } else {
            Self::Code(libc::WEXITSTATUS(status))
        }
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code @ 129..=192) => write!(f, "killed by signal {}", code - 128),
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "killed by signal {signal}"),
        }
    }
}

/// The server's ends of a sandbox's pipes.
#[derive(Debug)]
pub struct Pipes {
    /// Requests to the runtime.
    pub requests: pipe::Sender,
    /// Responses of the runtime.
    pub responses: pipe::Receiver,
    /// Its stdout and stderr, in one.
    pub output: pipe::Receiver,
}

impl Pipes {
    /// Both ends of each: ours, and theirs in the order an order names them.
    pub(crate) fn open() -> io::Result<(Self, [OwnedFd; 3])> {
        let (requests_read, requests) = pipe_with(PipeFlags::CLOEXEC)?;
        let (responses, responses_write) = pipe_with(PipeFlags::CLOEXEC)?;
        let (output, output_write) = pipe_with(PipeFlags::CLOEXEC)?;
        let ours = Self {
            requests: pipe::Sender::from_owned_fd(requests)?,
            responses: pipe::Receiver::from_owned_fd(responses)?,
            output: pipe::Receiver::from_owned_fd(output)?,
        };
        Ok((ours, [requests_read, responses_write, output_write]))
    }
}

/// A folder of the host that is to appear inside, read-only.
#[derive(Debug, Clone, Copy)]
pub struct Mount<'a> {
    /// Where it is on the host.
    pub source: &'a Path,
    /// Where it appears inside; an empty folder of the template.
    pub target: &'a str,
}

/// One sandbox. Dropping it kills what runs inside; [`Sandbox::bury`] also gives back what it was made of.
#[derive(Debug)]
pub struct Sandbox {
    id: u64,
    killer: Killer,
    exit: watch::Receiver<Option<Exit>>,
    parts: Option<Parts>,
    zygote: Arc<Zygote>,
}

impl Sandbox {
    pub(crate) fn new(
        id: u64,
        pidfd: OwnedFd,
        exit: watch::Receiver<Option<Exit>>,
        parts: Parts,
        zygote: Arc<Zygote>,
    ) -> Self {
        let killer = Killer {
            pidfd: Arc::new(pidfd),
            cgroup: Arc::clone(&parts.cgroup),
        };
        Self {
            id,
            killer,
            exit,
            parts: Some(parts),
            zygote,
        }
    }

    /// Its group.
    #[must_use]
    pub fn cgroup(&self) -> &Arc<Cgroup> {
        &self.killer.cgroup
    }

    /// What kills it, for those who do not hold it.
    #[must_use]
    pub fn killer(&self) -> Killer {
        self.killer.clone()
    }

    /// The process it is a child of. What was kept of one child others of the same alone can become.
    #[must_use]
    pub fn zygote(&self) -> &Arc<Zygote> {
        &self.zygote
    }

    /// Keeps what runs inside, which has said that it waits for that, in a folder made by [`crate::make_snapshot_folder`].
    /// Gives back how many bytes that took. Blocks.
    pub fn keep(&self, folder: &Path) -> Result<u64, KeepError> {
        let init = snapshot::process_of(self.killer.pidfd.as_raw_fd())?;
        snapshot::keep(self.zygote.pid(), init, folder)
    }

    /// Learns from what runs inside, which has just become what is kept in this folder, how others become it faster.
    /// Blocks.
    pub fn learn(&self, folder: &Path) -> Result<(), KeepError> {
        snapshot::learn(snapshot::process_of(self.killer.pidfd.as_raw_fd())?, folder)
    }

    /// Makes folders of the host appear inside. Call it once the runtime is ready: before, the sandbox has no mounts of
    /// its own.
    pub fn mount(&self, mounter: &Mounter, mounts: &[Mount<'_>]) -> io::Result<()> {
        let trees = mounts.iter().map(detach).collect::<io::Result<Vec<_>>>()?;
        mounter.attach(&*self.killer.pidfd, &trees)
    }

    /// True once its first process has ended, or its zygote, which takes it along.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.exit.borrow().is_some() || self.exit.has_changed().is_err()
    }

    /// Waits for the end of its first process, with which everything inside ends.
    ///
    /// # Cancel safety
    /// Safe: the end is remembered.
    pub async fn ended(&mut self) -> Exit {
        // Without a zygote there is nobody to tell, and nothing inside: it died with it.
        self.exit
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|exit| *exit)
            .unwrap_or(Exit::Signal(libc::SIGKILL))
    }

    /// Why it was never ready, where a wall could not be put up.
    #[must_use]
    pub fn failure(&self) -> Option<BirthError> {
        self.zygote.failure(self.id)
    }

    /// Kills everything inside. Also what is frozen, once it is thawed.
    pub fn kill(&self) {
        self.killer.kill();
    }

    /// Kills everything inside, waits for its end and hands back what the sandbox was made of.
    pub async fn bury(mut self) -> Option<Parts> {
        self.kill();
        self.ended().await;
        self.parts.take()
    }
}

/// Kills one sandbox.
#[derive(Debug, Clone)]
pub struct Killer {
    pidfd: Arc<OwnedFd>,
    cgroup: Arc<Cgroup>,
}

impl Killer {
    /// Kills everything inside.
    pub fn kill(&self) {
        // It may have ended by itself: then there is nothing to kill. A frozen process dies when it is thawed.
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        let _ = self.cgroup.thaw();
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if self.parts.is_some() {
            self.kill();
        }
    }
}

/// A detached, sealed copy of a folder's mount.
fn detach(mount: &Mount<'_>) -> io::Result<(OwnedFd, CString)> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let tree = open_tree(CWD, mount.source, flags)?;
    sys::mount::seal(&tree)?;
    Ok((tree, CString::new(mount.target)?))
}
