//! What can go wrong with a store.

use crate::doc::Rev;

/// Why a store did not do it. Nothing was changed, except where `Engine` says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A precondition does not hold: the document, receipt, firing or lease is not as expected.
    #[error("operation {index} found something else than it expected")]
    Conflict {
        /// Which operation of the commit, counted from 0.
        index: usize,
    },
    /// A value or body is larger than [`crate::VALUE_BYTES_MAX`].
    #[error(
        "operation {index} holds {bytes} bytes; at most {} are allowed",
        crate::VALUE_BYTES_MAX
    )]
    TooLarge {
        /// Which operation.
        index: usize,
        /// Its size.
        bytes: usize,
    },
    /// A commit of more than [`crate::OPS_MAX`] operations.
    #[error("a commit of {ops} operations; at most {} are allowed", crate::OPS_MAX)]
    TooManyOps {
        /// How many there were.
        ops: usize,
    },
    /// A duration longer than [`crate::DURATION_MAX`], a minute that is none, or a count that no engine can hold.
    #[error("operation {index} holds a time or count out of range")]
    OutOfRange {
        /// Which operation; 0 for a question.
        index: usize,
    },
    /// The changes asked for are no longer all there: load everything again.
    #[error("changes before revision {} are no longer kept", horizon.0)]
    Compacted {
        /// The lowest revision one can still ask after.
        horizon: Rev,
    },
    /// A read took longer than its deadline and was stopped.
    #[error("the store took too long to answer")]
    Timeout,
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// The engine failed. Whether a commit went through is not known; if it did, it did whole.
    #[error("the store's engine failed")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
}
