//! Asks an interpreter for its version and has it run a line of its language, which shows that it runs on this machine.
//!
//! It may be a stranger's, and this is run by root. So it is asked as nobody, without privileges that could come back, in
//! namespaces of its own: no network, no process but its own, and none of it left when it has answered or its time is up.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use skiff_domain::RuntimeName;
use skiff_runtimes::{Family, Root};

use crate::error::AddError;

/// How long it may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// What is read of an answer.
const SAID_BYTES_MAX: u64 = 64 << 10;
/// Where it sees its files when the rest is the host's: nobody may look into the data dir.
const PLACE: &str = "/mnt";
/// What the line of each language writes.
const LINE_SAYS: &str = "[42]";
/// Binds the files to a place that nobody may read and becomes nobody there.
const AMONG_THE_HOSTS: &str = "mount --bind \"$1\" \"$2\" && cd / && shift 2 && \
     exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --no-new-privs -- env -i \"$@\"";
/// The same with the files for a root.
const IN_A_ROOT: &str = "cd / && exec setpriv --no-new-privs -- chroot --userspec=65534:65534 --groups= \"$@\"";

/// An interpreter to be asked.
pub(crate) struct Probe<'a> {
    pub(crate) files: &'a Path,
    pub(crate) name: &'a RuntimeName,
    pub(crate) root: Root,
    /// Where it is among the files.
    pub(crate) inside: &'a str,
}

/// What it said.
struct Said {
    status: ExitStatus,
    output: String,
    errors: String,
}

impl Probe<'_> {
    /// Its version, e.g. `18.15.0`.
    pub(crate) fn version(&self) -> Result<String, AddError> {
        // Java 8 has no other, and every Java says its version beside the output, as for errors.
        let is_java = self.is_java();
        let said = self.ask(&[if is_java { "-version" } else { "--version" }])?;
        if is_java {
            // `openjdk version "17.0.15" 2025-04-15`
            let version = said.errors.split('"').nth(1).map(str::to_owned);
            return version.ok_or_else(|| self.does_not_run(format!("it does not say its version: {}", said.errors)));
        }
        // Python 2.7 says it on the other stream.
        let version = if said.output.is_empty() {
            said.errors
        } else {
            said.output
        };
        // `v18.15.0`, `Python 3.11.2`, `PHP 8.2.28 (cli) (built: …`.
        let version = version
            .trim_start_matches("Python ")
            .trim_start_matches("PHP ")
            .trim_start_matches('v');
        Ok(version.split_whitespace().next().unwrap_or_default().to_owned())
    }

    /// Sees that it runs a line of its language. A Java that says its version has done as much.
    pub(crate) fn runs(&self) -> Result<(), AddError> {
        let line = match Family::of(self.name) {
            Family::Node { .. } => ["-e", "console.log(JSON.stringify([6 * 7]))"],
            Family::Python { .. } => ["-c", "import json; print(json.dumps([6 * 7]))"],
            Family::Php { .. } => ["-r", "echo json_encode([6 * 7]);"],
            Family::Java { .. } | Family::Custom | Family::Go | Family::Wasm | Family::Other => return Ok(()),
        };
        let said = self.ask(&line)?;
        if said.output == LINE_SAYS {
            return Ok(());
        }
        let (output, [flag, line]) = (said.output, line);
        Err(self.does_not_run(format!("`{flag} '{line}'` writes {output:?} and not {LINE_SAYS:?}")))
    }

    fn is_java(&self) -> bool {
        matches!(Family::of(self.name), Family::Java { .. })
    }

    fn does_not_run(&self, reason: String) -> AddError {
        AddError::DoesNotRun {
            program: self.files.join(self.inside.trim_start_matches('/')),
            reason,
        }
    }

    fn ask(&self, arguments: &[&str]) -> Result<Said, AddError> {
        let said = answer(self.command(arguments), ANSWER_MAX).map_err(|error| self.does_not_run(error.to_string()))?;
        if said.status.success() {
            Ok(said)
        } else {
            Err(self.does_not_run(format!("{}: {}", said.status, said.errors)))
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation=private", "--pid", "--ipc", "--net", "--fork"]);
        command.args(["--kill-child", "sh", "-c"]);
        // The search path is for these programs of the host.
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        match self.root {
            Root::Interpreter => {
                let program = Path::new(PLACE).join(self.inside.trim_start_matches('/'));
                command.args([AMONG_THE_HOSTS, "sh"]).arg(self.files).arg(PLACE);
                // As in the sandbox; only nobody loads what lies there.
                if matches!(Family::of(self.name), Family::Python { .. }) {
                    command.arg(format!("LD_LIBRARY_PATH={PLACE}/lib"));
                }
                command.arg(program);
            }
            // With its own libraries, which may be older or newer than this machine's.
            Root::System => {
                command.args([IN_A_ROOT, "sh"]).arg(self.files).arg(self.inside);
            }
        }
        if self.is_java() && self.root == Root::System {
            // There is no `/proc` by which it would find them beside itself.
            let home = self.inside.trim_end_matches("/bin/java");
            let folders =
                ["lib", "lib/jli", "lib/amd64/jli", "lib/aarch64/jli"].map(|folder| format!("{home}/{folder}"));
            command.env("LD_LIBRARY_PATH", folders.join(":"));
        }
        command.args(arguments);
        command
    }
}

