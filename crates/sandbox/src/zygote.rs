//! The server's hand on one zygote process: boots it, orders sandboxes from it, hears of their ends.
//!
//! The server itself never forks: a zygote is spawned without copying the server's memory, and copies only itself.

mod words;

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::fs::MemfdFlags;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use tokio::io::unix::AsyncFd;
use tokio::sync::{oneshot, watch};

use crate::cell::abi::{FILTER_MAX, HOSTNAME_MAX, Notice, Order, Step, kind};
use crate::cgroup::Cgroup;
use crate::network::Network;
use crate::sandbox::{Exit, Pipes, Sandbox};
use crate::seccomp;
use crate::template::Template;
use crate::zygote_main::Plan;
use words::Words;

/// How long a zygote may take to boot: it imports a standard library, perhaps from a cold disk.
const BOOT_MAX: Duration = Duration::from_secs(60);

/// How long it may take to tell of a birth: some milliseconds, on a machine that has much else to do.
const BIRTH_MAX: Duration = Duration::from_secs(20);

/// How long the words of one that has ended may take to be read.
const LAST_WORDS_MAX: Duration = Duration::from_secs(1);

/// What a zygote process is started with.
#[derive(Debug, Clone)]
pub struct ZygoteConfig {
    /// The program that calls [`crate::zygote_main`], and its arguments: the server's own binary.
    pub command: Vec<OsString>,
    /// An empty folder of the host; the root is built over it, seen by the zygote alone.
    pub staging: PathBuf,
    /// The first user id of sandboxes. They must belong to nobody else on the host.
    pub uid_first: u32,
    /// How many user ids there are: the most sandboxes alive at once.
    pub uid_count: u32,
}

/// Why a zygote did not boot.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The process could not be started or spoken to.
    #[error("start the zygote process")]
    Start(#[source] io::Error),
    /// It ended instead of taking orders, with these last words.
    #[error("the zygote ended while booting: {0}")]
    Ended(String),
    /// It took too long.
    #[error("the zygote did not boot within {} s", BOOT_MAX.as_secs())]
    TooSlow,
}

/// Why there is no sandbox.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BirthError {
    /// A wall could not be put up; nothing runs.
    #[error("could not {step}: {source}", source = io::Error::from_raw_os_error(*.errno))]
    Wall {
        /// What could not be done.
        step: &'static str,
        /// The kernel's error number.
        errno: i32,
    },
    /// The zygote is gone.
    #[error("the zygote of this runtime ended")]
    ZygoteGone,
    /// The zygote does not answer.
    #[error("the zygote of this runtime told of no birth within {} s", BIRTH_MAX.as_secs())]
    TooSlow,
    /// The order could not be sent, or its answer not be received.
    #[error("order a sandbox: {0}")]
    Order(Arc<io::Error>),
}

impl BirthError {
    /// True where the machine had nothing left of something for one more: there may be room again.
    #[must_use]
    pub fn is_exhaustion(&self) -> bool {
        match self {
            Self::Wall { errno, .. } => is_exhaustion(&io::Error::from_raw_os_error(*errno)),
            Self::Order(error) => is_exhaustion(error),
            Self::ZygoteGone | Self::TooSlow => false,
        }
    }
}

/// True for an error that says that no process, memory or descriptor is left.
#[must_use]
pub fn is_exhaustion(error: &io::Error) -> bool {
    let exhausted = [libc::EAGAIN, libc::ENOMEM, libc::EMFILE, libc::ENFILE, libc::ENOSPC];
    error.raw_os_error().is_some_and(|errno| exhausted.contains(&errno))
}

/// A birth that failed, and what the sandbox would have been made of.
#[derive(Debug)]
pub struct Stillborn {
    /// Why.
    pub error: BirthError,
    /// To be used again or taken apart.
    pub parts: Parts,
}

impl Stillborn {
    fn of(error: BirthError, parts: Parts) -> Box<Self> {
        Box::new(Self { error, parts })
    }
}

/// What a sandbox is made of beside the zygote: taken from pools, given back by [`Sandbox`] at its end.
#[derive(Debug)]
pub struct Parts {
    /// Its group: limits and accounting.
    pub cgroup: Arc<Cgroup>,
    /// Its network namespace.
    pub network: Network,
    /// Its user and group id.
    pub uid: u32,
}

