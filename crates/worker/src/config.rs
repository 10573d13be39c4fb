//! What a worker is told at its start.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use skiff_runtimes::{Manifest, Platform};
use tokio::sync::mpsc;

use crate::{Inbound, runtime_api};

/// A worker's settings.
#[derive(Debug)]
pub struct WorkerConfig {
    /// The server's name on this host: of its control groups, its network table. Lower-case letters, digits, `-`.
    pub server: String,
    /// A folder for what need not survive.
    pub run_dir: PathBuf,
    /// The program that calls `skiff_sandbox::zygote_main`, and its arguments.
    pub zygote_command: Vec<OsString>,
    /// What functions are told about the platform.
    pub platform: Platform,
    /// The runtimes of this host.
    pub runtimes: Vec<Manifest>,
    /// Where connections go that functions make to Skiff's own endpoints.
    pub inbound: mpsc::Sender<Inbound>,
    /// The pools.
    pub pool: PoolConfig,
}

/// How many are kept ready, and how many there may be.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// Stem cells kept ready per runtime and used network mode when nothing happens.
    pub stem_cells_min: usize,
    /// Most stem cells kept ready per runtime and network mode, however high the demand was.
    pub stem_cells_max: usize,
    /// Most instances and stem cells alive at once. Each has a user id of its own.
    pub sandboxes_max: u32,
    /// Memory of the host that functions must leave alone, in bytes; no instance is started below it.
    pub memory_reserve_bytes: u64,
    /// Sandboxes borne by one zygote before another takes its place: its children share its address layout and hash
    /// seed.
    pub zygote_births_max: u64,
    /// Age at which a zygote is replaced for the same reason.
    pub zygote_age_max: Duration,
    /// How long a zygote stays that no pool is kept of. Who deploys one function after the other finds it at each.
    pub zygote_unused_max: Duration,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            stem_cells_min: 4,
            stem_cells_max: 64,
            sandboxes_max: 2000,
            memory_reserve_bytes: 256 << 20,
            zygote_births_max: 2000,
            zygote_age_max: Duration::from_secs(30 * 60),
            zygote_unused_max: Duration::from_secs(60),
        }
    }
}

/// Descriptors that one sandbox costs the server at most: its control files, its pipes, its namespace and the doors in it;
/// and where the program comes to the runtime API, the listener and what it connects, which others have less of.
const DESCRIPTORS_PER_SANDBOX: u64 = 18 + 1 + runtime_api::CONNECTIONS_MAX as u64;
/// Descriptors left for connections, logs and packages, or half of all where there are few.
const DESCRIPTORS_LEFT: u64 = 4096;

impl PoolConfig {
    /// No more sandboxes than the server can have descriptors for: without any it could not even take a connection.
    pub(crate) fn within(mut self, open_files: u64) -> Self {
        let room = (open_files - DESCRIPTORS_LEFT.min(open_files / 2)) / DESCRIPTORS_PER_SANDBOX;
        let affordable = u32::try_from(room).unwrap_or(u32::MAX).max(1);
        if affordable < self.sandboxes_max {
            tracing::warn!(
                open_files,
                wanted = self.sandboxes_max,
                sandboxes = affordable,
                "the limit of open files allows fewer sandboxes than configured: raise LimitNOFILE"
            );
            self.sandboxes_max = affordable;
        }
        self
    }
}

/// The first user id of sandboxes: above those that distributions and `useradd` give out, below 2^31.
pub(crate) const UID_FIRST: u32 = 1_900_000_000;

#[cfg(test)]
mod tests {
    use super::PoolConfig;

    #[test]
    fn there_are_no_more_sandboxes_than_descriptors_for_them() {
        for (open_files, sandboxes) in [(1024, 18), (20_000, 589), (1_048_576, 2000), (u64::MAX, 2000), (0, 1)] {
            assert_eq!(
                PoolConfig::default().within(open_files).sandboxes_max,
                sandboxes,
                "{open_files}"
            );
        }
    }
}
