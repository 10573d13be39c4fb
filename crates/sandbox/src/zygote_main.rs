//! The other entry point of the binary: a process that becomes a runtime's zygote.
//!
//! Standard input is the control socket. The first message brings the [`Plan`]; orders follow, and whoever serves
//! them, the runtime itself or the loop below, does so with the code of `cell`.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::path::PathBuf;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde::{Deserialize, Serialize};

use crate::cell::{Next, Zygote, raw};
use crate::root;
use crate::template::{Boot, Command, Template};

/// What a process of [`Boot::Wait`] does with its requests and its responses. It may become another program; where it comes
/// back, the sandbox ends.
pub type Waiter = fn(Waiting);

/// A process that waits.
#[derive(Debug)]
pub struct Waiting {
    /// What it is there for, as the template has it.
    pub task: String,
    /// What the server asks.
    pub requests: File,
    /// What it is answered.
    pub responses: File,
    /// Whether the process is to warm itself, and say so, before it is told anything.
    pub warm: bool,
}

/// Signals that programs use; real-time ones come after.
const SIGNALS: i32 = 31;

/// What a zygote process is told before anything else.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The runtime.
    pub(crate) template: Template,
    /// An empty folder of the host to build the root on.
    pub(crate) staging: PathBuf,
    /// The first user id of instances.
    pub(crate) uid_first: u32,
    /// How many there are.
    pub(crate) uid_count: u32,
}

#[derive(Debug, thiserror::Error)]
enum ZygoteError {
    #[error("take the plan from standard input: start `skiff serve`, which starts zygotes itself")]
    Plan(#[source] io::Error),
    #[error("understand the plan")]
    PlanText(#[from] serde_json::Error),
    #[error("build the root file system")]
    Root(#[from] root::RootError),
    #[error("arrange descriptors: {0:?}")]
    Descriptors(raw::Errno),
    #[error("execute {program}")]
    Exec { program: String, source: io::Error },
    #[error("the command of the runtime holds a NUL character")]
    Command(#[from] std::ffi::NulError),
    #[error("serve orders: {0:?}")]
    Orders(raw::Errno),
}

/// Runs a zygote until its server is gone. Call it first thing in `main`, before any thread. What waits in its sandboxes,
/// where a runtime boots so, is `waiter`.
///
/// Returns the process's exit code.
#[must_use]
pub fn zygote_main(waiter: Waiter) -> u8 {
    // A writer nobody reads gets an error, as everywhere in Rust and in the languages that are served.
    take_signals((1..=SIGNALS).filter(|signal| *signal != libc::SIGPIPE));
    match run(waiter) {
        Ok(()) => 0,
        Err(error) => {
            let mut text = format!("skiff zygote: {error}");
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                text.push_str(&format!(": {cause}"));
                source = cause.source();
            }
            // Standard error is the server's log.
            let _ = raw::write(2, format!("{text}\n").as_bytes());
            1
        }
    }
}

fn run(waiter: Waiter) -> Result<(), ZygoteError> {
    let plan = receive_plan()?;
    let control = arrange_descriptors().map_err(ZygoteError::Descriptors)?;
    root::enter(
        &plan.template,
        &plan.staging,
        plan.uid_first..plan.uid_first + plan.uid_count,
    )?;
    match &plan.template.boot {
        Boot::Fork(command) => {
            let mut argv = command.argv.clone();
            argv.push(control.to_string());
            Err(Program::new(&argv, &command.environment)?.become_it())
        }
        Boot::Exec(command) => {
            let program = |last: &str| {
                let argv = [command.argv.as_slice(), &[last.to_owned()]].concat();
                Program::new(&argv, &command.environment)
            };
            let (warm, cold) = (program("warm")?, program("cold")?);
            serve(control, |warmed| if warmed { &warm } else { &cold }.become_it())
        }
        Boot::Wait(task) => serve(control, |warm| wait(waiter, task, warm)),
    }
}

fn receive_plan() -> Result<Plan, ZygoteError> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0; 1];
    // SAFETY: descriptor 0 is open for the life of the process: nothing here closes it.
    let control = unsafe { BorrowedFd::borrow_raw(0) };
    recvmsg(
        control,
        &mut [io::IoSliceMut::new(&mut byte)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )
    .map_err(|errno| ZygoteError::Plan(errno.into()))?;
    let file = ancillary
        .drain()
        .find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
            _ => None,
        })
        .ok_or_else(|| ZygoteError::Plan(io::ErrorKind::UnexpectedEof.into()))?;
    let mut text = Vec::new();
    File::from(file).read_to_end(&mut text).map_err(ZygoteError::Plan)?;
    Ok(serde_json::from_slice(&text)?)
}

