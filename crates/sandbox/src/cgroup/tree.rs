//! Folders of groups: finding those of a server, killing what is in them, removing them. Version 1 and 2 alike.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal};

use super::file;

/// Killed in one go, which bounds the descriptors held meanwhile.
const KILLS_AT_ONCE: usize = 256;
/// Between two tries of a removal: the kernel lets go of a dead process a moment after its end is seen.
const PAUSE_MIN: Duration = Duration::from_micros(100);
const PAUSE_MAX: Duration = Duration::from_millis(20);

/// Makes a folder, or takes the one that is there.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

/// Every folder called `name` at or below `top`, at any depth.
pub(super) fn named(top: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(top, &mut |folder| {
        if folder.file_name().is_some_and(|last| last == name) {
            found.push(folder.to_owned());
        }
    });
    found
}

/// Whether a group at or just below `top` has a file. The root of version 2 lacks many that its children have.
pub(super) fn has_file(top: &Path, name: &str) -> bool {
    let below = fs::read_dir(top)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    below.chain([top.to_owned()]).any(|folder| folder.join(name).exists())
}

/// Calls `visit` for every folder at and below `top`, the deepest first. What vanishes meanwhile is left out.
fn walk(top: &Path, visit: &mut impl FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(top) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&entry.path(), visit);
        }
    }
    visit(top);
}

/// The processes of one group. The list is opened anew each time: on version 1 a descriptor repeats for up to a
/// second what it told before.
pub(super) fn processes(folder: &Path) -> io::Result<Vec<Pid>> {
    match fs::read_to_string(folder.join("cgroup.procs")) {
        Ok(text) => Ok(text
            .lines()
            .filter_map(|line| Pid::from_raw(line.trim().parse().ok()?))
            .collect()),
        // The group is gone, or going.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENODEV)) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Kills everything in the groups at `folders`, and returns once nothing is left in them.
pub(super) fn kill(folders: &[PathBuf], deadline: Instant) -> io::Result<()> {
    // With no process allowed, no fork can outrun the killing.
    for folder in folders {
        write_if_there(&folder.join("pids.max"), "0")?;
    }
    let mut pause = PAUSE_MIN;
    loop {
        let mut listed = 0;
        for folder in folders {
            listed += kill_listed(folder, deadline)?;
            // After the kill, so that nothing runs on. A signal to a frozen process of version 1 waits for the thaw.
            write_if_there(&folder.join("freezer.state"), "THAWED")?;
            write_if_there(&folder.join("cgroup.freeze"), "0")?;
        }
        if listed == 0 {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("{listed} processes would not die"),
            ));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Sends the kill to everything listed and tells how many there were.
fn kill_listed(folder: &Path, deadline: Instant) -> io::Result<usize> {
    let listed = processes(folder)?;
    for some in listed.chunks(KILLS_AT_ONCE) {
        let open = |pid: &Pid| Some((*pid, rustix::process::pidfd_open(*pid, PidfdFlags::empty()).ok()?));
        let held: Vec<_> = some.iter().filter_map(open).collect();
        // A pid may have gone to another process since it was listed. What is listed a second time, while its
        // descriptor is held, is either the same process or one of this group as well.
        let still = processes(folder)?;
        for (pid, pidfd) in &held {
            if still.contains(pid) {
                // Fails only for a process that is dead already.
                let _ = rustix::process::pidfd_send_signal(pidfd, Signal::KILL);
            }
        }
        write_if_there(&folder.join("freezer.state"), "THAWED")?;
        for (_, pidfd) in held.iter().filter(|(pid, _)| still.contains(pid)) {
            let left = deadline
                .saturating_duration_since(Instant::now())
                .min(Duration::from_millis(100));
            let left = Timespec {
                tv_sec: 0,
                tv_nsec: i64::from(left.subsec_nanos()),
            };
            rustix::io::retry_on_intr(|| rustix::event::poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&left)))?;
        }
    }
    Ok(listed.len())
}

/// Kills everything in the groups at `folders` and removes them, retrying until `deadline`.
pub(super) fn remove(folders: &[PathBuf], deadline: Instant) -> io::Result<()> {
    let mut pause = PAUSE_MIN;
    loop {
        let mut refused = None;
        for folder in folders {
            match fs::remove_dir(folder) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => refused = Some(error),
            }
        }
        let Some(error) = refused else { return Ok(()) };
        kill(folders, deadline)?;
        if Instant::now() >= deadline {
            return Err(error);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// The same for whole trees.
pub(super) fn remove_all(tops: &[PathBuf], deadline: Instant) -> io::Result<()> {
    let mut folders = Vec::new();
    for top in tops {
        walk(top, &mut |folder| folders.push(folder.to_owned()));
    }
    remove(&folders, deadline)
}

/// Tries something again and again until `deadline`.
pub(super) fn retry(deadline: Instant, mut work: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    let mut pause = PAUSE_MIN;
    loop {
        match work() {
            Err(_) if Instant::now() < deadline => {}
            result => return result,
        }
        thread::sleep(pause);
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Moves everything from one group to another. Bounded: more than a few rounds means that forks outrun the moving.
pub(super) fn move_processes(from: &Path, to: &Path) -> io::Result<()> {
    const ROUNDS_MAX: usize = 16;
    let door = to.join("cgroup.procs");
    for _ in 0..ROUNDS_MAX {
        let listed = processes(from)?;
        if listed.is_empty() {
            return Ok(());
        }
        for pid in listed {
            match file::write(&door, &pid.as_raw_nonzero().to_string()) {
                Ok(()) => {}
                // It ended first.
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Err(io::Error::new(
        io::ErrorKind::TimedOut,
        "processes fork faster than they can be moved",
    ))
}

fn write_if_there(path: &Path, text: &str) -> io::Result<()> {
    match file::write(path, text) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENODEV)) => Ok(()),
        result => result,
    }
}
