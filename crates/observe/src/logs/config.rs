//! How the log store is set up.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use skiff_store::{Clock, NodeId, Store};

use crate::metrics::Metrics;

/// How the log store is set up. [`LogStoreConfig::new`] gives the defaults.
#[derive(Debug, Clone)]
pub struct LogStoreConfig {
    /// The folder of the local log; this process's alone.
    pub dir: PathBuf,
    /// Where sealed chunks go.
    pub blobs: Arc<dyn ObjectStore>,
    /// Where the index of the chunks and the meter are.
    pub store: Arc<dyn Store>,
    /// Who writes: part of the chunks' names.
    pub node: NodeId,
    /// What records are counted in.
    pub metrics: Metrics,
    /// How long records are kept: 7 days by default (CONTRACT 5.2).
    pub retention_age: Duration,
    /// How many bytes of sealed chunks are kept; the oldest go first. 2 GiB by default.
    pub retention_bytes: u64,
    /// How often chunks that became too old are looked for. A clock that is ahead for less than that removes none.
    pub retention_interval: Duration,
    /// A segment is sealed when it holds this many bytes. 4 MiB by default, which compress to about 1 MiB.
    pub segment_bytes: u64,
    /// A segment is sealed when its first record is this old. One hour by default.
    pub segment_age: Duration,
    /// How long an appended record may wait for the disk. Only a power cut can lose it meanwhile.
    pub sync_interval: Duration,
    /// The time.
    pub clock: Clock,
}

impl LogStoreConfig {
    /// The defaults.
    #[must_use]
    pub fn new(
        dir: PathBuf,
        blobs: Arc<dyn ObjectStore>,
        store: Arc<dyn Store>,
        node: NodeId,
        metrics: Metrics,
    ) -> Self {
        Self {
            dir,
            blobs,
            store,
            node,
            metrics,
            retention_age: Duration::from_secs(7 * 24 * 3600),
            retention_bytes: 2 << 30,
            retention_interval: Duration::from_secs(600),
            segment_bytes: 4 << 20,
            segment_age: Duration::from_secs(3600),
            sync_interval: Duration::from_millis(100),
            clock: Clock::system(),
        }
    }
}
