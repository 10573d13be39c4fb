//! A mark on a process inside a sandbox, by which it is found, waited for and ended from outside: how tests know that a
//! call is running, and let it go on.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::{eventually, with_argument};

static NEXT: AtomicU32 = AtomicU32::new(1);
const SOON: Duration = Duration::from_secs(60);

/// The argument of a `sleep` nobody else sleeps.
#[derive(Debug)]
pub struct Mark(String);

impl Default for Mark {
    fn default() -> Self {
        // More than a day, and a number of seconds.
        Self(format!(
            "1{:08}.{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        ))
    }
}

impl Mark {
    /// The argument.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The processes that have it now.
    pub fn bearers(&self) -> BTreeSet<u32> {
        with_argument(&self.0)
    }

    /// Waits for a process that has it.
    pub fn appeared(&self) -> u32 {
        eventually(SOON, "a marked process", || self.bearers().first().copied())
    }

    /// Waits until no process has it.
    pub fn vanished(&self) {
        eventually(SOON, "marked processes to be gone", || {
            self.bearers().is_empty().then_some(())
        });
    }

    /// Ends the processes that have it.
    pub fn release(&self) {
        for pid in self.bearers() {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.release();
    }
}
