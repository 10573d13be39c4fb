//! Puts appended records on disk, on a thread of its own: neither a call nor the writer waits for the disk.
//!
//! What was appended survives the end of the process at once, since the kernel has it; only a power cut can take what
//! this thread has not come to. It syncs once per interval for everything appended meanwhile.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

#[derive(Debug)]
enum Job {
    /// Within the interval.
    Soon(Arc<File>),
    /// Now, and say so.
    Now(Arc<File>, oneshot::Sender<()>),
}

/// The thread's handle, the writer's alone. Dropping it waits for the last sync.
#[derive(Debug)]
pub(crate) struct Syncer {
    jobs: Option<Sender<Job>>,
    is_asked: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Syncer {
    pub(crate) fn start(interval: Duration) -> io::Result<Self> {
        // Unbounded, and yet short: between two syncs there is one job, one more per closed segment and per flush.
        let (sender, jobs) = channel();
        let is_asked = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&is_asked);
        let thread = thread::Builder::new()
            .name("log-sync".to_owned())
            .spawn(move || run(&jobs, &asked, interval))?;
        Ok(Self {
            jobs: Some(sender),
            is_asked,
            thread: Some(thread),
        })
    }

    /// The active segment grew.
    pub(crate) fn grown(&self, file: &Arc<File>) {
        if !self.is_asked.swap(true, Ordering::AcqRel) {
            self.send(Job::Soon(Arc::clone(file)));
        }
    }

    /// Nothing more comes to this segment.
    pub(crate) fn closed(&self, file: &Arc<File>) {
        self.send(Job::Soon(Arc::clone(file)));
    }

    /// Syncs at once.
    pub(crate) fn now(&self, file: &Arc<File>, done: oneshot::Sender<()>) {
        self.send(Job::Now(Arc::clone(file), done));
    }

    fn send(&self, job: Job) {
        if self.jobs.as_ref().is_none_or(|jobs| jobs.send(job).is_err()) {
            tracing::error!("the thread that syncs the logs is gone");
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that syncs the logs panicked");
        }
    }
}

fn run(jobs: &Receiver<Job>, is_asked: &AtomicBool, interval: Duration) {
    while let Ok(first) = jobs.recv() {
        let until = Instant::now() + interval;
        let mut batch = vec![first];
        while matches!(batch.last(), Some(Job::Soon(_))) {
            match jobs.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(job) => batch.push(job),
                Err(_) => break,
            }
        }
        // From here on an append asks anew: this sync may not cover it.
        is_asked.store(false, Ordering::Release);
        batch.extend(jobs.try_iter());
        sync(batch);
    }
}

fn sync(batch: Vec<Job>) {
    let mut files: Vec<Arc<File>> = Vec::new();
    let mut waiting = Vec::new();
    for job in batch {
        let file = match job {
            Job::Soon(file) => file,
            Job::Now(file, done) => {
                waiting.push(done);
                file
            }
        };
        if !files.iter().any(|known| Arc::ptr_eq(known, &file)) {
            files.push(file);
        }
    }
    for file in files {
        if let Err(error) = file.sync_data() {
            tracing::error!(%error, "logs could not be put on disk");
        }
    }
    for done in waiting {
        let _ = done.send(());
    }
}
