//! A process of this run: ended when it is dropped, so that no failed measurement leaves one behind.

use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a process may take to end by itself.
const END_MAX: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn new(child: Child) -> Self {
        Self(child)
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// True once it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It is our child and not waited for, so nobody else has its number.
        if let Some(pid) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM).ok();
        }
        let deadline = Instant::now() + END_MAX;
        while !self.has_ended() {
            if Instant::now() > deadline {
                self.0.kill().ok();
                self.0.wait().ok();
                return;
            }
            thread::sleep(LOOK);
        }
    }
}