/// The numbers of one sandbox that are fixed at its birth.
#[derive(Debug, Clone)]
pub struct BirthSpec {
    /// Its host name, at most 64 bytes.
    pub hostname: String,
    /// Size of `/tmp`, in bytes.
    pub tmp_bytes: u64,
    /// Files and folders in `/tmp`.
    pub tmp_inodes: u64,
    /// Open files of one process.
    pub open_files: u64,
    /// Processes and threads.
    pub pids: u64,
    /// True when the runtime is to warm itself before code comes.
    pub warm: bool,
}

/// A booted zygote. Dropping the last hand on it ends it, and with it every sandbox it bore.
#[derive(Debug)]
pub struct Zygote {
    shared: Arc<Shared>,
    ids: AtomicU64,
    filter: Vec<u64>,
    silent: AtomicBool,
    pid: u32,
    notices: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    socket: AsyncFd<OwnedFd>,
    ledger: Mutex<Ledger>,
    gone: watch::Sender<bool>,
}

/// Who waits for what.
#[derive(Debug, Default)]
struct Ledger {
    booted: Option<oneshot::Sender<()>>,
    births: HashMap<u64, oneshot::Sender<Result<Born, BirthError>>>,
    exits: HashMap<u64, watch::Sender<Option<Exit>>>,
    /// Walls that failed after the birth was announced, by order.
    failures: HashMap<u64, BirthError>,
    gone: bool,
}

#[derive(Debug)]
struct Born {
    pidfd: OwnedFd,
    exit: watch::Receiver<Option<Exit>>,
}

