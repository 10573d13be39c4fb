//! Logs, metrics, usage of every attempt.

/// The log store's handle. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LogStore {}
