//! What can go wrong when the store is opened.

use std::io;
use std::path::PathBuf;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file lies on a network file system, where its locks and its shared memory do not hold.
    #[error("{path} is on a network file system ({kind}); put the data directory on a local disk", path = path.display())]
    NetworkFileSystem {
        /// The folder.
        path: PathBuf,
        /// The file system.
        kind: String,
    },
    /// The file is a database of some other program.
    #[error("{path} is not a store of Skiff", path = path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a later version of Skiff.
    #[error("{path} has schema {found}, this version of Skiff knows schemas up to {known}; use a newer Skiff", path = path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The last one known here.
        known: u32,
    },
    /// The folder could not be looked at.
    #[error("look at {path}", path = path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// SQLite refused.
    #[error("open {path}", path = path.display())]
    Engine {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// A thread could not be started.
    #[error("start a thread of the store")]
    Thread(#[source] io::Error),
}
