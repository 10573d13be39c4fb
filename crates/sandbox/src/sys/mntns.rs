//! `unshare(2)` of what stands between a thread and another mount namespace.

use std::io;

use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Gives the calling thread a root and a working directory of its own; at first they are what they were.
pub(crate) fn unshare_root() -> io::Result<()> {
    // SAFETY: only unsharing the descriptor table (`FILES`) can break what other threads rely on, and it stays shared.
    unsafe { unshare_unsafe(UnshareFlags::FS) }.map_err(io::Error::from)
}

/// Moves the calling thread, and it alone, into a copy of its mount namespace.
#[cfg(test)]
pub(crate) fn unshare_mounts() -> io::Result<()> {
    // SAFETY: as above.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }.map_err(io::Error::from)
}
