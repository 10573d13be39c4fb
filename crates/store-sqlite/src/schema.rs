//! The schema and its numbered migrations.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::open::OpenError;

/// `SKIF`: marks the file as ours (`PRAGMA application_id`).
const APPLICATION_ID: u32 = 0x534b_4946;

/// Every migration, in order. A migration that has been released is never changed.
const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001_store.sql")];

/// Brings the file to the last schema, each step whole or not at all.
pub(crate) fn migrate(conn: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let refused = |source| OpenError::Engine {
        path: path.to_owned(),
        source,
    };
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let found = number(conn, "user_version").map_err(refused)?;
    let owner = number(conn, "application_id").map_err(refused)?;
    let is_empty: bool = conn
        .query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
        .map_err(refused)?;
    if owner != APPLICATION_ID && !is_empty {
        return Err(OpenError::NotAStore { path: path.to_owned() });
    }
    if found > known {
        return Err(OpenError::TooNew {
            path: path.to_owned(),
            found,
            known,
        });
    }
    for (version, sql) in (1..=known).zip(MIGRATIONS).skip(found as usize) {
        step(conn, version, sql).map_err(refused)?;
    }
    Ok(())
}

fn step(conn: &mut Connection, version: u32, sql: &str) -> rusqlite::Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(sql)?;
    tx.pragma_update(None, "user_version", version)?;
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.commit()
}

fn number(conn: &Connection, pragma: &str) -> rusqlite::Result<u32> {
    conn.pragma_query_value(None, pragma, |row| row.get(0))
}
