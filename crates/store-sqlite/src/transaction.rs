//! What each operation does to the tables, inside one transaction of the writer.

use std::time::Duration;

use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, named_params, params};
use skiff_store::{
    Committed, DURATION_MAX, DedupId, Delivery, Epoch, Expect, How, Key, LIMIT_MAX, MessageId, Op, QueueId, Receipt,
    Rev, StoreError, UsageRow,
};

use crate::writer::{Claim, Lease};

/// Expired rows removed at a time.
const SWEEP_MAX: usize = 500;

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
                let id = match dedup {
                    Some(name) => self.enqueue_once(queue, name, body, *visible_in, *expires_in, now_ms)?,
                    None => self.enqueue(queue, body, *visible_in, *expires_in, now_ms)?,
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

    fn put(&mut self, key: &Key, value: &[u8], expect: Expect) -> rusqlite::Result<Applied> {
        let (key, rev) = (key.as_str(), self.counters.rev);
        let changed = match expect {
            Expect::Any => self.execute(
                "INSERT INTO docs (key, value, rev) VALUES (?1, ?2, ?3)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value, rev = excluded.rev",
                params![key, value, rev],
            )?,
            Expect::Absent => self.execute(
                "INSERT INTO docs (key, value, rev) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO NOTHING",
                params![key, value, rev],
            )?,
            Expect::Rev(Rev(found)) => self.execute(
                "UPDATE docs SET value = ?2, rev = ?3 WHERE key = ?1 AND rev = ?4",
                // A revision no file can hold is one no document has.
                params![key, value, rev, i64::try_from(found).unwrap_or(-1)],
            )?,
        };
        if changed == 1 {
            self.counters.gone -= self.execute("DELETE FROM gone WHERE key = ?1", [key])?;
        }
        Ok(Applied::when(changed == 1))
    }

    fn delete(&mut self, key: &Key, expect: Expect) -> rusqlite::Result<Applied> {
        let key = key.as_str();
        let found: Option<u64> = self.one("SELECT rev FROM docs WHERE key = ?1", [key])?;
        let holds = match expect {
            Expect::Any => true,
            Expect::Absent => found.is_none(),
            Expect::Rev(rev) => found == Some(rev.0),
        };
        if holds && found.is_some() {
            self.execute("DELETE FROM docs WHERE key = ?1", [key])?;
            self.execute("INSERT INTO gone VALUES (?1, ?2)", params![key, self.counters.rev])?;
            self.counters.gone += 1;
        }
        Ok(Applied::when(holds))
    }

    fn enqueue(
        &mut self,
        queue: &QueueId,
        body: &[u8],
        visible_in: Duration,
        expires_in: Duration,
        now_ms: i64,
    ) -> rusqlite::Result<MessageId> {
        self.counters.last_id += 1;
        let id = self.counters.last_id;
        self.execute(
            "INSERT INTO messages (id, queue, visible_at, expires_at, enqueued_at, life, leased, deliveries, token)
             VALUES (:id, :queue, :now + :visible_in, :now + :life, :now, :life, 0, 0, 0)",
            named_params! {
                ":id": id,
                ":queue": queue.as_str(),
                ":now": now_ms,
                ":visible_in": ms(visible_in),
                ":life": ms(expires_in),
            },
        )?;
        self.execute("INSERT INTO bodies VALUES (?1, ?2)", params![id, body])?;
        Ok(MessageId(id))
    }

    fn enqueue_once(
        &mut self,
        queue: &QueueId,
        name: &DedupId,
        body: &[u8],
        visible_in: Duration,
        expires_in: Duration,
        now_ms: i64,
    ) -> rusqlite::Result<MessageId> {
        let first = self.one(
            "SELECT id FROM dedup WHERE queue = ?1 AND name = ?2 AND until > ?3",
            params![queue.as_str(), name.as_str(), now_ms],
        )?;
        if let Some(first) = first {
            return Ok(MessageId(first));
        }
        let id = self.enqueue(queue, body, visible_in, expires_in, now_ms)?;
        self.execute(
            "INSERT OR REPLACE INTO dedup VALUES (?1, ?2, ?3, ?4)",
            params![queue.as_str(), name.as_str(), id.0, now_ms + ms(expires_in)],
        )?;
        Ok(id)
    }

    fn settle(&mut self, receipt: &Receipt, how: &How, now_ms: i64) -> rusqlite::Result<Applied> {
        // What every settlement finds: the claim the receipt is of, still the last one.
        const HELD: &str = "id = :id AND queue = :queue AND token = :token AND leased AND expires_at > :now";
        let (change, until, to) = match how {
            How::Ack => ("DELETE FROM messages", None, None),
            How::Retry { delay } => (
                "UPDATE messages SET visible_at = :until, leased = 0",
                Some(*delay),
                None,
            ),
            How::Extend { lease } => (
                "UPDATE messages SET visible_at = :until, expires_at = max(expires_at, :until)",
                Some(*lease),
                None,
            ),
            How::Dead { queue } => (
                "UPDATE messages SET queue = :to, enqueued_at = :now, visible_at = :now, expires_at = :now + life,
                        leased = 0, deliveries = 0",
                None,
                Some(queue.as_str()),
            ),
        };
        let Ok(token) = i64::try_from(receipt.token) else {
            return Ok(Applied::Conflict);
        };
        let Ok(id) = i64::try_from(receipt.id.0) else {
            return Ok(Applied::Conflict);
        };
        let until = until.map(|until| now_ms + ms(until));
        let queue = receipt.queue.as_str();
        let mut values: Vec<(&str, &dyn ToSql)> =
            vec![(":id", &id), (":queue", &queue), (":token", &token), (":now", &now_ms)];
        if let Some(until) = &until {
            values.push((":until", until));
        }
        if let Some(to) = &to {
            values.push((":to", to));
        }
        let mut statement = self.tx.prepare_cached(&format!("{change} WHERE {HELD}"))?;
        Ok(Applied::when(statement.execute(values.as_slice())? == 1))
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

    /// Forgets the oldest deletions when there are too many, the oldest tenth at once.
    fn forget_deletions(&mut self) -> rusqlite::Result<()> {
        let Counters { gone, .. } = self.counters;
        if gone <= self.deletions_max {
            return Ok(());
        }
        let excess = gone - (self.deletions_max - self.deletions_max / 10);
        let last = "SELECT rev FROM gone ORDER BY rev, key LIMIT 1 OFFSET ?1";
        if let Some(horizon) = self.one(last, [excess - 1])? {
            self.counters.horizon = horizon;
        }
        self.counters.gone -= self.execute(
            "DELETE FROM gone WHERE key IN (SELECT key FROM gone ORDER BY rev, key LIMIT ?1)",
            [excess],
        )?;
        Ok(())
    }

    pub(crate) fn claim(&mut self, claim: &Claim, now_ms: i64) -> rusqlite::Result<Vec<Delivery>> {
        let mut statement = self.tx.prepare_cached(
            "SELECT id, token + 1, deliveries + 1, enqueued_at, life, body FROM messages JOIN bodies USING (id)
             WHERE queue = ?1 AND visible_at <= ?2 AND expires_at > ?2 ORDER BY visible_at, id LIMIT ?3",
        )?;
        let ready = statement.query_map(params![claim.queue.as_str(), now_ms, claim.n.min(LIMIT_MAX)], |row| {
            let (enqueued_at_ms, life_ms): (i64, i64) = (row.get(3)?, row.get(4)?);
            Ok(Delivery {
                receipt: Receipt {
                    queue: claim.queue.clone(),
                    id: MessageId(row.get(0)?),
                    token: row.get(1)?,
                },
                deliveries: row.get(2)?,
                body: row.get::<_, Vec<u8>>(5)?.into(),
                enqueued_at: timestamp(enqueued_at_ms),
                expires_at: timestamp(enqueued_at_ms + life_ms),
            })
        })?;
        let deliveries: Vec<Delivery> = ready.collect::<rusqlite::Result<_>>()?;
        let until = now_ms + ms(claim.lease);
        for delivery in &deliveries {
            // Under a lease a message does not expire: its life ends with the lease at the earliest.
            self.execute(
                "UPDATE messages SET leased = 1, visible_at = ?2, expires_at = max(expires_at, ?2),
                        token = ?3, deliveries = ?4 WHERE id = ?1",
                params![
                    delivery.receipt.id.0,
                    until,
                    delivery.receipt.token,
                    delivery.deliveries
                ],
            )?;
        }
        Ok(deliveries)
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

    /// Removes some of what has expired. True when there is no more.
    pub(crate) fn sweep(&mut self, now_ms: i64) -> rusqlite::Result<bool> {
        let messages = self.execute(
            "DELETE FROM messages WHERE id IN
             (SELECT id FROM messages WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
            params![now_ms, SWEEP_MAX],
        )?;
        let names = self.execute(
            "DELETE FROM dedup WHERE (queue, name) IN
             (SELECT queue, name FROM dedup WHERE until <= ?1 ORDER BY until LIMIT ?2)",
            params![now_ms, SWEEP_MAX],
        )?;
        Ok(messages < SWEEP_MAX && names < SWEEP_MAX)
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

fn timestamp(ms: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX)
}