impl Zygote {
    /// Starts a zygote of this runtime and waits until it takes orders.
    ///
    /// # Cancel safety
    /// Dropping the future ends the zygote.
    pub async fn boot(config: &ZygoteConfig, template: &Template) -> Result<Arc<Self>, BootError> {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).map_err(start_error)?;
        rustix::io::ioctl_fionbio(&ours, true).map_err(start_error)?;
        let (program, arguments) = config
            .command
            .split_first()
            .ok_or(BootError::Start(io::ErrorKind::NotFound.into()))?;
        // No pre-exec work, so that the child is spawned and not forked.
        let mut child = tokio::process::Command::new(program)
            .args(arguments)
            .env_clear()
            .stdin(theirs)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            // It ends itself when its socket closes, unless it is stopped.
            .kill_on_drop(true)
            .spawn()
            .map_err(BootError::Start)?;
        let plan = Plan {
            template: template.clone(),
            staging: config.staging.clone(),
            uid_first: config.uid_first,
            uid_count: config.uid_count,
        };
        send(
            ours.as_fd(),
            b"p",
            &[plan_file(&plan).map_err(BootError::Start)?.as_fd()],
        )
        .map_err(BootError::Start)?;
        let (booted, has_booted) = oneshot::channel();
        let shared = Arc::new(Shared {
            socket: watched(ours).map_err(BootError::Start)?,
            ledger: Mutex::new(Ledger {
                booted: Some(booted),
                ..Ledger::default()
            }),
            gone: watch::Sender::new(false),
        });
        let pid = child.id().ok_or_else(|| BootError::Ended(String::new()))?;
        let listener = Arc::clone(&shared);
        let (saying, said) = oneshot::channel();
        let notices = tokio::task::spawn(async move {
            let mut words = Words::of(child.stderr.take());
            tokio::select! {
                () = listener.listen() => {}
                () = words.hear() => {}
            }
            // Reaps the process.
            let status = child.wait().await;
            // Should a child of its have its standard error, that says nothing any more.
            let _ = tokio::time::timeout(LAST_WORDS_MAX, words.hear_out()).await;
            let _ = saying.send(words.last(status.ok()));
        });
        let zygote = Arc::new(Self {
            shared,
            ids: AtomicU64::new(1),
            filter: seccomp::filter(),
            silent: AtomicBool::new(false),
            pid,
            notices,
        });
        match tokio::time::timeout(BOOT_MAX, has_booted).await {
            Ok(Ok(())) => Ok(zygote),
            Ok(Err(_)) => Err(BootError::Ended(said.await.unwrap_or_default())),
            Err(_) => Err(BootError::TooSlow),
        }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// False once the process is gone or has left an order without an answer: a new one must be booted.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !*self.shared.gone.borrow() && !self.silent.load(Ordering::Relaxed)
    }

    /// Orders one sandbox. It exists when this returns; its walls stand when its runtime says it is ready.
    ///
    /// # Cancel safety
    /// Not safe: dropping the future leaves a sandbox nobody holds, which finds its pipes closed and ends, and drops
    /// the parts.
    pub async fn bear(self: &Arc<Self>, parts: Parts, spec: &BirthSpec) -> Result<(Sandbox, Pipes), Box<Stillborn>> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let order_error = |error| BirthError::Order(Arc::new(error));
        let (pipes, theirs) = match Pipes::open() {
            Ok(pair) => pair,
            Err(error) => return Err(Stillborn::of(order_error(error), parts)),
        };
        let (sender, receiver) = oneshot::channel();
        {
            let mut ledger = self.shared.ledger.lock();
            if ledger.gone {
                return Err(Stillborn::of(BirthError::ZygoteGone, parts));
            }
            ledger.births.insert(id, sender);
        }
        let joins = match parts.cgroup.join_files() {
            Ok(joins) => joins,
            Err(error) => {
                self.shared.ledger.lock().births.remove(&id);
                return Err(Stillborn::of(order_error(error), parts));
            }
        };
        let order = self.order(id, &parts, spec, joins.len());
        let mut fds: Vec<BorrowedFd<'_>> = theirs.iter().map(AsFd::as_fd).collect();
        fds.push(parts.network.netns.as_fd());
        fds.extend(joins.iter().map(AsFd::as_fd));
        let sent = self.shared.send(order.as_bytes(), &fds).await;
        drop(fds);
        drop((theirs, joins));
        if let Err(error) = sent {
            self.shared.ledger.lock().births.remove(&id);
            return Err(Stillborn::of(order_error(error), parts));
        }
        let Ok(answer) = tokio::time::timeout(BIRTH_MAX, receiver).await else {
            // Should it be borne later, it finds its pipes closed and ends.
            self.shared.ledger.lock().births.remove(&id);
            self.silent.store(true, Ordering::Relaxed);
            return Err(Stillborn::of(BirthError::TooSlow, parts));
        };
        match answer {
            Ok(Ok(born)) => Ok((Sandbox::new(id, born.pidfd, born.exit, parts, Arc::clone(self)), pipes)),
            Ok(Err(error)) => Err(Stillborn::of(error, parts)),
            Err(_) => Err(Stillborn::of(BirthError::ZygoteGone, parts)),
        }
    }

    /// Why a sandbox that never became ready could not be walled in, where that was the reason.
    pub(crate) fn failure(&self, id: u64) -> Option<BirthError> {
        self.shared.ledger.lock().failures.remove(&id)
    }

    fn order(&self, id: u64, parts: &Parts, spec: &BirthSpec, cgroups: usize) -> Box<Order> {
        let mut order = Box::new(Order::EMPTY);
        order.id = id;
        order.tmp_bytes = spec.tmp_bytes;
        order.tmp_inodes = spec.tmp_inodes;
        order.open_files = spec.open_files;
        order.pids = spec.pids;
        order.uid = parts.uid;
        order.warm = u32::from(spec.warm);
        order.cgroups = u32::try_from(cgroups).unwrap_or(u32::MAX);
        let hostname = &spec.hostname.as_bytes()[..spec.hostname.len().min(HOSTNAME_MAX)];
        order.hostname[..hostname.len()].copy_from_slice(hostname);
        order.hostname_length = u32::try_from(hostname.len()).unwrap_or(0);
        // A filter that does not fit leaves the length 0, which the cell refuses.
        if self.filter.len() <= FILTER_MAX {
            order.filter[..self.filter.len()].copy_from_slice(&self.filter);
            order.filter_length = u32::try_from(self.filter.len()).unwrap_or(0);
        }
        order
    }
}

impl Drop for Zygote {
    fn drop(&mut self) {
        // With the task goes the socket, at whose end the process ends itself.
        self.notices.abort();
    }
}