/// Moves the control socket out of the way of a cell's own descriptors 0 to 4 and keeps those occupied, so that
/// nothing received later lands on them. Everything else of the server's is closed.
fn arrange_descriptors() -> Result<i32, raw::Errno> {
    const CONTROL: i32 = 5;
    raw::dup_onto(0, CONTROL)?;
    raw::close_from(CONTROL.cast_unsigned() + 1)?;
    let null = raw::open(c"/dev/null", libc::O_RDWR)?;
    for place in [0, 3, 4] {
        // It may stand in one of them already, or in one that is not wanted.
        if place != null {
            raw::dup_onto(null, place)?;
        }
    }
    if ![0, 3, 4].contains(&null) {
        raw::close(null);
    }
    raw::dup_onto(2, 1)?;
    Ok(CONTROL)
}

/// The zygote of a runtime that cannot fork: each instance becomes its program anew, which is told whether it is to warm
/// itself. `become_it` returns only when it failed.
fn serve(control: i32, become_it: impl Fn(bool) -> ZygoteError) -> Result<(), ZygoteError> {
    let mut zygote = Zygote::CLOSED;
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    zygote.open(control, own).map_err(ZygoteError::Orders)?;
    loop {
        let warm = match zygote.next().map_err(ZygoteError::Orders)? {
            Next::Closed => return Ok(()),
            Next::Order { warm } => warm,
        };
        let born = raw::fork().unwrap_or_else(|errno| -errno.0);
        if born != 0 {
            zygote.born(born).map_err(ZygoteError::Orders)?;
            continue;
        }
        zygote.enter();
        let runtime = raw::fork().unwrap_or_else(|errno| -errno.0);
        if runtime != 0 {
            Zygote::init(runtime);
        }
        let failed = Zygote::settle()
            .err()
            .map_or_else(|| become_it(warm), ZygoteError::Orders);
        let _ = raw::write(2, format!("skiff: {failed}\n").as_bytes());
        raw::exit(127);
    }
}

/// Does the task. The pipes are gone when the process has become another program.
fn wait(waiter: Waiter, task: &str, warm: bool) -> ZygoteError {
    let pipe = |number| {
        // SAFETY: a cell's descriptors 3 and 4 are its pipes (`cell::birth`), and nobody else here owns them.
        let fd = unsafe { OwnedFd::from_raw_fd(number) };
        rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC).map(|()| File::from(fd))
    };
    match (pipe(3), pipe(4)) {
        (Ok(requests), Ok(responses)) => {
            waiter(Waiting {
                task: task.to_owned(),
                requests,
                responses,
                warm,
            });
            raw::exit(127)
        }
        (Err(errno), _) | (_, Err(errno)) => ZygoteError::Descriptors(raw::Errno(errno.raw_os_error())),
    }
}

/// Makes the process this program, with nothing of its own left but descriptors that may be inherited and the working
/// directory. For a [`Waiter`]. Comes back only where that failed, saying why.
///
/// As the kernel does it: no path is searched, and what is no program is not given to a shell.
#[must_use]
pub fn become_program(command: &Command) -> io::Error {
    take_signals(1..=SIGNALS);
    match Program::new(&command.argv, &command.environment).map(|program| program.become_it()) {
        Ok(ZygoteError::Exec { source, .. }) => source,
        Ok(other) => io::Error::other(other),
        Err(error) => error.into(),
    }
}

/// Lets these signals do what they do by themselves. What is ignored stays so in a program that is executed: by this
/// process, or by whatever started the server, as shells do with what runs in the background.
fn take_signals(signals: impl Iterator<Item = i32>) {
    for signal in signals {
        // SAFETY: no handler is installed, only the kernel's own way with each signal; it refuses those that have no other.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// A command in the form the kernel takes, built before a fork so that nothing is allocated after it.
struct Program {
    argv: Vec<CString>,
    argv_pointers: Vec<*const u8>,
    envp_pointers: Vec<*const u8>,
    _environment: Vec<CString>,
}

impl Program {
    fn new(argv: &[String], environment: &[String]) -> Result<Self, std::ffi::NulError> {
        let strings = |texts: &[String]| {
            texts
                .iter()
                .map(|text| CString::new(text.as_str()))
                .collect::<Result<Vec<_>, _>>()
        };
        let pointers = |strings: &[CString]| {
            strings
                .iter()
                .map(|text| text.as_ptr().cast())
                .chain([std::ptr::null()])
                .collect::<Vec<*const u8>>()
        };
        let (argv, environment) = (strings(argv)?, strings(environment)?);
        let (argv_pointers, envp_pointers) = (pointers(&argv), pointers(&environment));
        Ok(Self {
            argv,
            argv_pointers,
            envp_pointers,
            _environment: environment,
        })
    }

    /// Returns only when it failed.
    fn become_it(&self) -> ZygoteError {
        let program = self.argv.first().cloned().unwrap_or_default();
        // SAFETY: both arrays point to the C strings this value owns and end with null.
        let errno = unsafe { raw::execve(&program, self.argv_pointers.as_ptr(), self.envp_pointers.as_ptr()) };
        let source = io::Error::from_raw_os_error(errno.0);
        ZygoteError::Exec {
            program: program.to_string_lossy().into_owned(),
            source,
        }
    }
}
