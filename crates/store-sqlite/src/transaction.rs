//! What each operation does to the tables, inside one transaction of the writer.

mod documents;
mod messages;

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, named_params, params};
use skiff_store::{Committed, DURATION_MAX, Epoch, MessageId, Op, Rev, StoreError, UsageRow};

use crate::writer::Lease;
use messages::Sending;

/// The numbers of the `counters` row. The writer alone changes them, and keeps them here meanwhile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counters {
    rev: u64,
    last_id: u64,
    gone: usize,
    horizon: u64,
}

impl Counters {
    pub(crate) fn load(conn: &Connection) -> rusqlite::Result<Self> {
        conn.query_row("SELECT rev, last_id, gone, horizon FROM counters", [], |row| {
            Ok(Self {
                rev: row.get(0)?,
                last_id: row.get(1)?,
                gone: row.get(2)?,
                horizon: row.get(3)?,
            })
        })
    }
}

/// One transaction: several requests, each whole or not at all. Rolled back when it is dropped.
#[derive(Debug)]
pub(crate) struct Transaction<'c> {
    tx: rusqlite::Transaction<'c>,
    counters: Counters,
    deletions_max: usize,
}

/// What became of an operation.
enum Applied {
    Done,
    Conflict,
}

impl Applied {
    fn when(holds: bool) -> Self {
        if holds { Self::Done } else { Self::Conflict }
    }
}

impl<'c> Transaction<'c> {
    pub(crate) fn begin(conn: &'c Connection, counters: Counters, deletions_max: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            tx: rusqlite::Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?,
            counters,
            deletions_max,
        })
    }

    /// Commits; durable when it returns.
    pub(crate) fn commit(self) -> rusqlite::Result<Counters> {
        let Counters {
            rev,
            last_id,
            gone,
            horizon,
        } = self.counters;
        self.execute(
            "UPDATE counters SET rev = ?1, last_id = ?2, gone = ?3, horizon = ?4",
            params![rev, last_id, gone, horizon],
        )?;
        self.tx.commit()?;
        Ok(self.counters)
    }

    /// One request's operations, all or none.
    pub(crate) fn apply(&mut self, ops: &[Op], now_ms: i64) -> rusqlite::Result<Result<Committed, StoreError>> {
        let before = self.counters;
        let mut ids = Vec::new();
        if ops.is_empty() {
            return Ok(Ok(Committed {
                rev: Rev(before.rev),
                ids,
            }));
        }
        self.execute("SAVEPOINT request", [])?;
        self.counters.rev += 1;
        for (index, op) in ops.iter().enumerate() {
            if let Applied::Conflict = self.apply_one(op, now_ms, &mut ids)? {
                self.execute("ROLLBACK TO request", [])?;
                self.execute("RELEASE request", [])?;
                self.counters = before;
                return Ok(Err(StoreError::Conflict { index }));
            }
        }
        self.forget_deletions()?;
        self.execute("RELEASE request", [])?;
        let rev = Rev(self.counters.rev);
        Ok(Ok(Committed { rev, ids }))
    }

    fn apply_one(&mut self, op: &Op, now_ms: i64, ids: &mut Vec<MessageId>) -> rusqlite::Result<Applied> {
        match op {
            Op::Put { key, value, expect } => self.put(key, value, *expect),
            Op::Delete { key, expect } => self.delete(key, *expect),
            Op::Enqueue {
                queue,
                body,
                visible_in,
                dedup,
                expires_in,
            } => {
                let sending = Sending {
                    queue,
                    body,
                    visible_in: *visible_in,
                    life: *expires_in,
                };
                let id = match dedup {
                    Some(name) => self.enqueue_once(&sending, name, now_ms)?,
                    None => self.enqueue(&sending, now_ms)?,
                };
                ids.push(id);
                Ok(Applied::Done)
            }
            Op::Settle { receipt, how } => self.settle(receipt, how, now_ms),
            Op::Fire { trigger, at } => {
                let changed = self.execute(
                    "INSERT INTO fired VALUES (?1, ?2)
                     ON CONFLICT (trigger_key) DO UPDATE SET at = excluded.at WHERE excluded.at > at",
                    params![trigger.as_str(), at.as_millisecond()],
                )?;
                Ok(Applied::when(changed == 1))
            }
            Op::Usage(row) => self.usage(row),
            Op::Fence { lease, epoch } => {
                let held = self.one("SELECT epoch FROM leases WHERE name = ?1", [lease])?;
                Ok(Applied::when(held == Some(epoch.0)))
            }
        }
    }

    fn usage(&mut self, row: &UsageRow) -> rusqlite::Result<Applied> {
        let counts = &row.counts;
        self.execute(
            "INSERT OR IGNORE INTO usage
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
            params![
                row.node.as_str(),
                row.epoch.0,
                row.seq,
                row.minute.as_second(),
                row.uid.as_str(),
                row.key.namespace.as_str(),
                row.key.name.as_str(),
                row.label.as_str(),
                counts.invocations,
                counts.errors,
                counts.throttles,
                counts.cold_starts,
                counts.duration_us,
                counts.billed_ms,
                counts.mb_ms,
                counts.egress_bytes,
                counts.memory_peak_bytes,
            ],
        )?;
        Ok(Applied::Done)
    }

    pub(crate) fn lease(&mut self, lease: &Lease, now_ms: i64) -> rusqlite::Result<Option<Epoch>> {
        // Taken anew unless it is live: then only its holder keeps it, under the same epoch.
        let epoch = self.one(
            "INSERT INTO leases VALUES (:name, :who, 1, :until)
             ON CONFLICT (name) DO UPDATE
             SET epoch = epoch + (until <= :now), holder = excluded.holder, until = excluded.until
             WHERE until <= :now OR holder = excluded.holder
             RETURNING epoch",
            named_params! {
                ":name": lease.name,
                ":who": lease.who.as_str(),
                ":until": now_ms + ms(lease.ttl),
                ":now": now_ms,
            },
        )?;
        Ok(epoch.map(Epoch))
    }

    fn execute(&self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<usize> {
        self.tx.prepare_cached(sql)?.execute(values)
    }

    /// The first column of the one row there may be.
    fn one(&self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<Option<u64>> {
        self.tx
            .prepare_cached(sql)?
            .query_row(values, |row| row.get(0))
            .optional()
    }
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.min(DURATION_MAX).as_millis()).unwrap_or(i64::MAX)
}