/// What a command says until it ends; at the end of its time, and in any case when it has ended, its process group is
/// killed.
fn answer(mut command: Command, limit: Duration) -> io::Result<Said> {
    command.current_dir("/").process_group(0);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let heard = hear(&mut child, limit);
    // It is not waited for yet, and the number is still its.
    if let Ok(group) = i32::try_from(child.id()).map(Pid::from_raw) {
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
    }
    let status = child.wait()?;
    let [output, errors] = heard?;
    let text = |said: Vec<u8>| String::from_utf8_lossy(&said).trim().to_owned();
    Ok(Said {
        status,
        output: text(output),
        errors: text(errors),
    })
}

/// Both streams of a child, until it ends.
fn hear(child: &mut Child, limit: Duration) -> io::Result<[Vec<u8>; 2]> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let ends = pidfd_open(pid.ok_or(io::ErrorKind::NotFound)?, PidfdFlags::empty())?;
    let streams = [
        child.stdout.take().map(OwnedFd::from),
        child.stderr.take().map(OwnedFd::from),
    ];
    let mut streams = streams.map(|stream| stream.map(File::from));
    for stream in streams.iter().flatten() {
        fcntl_setfl(stream, OFlags::NONBLOCK)?;
    }
    let (mut said, until) = ([Vec::new(), Vec::new()], Instant::now() + limit);
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let mut waits = vec![PollFd::new(&ends, PollFlags::IN)];
        waits.extend(
            streams
                .iter()
                .flatten()
                .map(|stream| PollFd::new(stream, PollFlags::IN)),
        );
        let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut waits, Some(&timeout)) {
            Err(rustix::io::Errno::INTR) => continue,
            polled => polled?,
        };
        let ended = !waits[0].revents().is_empty();
        for (stream, said) in streams.iter_mut().zip(&mut said) {
            if stream.as_mut().is_some_and(|stream| !read(stream, said)) {
                *stream = None;
            }
        }
        if ended {
            return Ok(said);
        }
        if left.is_zero() {
            let seconds = limit.as_secs();
            let text = format!("it does not answer within {seconds} s, and was killed");
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
    }
}

/// Reads what there is. False when nothing more can come, or is wanted.
fn read(stream: &mut File, said: &mut Vec<u8>) -> bool {
    let left = SAID_BYTES_MAX.saturating_sub(said.len() as u64);
    match stream.take(left).read_to_end(said) {
        Ok(_) => false,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn an_answer_is_both_streams_and_what_was_left_running_is_not_waited_for() {
        let said = answer(shell("echo out; echo err >&2; sleep 1000 & exit 3"), ANSWER_MAX).expect("heard");
        assert_eq!((said.output.as_str(), said.errors.as_str()), ("out", "err"));
        assert_eq!(said.status.code(), Some(3));
    }

    #[test]
    fn one_that_does_not_answer_is_killed_with_its_children_and_said_so() {
        let sees = tempfile::tempdir().expect("a folder");
        let fifo = sees.path().join("open-while-it-lives");
        let made = Command::new("mkfifo").arg(&fifo).status().expect("mkfifo starts");
        assert!(made.success());
        let script = format!("(exec 3<>{0}; sleep 1000) & exec sleep 1000", fifo.display());
        let refused = answer(shell(&script), Duration::from_secs(1)).err().expect("too late");
        assert!(refused.to_string().contains("within 1 s"), "{refused}");
        // Without a reader it cannot be opened to write.
        let opened = || rustix::fs::open(&fifo, OFlags::WRONLY | OFlags::NONBLOCK, rustix::fs::Mode::empty());
        let until = Instant::now() + Duration::from_secs(30);
        while opened().is_ok() && Instant::now() < until {
            std::thread::yield_now();
        }
        assert!(opened().is_err(), "the child's child lives");
    }

    #[test]
    fn an_endless_answer_is_cut() {
        let said = answer(shell("head -c 1000000 /dev/zero | tr '\\0' x"), ANSWER_MAX).expect("heard");
        assert!(said.output.len() as u64 <= SAID_BYTES_MAX);
    }
}