impl Shared {
    async fn send(&self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        loop {
            let mut ready = self.socket.writable().await?;
            match ready.try_io(|socket| send(socket.get_ref().as_fd(), bytes, fds)) {
                Ok(result) => return result,
                Err(_would_block) => {}
            }
        }
    }

    /// Hands every notice to whoever waits for it, until the process is gone.
    async fn listen(&self) {
        loop {
            let Ok(mut ready) = self.socket.readable().await else {
                break;
            };
            match ready.try_io(|socket| receive(socket.get_ref().as_fd())) {
                Ok(Ok(Some((notice, fd)))) => self.ledger.lock().take(notice, fd),
                Ok(Ok(None)) => {}
                Ok(Err(_)) => break,
                Err(_would_block) => {}
            }
        }
        let mut ledger = self.ledger.lock();
        *ledger = Ledger {
            gone: true,
            ..Ledger::default()
        };
        drop(ledger);
        self.gone.send_replace(true);
    }
}

impl Ledger {
    fn take(&mut self, notice: Notice, fd: Option<OwnedFd>) {
        match (notice.kind, fd) {
            (kind::READY, _) => drop(self.booted.take().map(|booted| booted.send(()))),
            (kind::BORN, Some(pidfd)) => {
                // Its end may be the very next notice.
                let (sender, exit) = watch::channel(None);
                self.exits.insert(notice.value.cast_unsigned(), sender);
                if let Some(waiting) = self.births.remove(&notice.id) {
                    // Somebody who stopped waiting drops the pidfd, and the pipes with it.
                    drop(waiting.send(Ok(Born { pidfd, exit })));
                }
            }
            (kind::BORN, None) => {
                // The server had no descriptor left to receive it with. The birth's pipes close, at which it ends.
                if let Some(waiting) = self.births.remove(&notice.id) {
                    let error = io::Error::from_raw_os_error(libc::EMFILE);
                    drop(waiting.send(Err(BirthError::Order(Arc::new(error)))));
                }
            }
            (kind::EXITED, _) => {
                if let Some(waiting) = self.exits.remove(&notice.id) {
                    waiting.send_replace(Some(Exit::from_wait_status(notice.value)));
                }
            }
            (kind::FAILED, _) => {
                let errno = i32::try_from(notice.value).unwrap_or(0);
                let error = BirthError::Wall {
                    step: Step::name(notice.step),
                    errno,
                };
                match self.births.remove(&notice.id) {
                    Some(waiting) => drop(waiting.send(Err(error))),
                    None => drop(self.failures.insert(notice.id, error)),
                }
            }
            (unknown, _) => tracing::warn!(kind = unknown, "a zygote said something unknown"),
        }
    }
}

fn start_error(errno: rustix::io::Errno) -> BootError {
    BootError::Start(errno.into())
}

fn watched(socket: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: `OwnedFd` owns an open descriptor, and nobody replaces or closes it while `AsyncFd` owns it.
    Ok(unsafe { AsyncFd::register(socket) }?)
}

/// A file in memory with the plan, ready to read.
fn plan_file(plan: &Plan) -> io::Result<OwnedFd> {
    use std::io::{Seek, Write};
    let mut file = std::fs::File::from(rustix::fs::memfd_create(c"skiff-plan", MemfdFlags::CLOEXEC)?);
    file.write_all(&serde_json::to_vec(plan)?)?;
    file.rewind()?;
    Ok(file.into())
}

fn send(socket: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(crate::cell::raw::FDS_MAX))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    sendmsg(socket, &[io::IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// One notice and the descriptor that came with it. `Ok(None)` for what is no notice, an error at the end.
fn receive(socket: BorrowedFd<'_>) -> io::Result<Option<(Notice, Option<OwnedFd>)>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; Notice::SIZE];
    let received = recvmsg(
        socket,
        &mut [io::IoSliceMut::new(&mut bytes)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?
    .bytes;
    if received == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let fd = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    Ok(Notice::from_bytes(&bytes[..received]).map(|notice| (notice, fd)))
}

/// Where a zygote of this server builds its root; made where it is missing.
pub fn make_staging(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

#[cfg(test)]
mod tests;
