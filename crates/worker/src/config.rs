//! What a worker is told at its start.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use skiff_runtimes::{Manifest, Platform};
use tokio::sync::mpsc;

use crate::Inbound;

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
        }
    }
}

/// The first user id of sandboxes: above those that distributions and `useradd` give out, below 2^31.
pub(crate) const UID_FIRST: u32 = 1_900_000_000;
