//! Builds a template's root file system and moves the calling process into it.
//!
//! Runs in a zygote's process before it becomes the runtime. Every cell inherits the result, so that no root has to
//! be pivoted at a birth.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change, mount_remount, unmount,
};
use rustix::process::{chdir, pivot_root};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::template::{Boot, LIBRARY_PATH, Template};

/// The shared object of `cell/lib.rs`.
const LIBRARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/libskiffcell.so"));

/// Folders every root has.
const FOLDERS: &[&str] = &[
    "dev",
    "etc",
    "proc",
    "sys",
    "tmp",
    "var/empty",
    "var/runtime",
    "home/qcloud",
    "root",
    "run",
];
/// Devices a computation may use.
const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom"];
/// Links of `/dev`. POSIX shared memory lives in the private `/tmp`: nothing else is writable.
const DEVICE_LINKS: &[(&str, &str)] = &[
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("shm", "/tmp"),
];

/// A step of the building that failed.
#[derive(Debug, thiserror::Error)]
#[error("{step}{}", .path.as_ref().map(|path| format!(" {}", path.display())).unwrap_or_default())]
pub(crate) struct RootError {
    step: &'static str,
    path: Option<PathBuf>,
    #[source]
    source: io::Error,
}

fn step(step: &'static str, path: impl Into<Option<PathBuf>>) -> impl FnOnce(io::Error) -> RootError {
    let path = path.into();
    move |source| RootError { step, path, source }
}

/// Builds the root on a file system in memory mounted over `staging`, and makes it this process's own. `uids` are
/// the users instances run as; all of them are called `qcloud`.
pub(crate) fn enter(template: &Template, staging: &Path, uids: std::ops::Range<u32>) -> Result<(), RootError> {
    // SAFETY: the only flag is NEWNS, which leaves the table of descriptors shared as it was; the process has one
    // thread.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }
        .map_err(io_error)
        .map_err(step("leave the mount namespace", None))?;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .map_err(io_error)
        .map_err(step("make mounts private", None))?;
    mount(
        "skiff",
        staging,
        "tmpfs",
        MountFlags::NOSUID | MountFlags::NODEV,
        c"mode=0755,size=16m",
    )
    .map_err(io_error)
    .map_err(step("mount the root on", staging.to_owned()))?;
    populate(template, staging, uids)?;
    mount_remount(
        staging,
        MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV,
        c"mode=0755,size=16m",
    )
    .map_err(io_error)
    .map_err(step("make the root read-only", None))?;
    chdir(staging)
        .and_then(|()| pivot_root(".", "."))
        .map_err(io_error)
        .map_err(step("pivot the root", None))?;
    // The old root is now mounted over the new one.
    unmount(".", UnmountFlags::DETACH)
        .map_err(io_error)
        .map_err(step("let go of the host's root", None))?;
    chdir("/").map_err(io_error).map_err(step("enter the root", None))
}

fn populate(template: &Template, root: &Path, uids: std::ops::Range<u32>) -> Result<(), RootError> {
    for folder in FOLDERS {
        make_folder(&root.join(folder))?;
    }
    for folder in &template.folders {
        make_folder(&inside(root, folder))?;
    }
    for device in DEVICES {
        bind(
            &Path::new("/dev").join(device),
            &root.join("dev").join(device),
            MountFlags::NOSUID | MountFlags::NOEXEC,
        )?;
    }
    for (name, target) in DEVICE_LINKS {
        link(&root.join("dev").join(name), Path::new(target))?;
    }
    for item in &template.binds {
        bind(
            &item.source,
            &inside(root, &item.target),
            MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV,
        )?;
    }
    for item in &template.links {
        link(&inside(root, &item.path), &item.target)?;
    }
    for file in &template.files {
        write(&inside(root, &file.path), file.text.as_bytes())?;
    }
    for file in &template.blobs {
        write(&inside(root, &file.path), &file.content)?;
    }
    let (passwd, group) = accounts(uids);
    write(&root.join("etc/passwd"), passwd.as_bytes())?;
    write(&root.join("etc/group"), group.as_bytes())?;
    if matches!(template.boot, Boot::Fork(_)) {
        write(&inside(root, Path::new(LIBRARY_PATH)), LIBRARY)?;
    }
    Ok(())
}

/// A path of the new root while it is still a folder of the old one.
fn inside(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn make_folder(path: &Path) -> Result<(), RootError> {
    fs::create_dir_all(path).map_err(step("make the folder", path.to_owned()))
}

fn make_parent(path: &Path) -> Result<(), RootError> {
    path.parent().map_or(Ok(()), make_folder)
}

fn bind(source: &Path, target: &Path, flags: MountFlags) -> Result<(), RootError> {
    let is_folder = fs::metadata(source).map_err(step("find", source.to_owned()))?.is_dir();
    if is_folder {
        make_folder(target)?;
    } else {
        write(target, b"")?;
    }
    mount_bind(source, target)
        .map_err(io_error)
        .map_err(step("bind", source.to_owned()))?;
    // A bind mount takes its flags only from a second call.
    mount_remount(target, MountFlags::BIND | flags, c"")
        .map_err(io_error)
        .map_err(step("protect", target.to_owned()))
}

fn link(path: &Path, target: &Path) -> Result<(), RootError> {
    make_parent(path)?;
    symlink(target, path).map_err(step("make the link", path.to_owned()))
}

fn write(path: &Path, content: &[u8]) -> Result<(), RootError> {
    make_parent(path)?;
    fs::write(path, content).map_err(step("write", path.to_owned()))
}

fn accounts(uids: std::ops::Range<u32>) -> (String, String) {
    let mut passwd = String::from("root:x:0:0:root:/root:/usr/sbin/nologin\n");
    let mut group = String::from("root:x:0:\n");
    for uid in uids {
        // Writing into a string cannot fail.
        let _ = writeln!(passwd, "qcloud:x:{uid}:{uid}::/home/qcloud:/bin/sh");
        let _ = writeln!(group, "qcloud:x:{uid}:");
    }
    passwd.push_str("nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n");
    group.push_str("nogroup:x:65534:\n");
    (passwd, group)
}

fn io_error(errno: rustix::io::Errno) -> io::Error {
    errno.into()
}
