//! The embedded engine behind the Store trait: SQLite.
