//! Mounting into sandboxes.
//!
//! Whoever mounts into a sandbox goes there: the calling thread enters the sandbox's mount namespace, attaches, and is
//! home again before this returns, a few dozen microseconds later. That takes a root and a working directory of its own,
//! which the kernel insists on and a thread of the server's gets the first time. Nothing inside is trusted: the targets
//! are folders of the read-only template.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::abort;

use rustix::fs::{CWD, Mode, OFlags, open};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, move_mount};
use rustix::process::{chroot, fchdir};
use rustix::thread::{LinkNameSpaceType, ThreadNameSpaceType, move_into_link_name_space, move_into_thread_name_spaces};

use crate::sys::mntns;

/// The way home for whoever mounts into a sandbox.
#[derive(Debug)]
pub struct Mounter {
    namespace: File,
    root: OwnedFd,
    folder: OwnedFd,
}

impl Mounter {
    /// Where the calling thread is, is home.
    pub fn open() -> io::Result<Self> {
        let folder = |path| open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        Ok(Self {
            namespace: File::open("/proc/thread-self/ns/mnt")?,
            root: folder("/")?,
            folder: folder(".")?,
        })
    }

    /// Attaches detached trees inside the sandbox whose first process this is.
    pub(crate) fn attach(&self, sandbox: impl AsFd, trees: &[(OwnedFd, CString)]) -> io::Result<()> {
        let _away = self.enter(sandbox)?;
        for (tree, target) in trees {
            let by_descriptor = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
            move_mount(tree, c"", CWD, target.as_c_str(), by_descriptor)?;
        }
        Ok(())
    }

    fn enter(&self, sandbox: impl AsFd) -> io::Result<Away<'_>> {
        let enter = || move_into_thread_name_spaces(sandbox.as_fd(), ThreadNameSpaceType::MOUNT);
        match enter() {
            // Its root and working directory are another thread's, too: it was started by it, or has started it.
            Err(Errno::INVAL) => {
                mntns::unshare_root()?;
                enter()
            }
            entered => entered,
        }?;
        Ok(Away(self))
    }

    fn go_home(&self) -> io::Result<()> {
        move_into_link_name_space(self.namespace.as_fd(), Some(LinkNameSpaceType::Mount))?;
        // The namespace's root and the server's need not be the same.
        fchdir(&self.root)?;
        chroot(c".")?;
        fchdir(&self.folder)?;
        Ok(())
    }
}

/// The calling thread is inside a sandbox. Dropping this brings it home.
struct Away<'a>(&'a Mounter);

impl Drop for Away<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.0.go_home() {
            // Every path it opened from here on would be one of the sandbox's.
            tracing::error!(%error, "a thread of the server cannot leave a sandbox; the server ends");
            abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, thread};

    use super::*;

    /// Needs root, as all that makes sandboxes does.
    #[test]
    fn a_thread_that_mounted_elsewhere_is_home_again_and_its_paths_with_it() {
        let mounter = Mounter::open().expect("root");
        let (folder, before) = (
            env::current_dir().expect("a folder"),
            fs::read_link("/proc/thread-self/ns/mnt"),
        );
        let elsewhere = thread::spawn(|| {
            mntns::unshare_mounts().expect("root");
            File::open("/proc/thread-self/ns/mnt").expect("proc")
        });
        let elsewhere = elsewhere.join().expect("it has it");
        for _ in 0..2 {
            let inside = mntns::unshare_root().and_then(|()| {
                move_into_link_name_space(elsewhere.as_fd(), Some(LinkNameSpaceType::Mount))?;
                let away = Away(&mounter);
                let inside = fs::read_link("/proc/thread-self/ns/mnt");
                drop(away);
                inside
            });
            assert_ne!(inside.ok(), before.as_ref().ok().cloned(), "it was away");
            assert_eq!(
                fs::read_link("/proc/thread-self/ns/mnt").ok(),
                before.as_ref().ok().cloned()
            );
            assert_eq!(
                env::current_dir().ok(),
                Some(folder.clone()),
                "paths are what they were"
            );
        }
    }

    #[test]
    fn who_cannot_enter_stays_at_home() {
        let mounter = Mounter::open().expect("root");
        let before = fs::read_link("/proc/thread-self/ns/mnt").expect("proc");
        let no_process = File::open("/dev/null").expect("there is one");
        assert!(mounter.attach(&no_process, &[]).is_err());
        assert_eq!(fs::read_link("/proc/thread-self/ns/mnt").ok(), Some(before));
    }
}
