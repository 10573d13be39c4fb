//! How a connection is set up, and how SQLite's errors are told.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use skiff_store::StoreError;

/// Statements kept prepared on a connection: all that there are.
const STATEMENTS_MAX: usize = 64;

/// Opens the file with the settings every connection has.
///
/// - `synchronous=FULL`: a commit is on disk when it returns. `NORMAL` loses commits in a power cut.
/// - `wal_autocheckpoint=0`: the checkpoint thread does it, so that no commit pays for it.
pub(crate) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -65536;
         PRAGMA mmap_size = 268435456;
         PRAGMA wal_autocheckpoint = 0;",
    )?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(conn)
}

/// SQLite's error as the trait's users see it.
pub(crate) fn engine(error: rusqlite::Error) -> StoreError {
    if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) {
        return StoreError::Timeout;
    }
    StoreError::Engine(Box::new(error))
}

/// A value in the file that this crate never writes.
#[derive(Debug, thiserror::Error)]
#[error("the store's file holds a value that is not valid")]
pub(crate) struct Corrupt;

/// The error of a value that cannot be.
pub(crate) fn corrupt<E>(_: E) -> StoreError {
    StoreError::Engine(Box::new(Corrupt))
}
