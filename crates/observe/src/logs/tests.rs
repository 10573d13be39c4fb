//! The log store as its users see it.

mod keeping;
mod searching;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::local::LocalFileSystem;
use skiff_domain::AttemptRecord;
use skiff_invoker::Recorder;
use skiff_store::{Bucket, ManualClock, MemStore, Prefix, Store, UsageBy, UsageCounts, UsageQuery};
use tempfile::TempDir;

use super::fixtures::start;
use super::{LogPage, LogQuery, LogStore, LogStoreConfig};
use crate::metrics::Metrics;

/// A folder and a store that log stores are opened on, one after the other.
struct Bench {
    folder: TempDir,
    store: Arc<dyn Store>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("blobs")).unwrap();
        Self {
            folder,
            store: Arc::new(MemStore::new()),
        }
    }

    fn blobs(&self) -> std::path::PathBuf {
        self.folder.path().join("blobs")
    }

    /// Small segments: a few records each.
    fn config(&self) -> LogStoreConfig {
        let blobs = LocalFileSystem::new_with_prefix(self.blobs()).unwrap();
        LogStoreConfig {
            segment_bytes: 1024,
            sync_interval: Duration::from_millis(1),
            retention_interval: Duration::ZERO,
            // The time of the records, which are not to be too old.
            clock: ManualClock::at(start()).clock(),
            ..LogStoreConfig::new(
                self.folder.path().join("wal"),
                Arc::new(blobs),
                Arc::clone(&self.store),
                "n1".parse().unwrap(),
                Metrics::new(),
            )
        }
    }

    async fn open(&self) -> LogStore {
        LogStore::open(self.config()).await.unwrap()
    }

    /// Keys of the store below `log/`.
    async fn rows(&self, folder: &str) -> Vec<String> {
        let prefix: Prefix = format!("log/{folder}/").parse().unwrap();
        let page = self.store.list(&prefix, None, 1000).await.unwrap();
        page.entries.iter().map(|entry| entry.key.to_string()).collect()
    }

    /// All that was metered.
    async fn usage(&self) -> UsageCounts {
        let query = UsageQuery {
            start: start() - Duration::from_secs(60),
            end: start() + Duration::from_secs(1_000_000),
            uid: None,
            namespace: None,
            bucket: Bucket::Whole,
            by: UsageBy::Total,
        };
        let sums = self.store.usage(&query).await.unwrap();
        sums.first().map(|sum| sum.counts).unwrap_or_default()
    }
}

fn files(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let count = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path) } else { 1 }
    };
    entries.map(count).sum()
}

fn all() -> LogQuery {
    LogQuery {
        limit: super::query::REACH_MAX,
        ..LogQuery::default()
    }
}

async fn find(logs: &LogStore, query: &LogQuery) -> LogPage {
    logs.query(query).await.unwrap()
}

fn post(logs: &LogStore, records: impl IntoIterator<Item = AttemptRecord>) {
    records.into_iter().for_each(|record| logs.record(record));
}
