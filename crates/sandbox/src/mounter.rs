//! The thread that mounts into sandboxes.
//!
//! Entering a mount namespace needs a thread whose root and working directory are its own, so there is one that does
//! nothing else. It trusts nothing inside: the targets are folders of the read-only template. It goes home after each
//! job: whoever is last to leave the namespace of a dead sandbox takes it apart, which takes milliseconds.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, mpsc};
use std::thread;

use rustix::fs::CWD;
use rustix::mount::{MoveMountFlags, move_mount};
use rustix::thread::{
    LinkNameSpaceType, ThreadNameSpaceType, UnshareFlags, move_into_link_name_space, move_into_thread_name_spaces,
    unshare_unsafe,
};
use tokio::sync::oneshot;

/// A hand on the mounting thread. The thread ends with the last hand.
#[derive(Debug, Clone)]
pub struct Mounter {
    jobs: mpsc::Sender<Job>,
}

#[derive(Debug)]
struct Job {
    sandbox: Arc<OwnedFd>,
    trees: Vec<(OwnedFd, CString)>,
    done: oneshot::Sender<io::Result<()>>,
}

impl Mounter {
    /// Starts the thread.
    pub fn start() -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (started, has_started) = mpsc::channel();
        thread::Builder::new().name("skiff-mounter".to_owned()).spawn(move || {
            // SAFETY: only the root and working directory are no longer shared with other threads, and this thread
            // uses neither but through the namespaces it enters below.
            let alone = unsafe { unshare_unsafe(UnshareFlags::FS) };
            let home = alone
                .map_err(io::Error::from)
                .and_then(|()| File::open("/proc/thread-self/ns/mnt"));
            let home = match home {
                Ok(home) => home,
                Err(error) => {
                    let _ = started.send(Err(error));
                    return;
                }
            };
            let _ = started.send(Ok(()));
            for job in queue {
                // Whoever gave up waiting has dropped the sandbox with it.
                let _ = job.done.send(attach(&job.sandbox, &job.trees));
                if let Err(error) = move_into_link_name_space(home.as_fd(), Some(LinkNameSpaceType::Mount)) {
                    tracing::error!(%error, "the mounting thread could not leave a sandbox's mount namespace");
                }
            }
        })?;
        has_started
            .recv()
            .map_err(|_| io::Error::other("the mounting thread ended"))??;
        Ok(Self { jobs })
    }

    /// Attaches detached trees inside the sandbox whose first process this is.
    pub(crate) fn attach(&self, sandbox: Arc<OwnedFd>, trees: Vec<(OwnedFd, CString)>) -> io::Result<Mounting> {
        let (done, is_done) = oneshot::channel();
        self.jobs.send(Job { sandbox, trees, done }).map_err(|_| ended())?;
        Ok(Mounting(is_done))
    }
}

/// A job of the mounting thread's.
#[derive(Debug)]
pub struct Mounting(oneshot::Receiver<io::Result<()>>);

impl Mounting {
    /// Waits until it is done.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the job to the thread; drop the sandbox with it.
    pub async fn done(self) -> io::Result<()> {
        self.0.await.map_err(|_| ended())?
    }
}

fn ended() -> io::Error {
    io::Error::other("the mounting thread ended")
}

fn attach(sandbox: &OwnedFd, trees: &[(OwnedFd, CString)]) -> io::Result<()> {
    move_into_thread_name_spaces(sandbox.as_fd(), ThreadNameSpaceType::MOUNT)?;
    for (tree, target) in trees {
        move_mount(
            tree,
            c"",
            CWD,
            target.as_c_str(),
            MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
        )?;
    }
    Ok(())
}
