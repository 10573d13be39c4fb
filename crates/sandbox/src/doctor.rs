//! What this host offers for sandboxes, what it lacks and how to get it.

/// How well a host does in one respect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// Works, with less than it should.
    Degraded,
    /// Not there.
    Missing,
}

/// One thing looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// How it is.
    pub status: Status,
    /// What was found.
    pub detail: String,
    /// What to do about it; empty when there is nothing to do.
    pub mend: String,
    /// Whether a server without it cannot run functions at all.
    pub fatal: bool,
}

/// Looks at everything. Changes nothing.
#[must_use]
pub fn examine() -> Vec<Finding> {
    Vec::new()
}

/// The first finding without which no function can run.
///
/// # Errors
/// The finding, when there is one.
pub fn require() -> Result<(), Finding> {
    examine()
        .into_iter()
        .find(|finding| finding.fatal && finding.status == Status::Missing)
        .map_or(Ok(()), Err)
}
