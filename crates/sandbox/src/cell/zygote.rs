//! A zygote's side of the conversation: wait for an order, report a birth, reap the dead.
//!
//! The process tree of a cell: the zygote forks *init*, pid 1 of the cell's namespace, which puts up the walls and
//! forks the *runtime*. Init then only reaps orphans and ends as the runtime ends. So the user's code is an
//! ordinary process: signals work on it as anywhere, and its zombies are somebody's.

use super::abi::{Notice, Order, Step, fd, kind};
use super::birth;
use super::raw::{self, Errno, FDS_MAX};

const SIG_SETMASK: i32 = 2;
const SIGCHLD_SET: u64 = 1 << (17 - 1);
const CLONE_NEWPID: usize = 0x2000_0000;

/// What came out of waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// An order is in; fork now.
    Order {
        /// The runtime is to warm itself.
        warm: bool,
    },
    /// The server is gone; end.
    Closed,
}

/// One zygote's state. There is one in a process.
pub struct Zygote {
    control: i32,
    signals: i32,
    myself: i32,
    order: Order,
    fds: [i32; FDS_MAX],
    fd_count: usize,
}

impl Zygote {
    /// A zygote that is not open yet.
    pub const CLOSED: Self = Self {
        control: -1,
        signals: -1,
        myself: -1,
        order: Order::EMPTY,
        fds: [-1; FDS_MAX],
        fd_count: 0,
    };

    /// Takes orders from `control` from now on and says so.
    pub fn open(&mut self, control: i32, pid: i32) -> Result<(), Errno> {
        const SIG_BLOCK: i32 = 0;
        self.control = control;
        raw::signal_mask(SIG_BLOCK, SIGCHLD_SET)?;
        self.signals = raw::signalfd(SIGCHLD_SET)?;
        self.myself = raw::pidfd_open(pid)?;
        self.notify(
            Notice {
                kind: kind::READY,
                step: 0,
                id: 0,
                value: i64::from(pid),
            },
            None,
        )
    }

    /// Waits for the next order, reporting children that end meanwhile. After `Order` the next fork makes pid 1 of a
    /// new namespace.
    pub fn next(&mut self) -> Result<Next, Errno> {
        loop {
            let (control, signals) = raw::poll_two(self.control, self.signals)?;
            if signals {
                self.reap()?;
            }
            if !control {
                continue;
            }
            let (length, fds) = raw::receive(self.control, self.order.as_bytes_mut(), &mut self.fds)?;
            if length == 0 {
                return Ok(Next::Closed);
            }
            self.fd_count = fds;
            let whole = length == size_of::<Order>() && fds == fd::CGROUPS + self.order.cgroups as usize;
            let low = self.fds[..fds].iter().any(|fd| *fd <= 4);
            if !whole || low {
                self.fail(Step::Order, Errno(22));
                self.close_fds();
                continue;
            }
            // A second unshare is refused until the first is taken back, hence the setns to our own.
            let fresh = raw::setns(self.myself, CLONE_NEWPID).and_then(|()| raw::unshare(CLONE_NEWPID));
            match fresh {
                Ok(()) => {
                    return Ok(Next::Order {
                        warm: self.order.warm != 0,
                    });
                }
                Err(errno) => {
                    self.fail(Step::PidNamespace, errno);
                    self.close_fds();
                }
            }
        }
    }

    /// In the zygote, after the fork: tells of init's pid, or that there is none.
    pub fn born(&mut self, pid: i32) -> Result<(), Errno> {
        self.close_fds();
        if pid < 0 {
            self.fail(Step::Fork, Errno(-pid));
            return Ok(());
        }
        let pidfd = match raw::pidfd_open(pid) {
            Ok(pidfd) => pidfd,
            Err(errno) => {
                // Whom the server could not kill must not be. Nobody else reaps it, so the pid is still its own.
                raw::kill(pid)?;
                self.fail(Step::Fork, errno);
                return Ok(());
            }
        };
        let notice = Notice {
            kind: kind::BORN,
            step: 0,
            id: self.order.id,
            value: i64::from(pid),
        };
        let sent = self.notify(notice, Some(pidfd));
        raw::close(pidfd);
        sent
    }

    /// In init: puts up the walls. Ends the process where one cannot stand.
    pub fn enter(&mut self) {
        if let Err((step, errno)) = birth::enter(&self.order, &self.fds[..self.fd_count]) {
            self.fail(step, errno);
            raw::exit(1);
        }
        // From here on the control socket and all received descriptors are gone.
        if let Err(errno) = raw::close_from(5) {
            raw::write(2, b"skiff: cannot close descriptors\n").ok();
            raw::exit(errno.0);
        }
    }

    /// In init, after forking the runtime: reaps until the runtime ends, then ends alike. The kernel kills whatever
    /// else is left in the namespace.
    pub fn init(runtime: i32) -> ! {
        if runtime < 0 {
            // Where the runtime would have written: the server reads it when the pipes close.
            raw::write(2, b"skiff: no process is left for the runtime\n").ok();
            raw::exit(1);
        }
        Self::deafen();
        // Init holds no pipe open, so the server sees it when the runtime closes them.
        let _ = raw::close_from(0);
        loop {
            match raw::wait(-1, true) {
                Ok(Some((pid, status))) if pid == runtime => raw::exit(exit_code(status)),
                Ok(_) => {}
                Err(_) => raw::exit(1),
            }
        }
    }

    /// In init: blocks every signal. Nobody but the kernel tells it anything, and SIGKILL cannot be blocked.
    pub fn deafen() {
        // Refused only for arguments that are wrong.
        let _ = raw::signal_mask(SIG_SETMASK, u64::MAX);
    }

    /// In the runtime: makes it an ordinary process again, one that may read its own `/proc/self`.
    pub fn settle() -> Result<(), Errno> {
        const PR_SET_DUMPABLE: i32 = 4;
        raw::prctl(PR_SET_DUMPABLE, 1, 0).map(drop)
    }

    fn reap(&mut self) -> Result<(), Errno> {
        let mut pending = [0_u8; 128];
        // The signal's details do not matter: one signal may stand for many children.
        let _ = raw::read(self.signals, &mut pending);
        loop {
            match raw::wait(-1, false) {
                Ok(Some((pid, status))) => {
                    let notice = Notice {
                        kind: kind::EXITED,
                        step: 0,
                        id: pid as u64,
                        value: i64::from(status),
                    };
                    self.notify(notice, None)?;
                }
                // None ended, or none exists.
                Ok(None) | Err(_) => return Ok(()),
            }
        }
    }

    fn fail(&self, step: Step, errno: Errno) {
        let notice = Notice {
            kind: kind::FAILED,
            step: step as u32,
            id: self.order.id,
            value: i64::from(errno.0),
        };
        // When the server is gone there is nobody to tell.
        let _ = self.notify(notice, None);
    }

    fn notify(&self, notice: Notice, fd: Option<i32>) -> Result<(), Errno> {
        raw::send(self.control, notice.as_bytes(), fd)
    }

    fn close_fds(&mut self) {
        self.fds[..self.fd_count].iter().for_each(|fd| raw::close(*fd));
        self.fd_count = 0;
    }
}

/// A wait status as an exit code: the code itself, or 128 and the signal's number, as shells say it.
fn exit_code(status: i32) -> i32 {
    let signal = status & 0x7f;
    if signal == 0 {
        (status >> 8) & 0xff
    } else {
        128 + signal
    }
}
