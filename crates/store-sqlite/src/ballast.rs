//! Room kept on the disk for removals: on a full one even a deletion has to be written somewhere, and only deletions
//! make room again.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

/// Room for the logs of many removals.
const BYTES: u64 = 4 * 1024 * 1024;
/// It is taken only where this many times as much is free: what is nearly full is left to those who need it.
const FREE_MIN: u64 = 4;
/// Between two tries to take it again.
const RETRY: Duration = Duration::from_secs(60);

/// A file that holds the room, beside the store's.
#[derive(Debug)]
pub(crate) struct Ballast {
    path: PathBuf,
    is_held: bool,
    next_try: Instant,
}

impl Ballast {
    /// Takes the room for the store in this file, where there is enough of it.
    pub(crate) fn of(store: &Path) -> Self {
        let mut ballast = Self {
            path: store.with_extension("ballast"),
            is_held: false,
            next_try: Instant::now(),
        };
        ballast.tend();
        ballast
    }

    /// Takes the room again, once there is enough of it. Cheap while nothing is to be done.
    pub(crate) fn tend(&mut self) {
        if self.is_held || Instant::now() < self.next_try {
            return;
        }
        self.next_try = Instant::now() + RETRY;
        match take(&self.path) {
            Ok(is_held) => self.is_held = is_held,
            Err(error) => {
                // Some file systems cannot set room aside. Everything else works without.
                tracing::debug!(%error, path = %self.path.display(), "no room could be set aside");
                let _ = fs::remove_file(&self.path);
            }
        }
    }

    /// Gives the room to who needs it now. False when there is none.
    pub(crate) fn give_up(&mut self) -> bool {
        if !std::mem::take(&mut self.is_held) {
            return false;
        }
        self.next_try = Instant::now() + RETRY;
        tracing::warn!("the disk is full: room kept for removals is used");
        fs::remove_file(&self.path).is_ok()
    }
}

/// False where too little is free. What is there from the last time counts.
fn take(path: &Path) -> io::Result<bool> {
    let file = File::options().write(true).create(true).truncate(false).open(path)?;
    if file.metadata()?.len() == BYTES {
        return Ok(true);
    }
    let free = statvfs(path).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))?;
    if free < FREE_MIN * BYTES {
        fs::remove_file(path)?;
        return Ok(false);
    }
    fallocate(&file, FallocateFlags::empty(), 0, BYTES)?;
    Ok(true)
}
