//! `unshare(2)` of the network.

use std::io;

use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Moves the calling thread, and it alone, into a new network namespace. The thread never comes back: let it end.
pub(crate) fn unshare_network() -> io::Result<()> {
    // SAFETY: only unsharing the descriptor table (`FILES`) can break what other threads rely on, and it stays shared.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }.map_err(io::Error::from)
}
