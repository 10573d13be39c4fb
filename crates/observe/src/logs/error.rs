//! What can go wrong with logs.

use std::io;
use std::path::PathBuf;

use skiff_store::StoreError;

/// Why the logs could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The local log could not be read or written.
    #[error("{path}", path = path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The index could not be read.
    #[error("read the index of the logs")]
    Store(#[source] StoreError),
}

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// Offset and limit together reach further than a search goes.
    #[error("Offset + Limit must be at most {max}", max = crate::logs::query::REACH_MAX)]
    TooFar,
    /// The log store is shut down.
    #[error("the log store is shut down")]
    Closed,
    /// The local log could not be read.
    #[error("read the local log")]
    Io(#[source] io::Error),
    /// The index could not be read.
    #[error("read the index of the logs")]
    Store(#[source] StoreError),
    /// A chunk could not be read.
    #[error("read a chunk of the logs")]
    Blob(#[source] object_store::Error),
}
