//! The embedded engine behind the Store trait: SQLite, in one file of a local disk.
//!
//! Owns the file, its schema and who may touch it when: one thread writes, and commits for everybody who waits with
//! one sync of the disk; a few connections read, briefly; one thread folds the write-ahead log into the file.
//! Invariant: nothing outside this crate knows that the store is SQLite.

mod ballast;
mod checkpoint;
mod connection;
mod filesystem;
mod open;
mod reader;
mod schema;
mod store;
mod transaction;
mod writer;

pub use open::OpenError;
pub use store::SqliteStore;
