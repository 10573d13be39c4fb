//! Keeping a runtime whose code is initialised: a file that other children of its zygote become it by.
//!
//! Kept are its memory, its registers and how it takes signals. What else the kernel holds for a process is not, so what
//! has more of that than a child of its zygote begins with, a thread, an open file, a child, is refused.

mod pages;
mod parts;
mod plan;

use std::fs::{self, File};
use std::io;
use std::path::Path;

use self::pages::{Pages, Run};
use self::plan::Plan;
use crate::cell::snapshot::HOT_MAX;

/// Where the folder of a snapshot's file appears inside.
pub const SNAPSHOT_TARGET: &str = "/var/snapshot";
/// The file in it.
const NAME: &str = "memory";
/// Beside it: the pages that every process writes to that becomes what is kept.
const HOT_NAME: &str = "hot";
/// Pages that are written to together with those they stand between, as asking for them costs more.
const HOT_GAP: u64 = pages::PAGE;
/// Descriptors of a child of a zygote that has not opened any.
const DESCRIPTORS: usize = 5;

/// How often the runtime went on as a child: before its code was loaded, and to be kept.
const COPIES: u32 = 2;

/// Why a process was not kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It has something that cannot be kept.
    #[error("{0}")]
    Has(String),
    /// It could not be read, or the file not be written.
    #[error("it could not be read, or not be written to a file: {0}")]
    Io(#[from] io::Error),
}

fn has(what: impl Into<String>) -> KeepError {
    KeepError::Has(what.into())
}

/// Keeps what runs in a sandbox, here its first process, and waits in [`crate::cell::snapshot::keep`]. Gives back how many
/// bytes the file has.
pub(crate) fn keep(zygote: u32, init: u32, folder: &Path) -> Result<u64, KeepError> {
    let pid = copy_of(runtime_of(init)?)?;
    let process = folder_of(pid);
    if has_opened(&process)? {
        return Err(has("it has open files"));
    }
    if count(&process.join("root/tmp"))? != 0 {
        return Err(has("it has written files into /tmp"));
    }
    let plan = Plan::of(&parts::read(&process)?, &parts::read(&folder_of(zygote))?, &process)?;
    let written = plan.write(&File::open(process.join("mem"))?, &folder.join(NAME))?;
    // What was read of was that process all along: the number of one that has ended may be another function's by now.
    if copy_of(runtime_of(init)?)? != pid {
        return Err(has("it has ended"));
    }
    Ok(written)
}

/// Learns from a process that has become what is kept in a folder, and has done nothing since: others are given the pages
/// at once that it had to ask for one by one.
pub(crate) fn learn(init: u32, folder: &Path) -> Result<(), KeepError> {
    let process = folder_of(runtime_of(init)?);
    let pages = Pages::of(&process)?;
    let of_the_file = [SNAPSHOT_TARGET, "/", NAME].concat();
    let mut hot: Vec<Run> = Vec::new();
    for part in parts::read(&process)? {
        if part.name == of_the_file.as_bytes() && part.rights & parts::WRITE != 0 && !part.untouched {
            hot.extend(pages.changed(&part, HOT_GAP)?);
        }
    }
    hot.truncate(HOT_MAX);
    let words = hot
        .iter()
        .flat_map(|(start, length)| [start.to_ne_bytes(), length.to_ne_bytes()]);
    Ok(fs::write(folder.join(HOT_NAME), words.flatten().collect::<Vec<u8>>())?)
}

/// The process inside the sandbox whose first process this is.
fn runtime_of(init: u32) -> Result<u32, KeepError> {
    match *children(init, init)? {
        [runtime] => Ok(runtime),
        _ => Err(has("it has left processes")),
    }
}

/// The copy of the runtime that waits to be kept: of what it went on as to load code a child, which as every child has left
/// the threads behind that its parent may have started.
fn copy_of(runtime: u32) -> Result<u32, KeepError> {
    let mut pid = runtime;
    for _ in 0..COPIES {
        pid = match *children(pid, pid)? {
            [copy] => copy,
            [] => return Err(has("it has ended")),
            _ => return Err(has("it has started processes")),
        };
        if count(&folder_of(pid).join("task"))? != 1 {
            return Err(has("it has started threads"));
        }
    }
    if !children(pid, pid)?.is_empty() {
        return Err(has("it has started processes"));
    }
    Ok(pid)
}

fn folder_of(pid: u32) -> std::path::PathBuf {
    Path::new("/proc").join(pid.to_string())
}

fn children(pid: u32, thread: u32) -> io::Result<Vec<u32>> {
    let text = fs::read_to_string(folder_of(pid).join(format!("task/{thread}/children")))?;
    Ok(text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect())
}

fn count(folder: &Path) -> io::Result<usize> {
    Ok(fs::read_dir(folder)?.count())
}

/// Whether its descriptors are not those it was born with: nothing to read from, and pipes.
fn has_opened(process: &Path) -> io::Result<bool> {
    let folder = process.join("fd");
    let mut pipes = 0;
    for number in 1..DESCRIPTORS {
        let target = fs::read_link(folder.join(number.to_string())).unwrap_or_default();
        pipes += usize::from(target.as_os_str().as_encoded_bytes().starts_with(b"pipe:["));
    }
    Ok(count(&folder)? != DESCRIPTORS || pipes != DESCRIPTORS - 1)
}

/// The process that a descriptor of one stands for.
pub(crate) fn process_of(pidfd: i32) -> io::Result<u32> {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{pidfd}"))?;
    let pid = text
        .lines()
        .find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok());
    pid.ok_or_else(|| io::Error::other("it has ended"))
}

/// An empty folder for a snapshot, that functions may look into once it is mounted.
pub fn make_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}
