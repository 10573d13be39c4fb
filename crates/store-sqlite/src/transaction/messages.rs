//! Messages: sent, claimed, settled, expired.

use std::time::Duration;

use rusqlite::types::ToSql;
use rusqlite::{named_params, params};
use skiff_store::{DedupId, Delivery, How, LIMIT_MAX, MessageId, QueueId, Receipt};

use super::{Applied, Transaction, ms};
use crate::writer::Claim;

/// Expired rows removed at a time.
const SWEEP_MAX: usize = 500;

/// A message to be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sending<'a> {
    pub(super) queue: &'a QueueId,
    pub(super) body: &'a [u8],
    pub(super) visible_in: Duration,
    pub(super) life: Duration,
}

impl Transaction<'_> {
    pub(super) fn enqueue(&mut self, sending: &Sending<'_>, now_ms: i64) -> rusqlite::Result<MessageId> {
        self.counters.last_id += 1;
        let id = self.counters.last_id;
        self.execute(
            "INSERT INTO messages (id, queue, visible_at, expires_at, enqueued_at, life, leased, deliveries, token)
             VALUES (:id, :queue, :now + :visible_in, :now + :life, :now, :life, 0, 0, 0)",
            named_params! {
                ":id": id,
                ":queue": sending.queue.as_str(),
                ":now": now_ms,
                ":visible_in": ms(sending.visible_in),
                ":life": ms(sending.life),
            },
        )?;
        self.execute("INSERT INTO bodies VALUES (?1, ?2)", params![id, sending.body])?;
        Ok(MessageId(id))
    }

    pub(super) fn enqueue_once(
        &mut self,
        sending: &Sending<'_>,
        name: &DedupId,
        now_ms: i64,
    ) -> rusqlite::Result<MessageId> {
        let queue = sending.queue.as_str();
        let first = self.one(
            "SELECT id FROM dedup WHERE queue = ?1 AND name = ?2 AND until > ?3",
            params![queue, name.as_str(), now_ms],
        )?;
        if let Some(first) = first {
            return Ok(MessageId(first));
        }
        let id = self.enqueue(sending, now_ms)?;
        self.execute(
            "INSERT OR REPLACE INTO dedup VALUES (?1, ?2, ?3, ?4)",
            params![queue, name.as_str(), id.0, now_ms + ms(sending.life)],
        )?;
        Ok(id)
    }

    pub(super) fn settle(&mut self, receipt: &Receipt, how: &How, now_ms: i64) -> rusqlite::Result<Applied> {
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
}

fn timestamp(ms: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX)
}
