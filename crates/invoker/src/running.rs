//! Which calls run now, by their ids: for those who ask what became of one.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;
use skiff_domain::{RequestId, Version};

/// A call that was accepted and has not ended.
#[derive(Debug, Clone)]
pub struct RunningCall {
    /// What runs.
    pub version: Arc<Version>,
    /// When it was accepted.
    pub started_at: Timestamp,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<HashMap<RequestId, RunningCall>>);

impl Running {
    /// Counts a call among them until what this returns is dropped.
    pub(crate) fn enter(&self, id: RequestId, call: RunningCall) -> Entered<'_> {
        self.0.lock().insert(id, call);
        Entered { running: self, id }
    }

    pub(crate) fn get(&self, id: RequestId) -> Option<RunningCall> {
        self.0.lock().get(&id).cloned()
    }
}

/// One of them, as long as this lives.
#[derive(Debug)]
pub(crate) struct Entered<'a> {
    running: &'a Running,
    id: RequestId,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.running.0.lock().remove(&self.id);
    }
}
