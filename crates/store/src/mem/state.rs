//! What the model holds, and what each operation does to it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::doc::{Change, Doc, Entry, Page, Rev};
use crate::error::StoreError;
use crate::key::{DedupId, Key, NodeId, Prefix, QueueId};
use crate::op::{Committed, Epoch, Expect, How, Op};
use crate::queue::{Delivery, MessageId, QueueStats, Receipt};
use crate::usage::{UsageBy, UsageQuery, UsageRow, UsageSum};
use crate::{DURATION_MAX, LIMIT_MAX};

#[derive(Debug, Clone)]
struct Message {
    queue: QueueId,
    body: bytes::Bytes,
    enqueued_at_ms: i64,
    life_ms: i64,
    visible_at_ms: i64,
    expires_at_ms: i64,
    leased: bool,
    deliveries: u32,
    token: u64,
}

#[derive(Debug, Clone)]
struct Lease {
    holder: NodeId,
    epoch: Epoch,
    until_ms: i64,
}

#[derive(Debug, Clone, Default)]
pub(super) struct State {
    rev: Rev,
    docs: BTreeMap<Key, Doc>,
    /// Deleted documents and the commit that deleted each.
    gone: BTreeMap<Key, Rev>,
    horizon: Rev,
    messages: BTreeMap<MessageId, Message>,
    last_id: u64,
    dedup: BTreeMap<(QueueId, DedupId), (MessageId, i64)>,
    leases: BTreeMap<String, Lease>,
    fired: BTreeMap<Key, i64>,
    usage: BTreeMap<(NodeId, Epoch, u64), UsageRow>,
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.min(DURATION_MAX).as_millis()).unwrap_or(i64::MAX)
}

fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}

impl State {
    pub(super) fn forget_expired(&mut self, now_ms: i64) {
        self.messages.retain(|_, message| message.expires_at_ms > now_ms);
        self.dedup.retain(|_, (_, until_ms)| *until_ms > now_ms);
    }

    pub(super) fn commit(&mut self, ops: Vec<Op>, now_ms: i64, gone_max: usize) -> Result<Committed, StoreError> {
        let mut ids = Vec::new();
        if !ops.is_empty() {
            self.rev.0 += 1;
        }
        for (index, op) in ops.into_iter().enumerate() {
            self.apply(op, now_ms, &mut ids).ok_or(StoreError::Conflict { index })?;
        }
        self.forget_deletions(gone_max);
        Ok(Committed { rev: self.rev, ids })
    }

    /// `None` is a conflict.
    fn apply(&mut self, op: Op, now_ms: i64, ids: &mut Vec<MessageId>) -> Option<()> {
        match op {
            Op::Put { key, value, expect } => {
                self.meets(&key, expect).then_some(())?;
                self.gone.remove(&key);
                self.docs.insert(key, Doc { value, rev: self.rev });
            }
            Op::Delete { key, expect } => {
                self.meets(&key, expect).then_some(())?;
                if self.docs.remove(&key).is_some() {
                    self.gone.insert(key, self.rev);
                }
            }
            Op::Enqueue {
                queue,
                body,
                visible_in,
                dedup,
                expires_in,
            } => {
                let message = Message {
                    queue,
                    body,
                    enqueued_at_ms: now_ms,
                    life_ms: ms(expires_in),
                    visible_at_ms: now_ms + ms(visible_in),
                    expires_at_ms: now_ms + ms(expires_in),
                    leased: false,
                    deliveries: 0,
                    token: 0,
                };
                ids.push(self.enqueue(message, dedup));
            }
            Op::Settle { receipt, how } => self.settle(&receipt, how, now_ms)?,
            Op::Fire { trigger, at } => {
                let at_ms = at.as_millisecond();
                let last = self.fired.get(&trigger);
                last.is_none_or(|last| *last < at_ms).then_some(())?;
                self.fired.insert(trigger, at_ms);
            }
            Op::Usage(row) => {
                self.usage.entry((row.node.clone(), row.epoch, row.seq)).or_insert(row);
            }
            Op::Fence { lease, epoch } => {
                let held = self.leases.get(&lease);
                held.is_some_and(|held| held.epoch == epoch).then_some(())?;
            }
        }
        Some(())
    }

    fn meets(&self, key: &Key, expect: Expect) -> bool {
        match expect {
            Expect::Any => true,
            Expect::Absent => !self.docs.contains_key(key),
            Expect::Rev(rev) => self.docs.get(key).is_some_and(|doc| doc.rev == rev),
        }
    }

    fn enqueue(&mut self, message: Message, dedup: Option<DedupId>) -> MessageId {
        let name = dedup.map(|dedup| (message.queue.clone(), dedup));
        if let Some((first, _)) = name.as_ref().and_then(|name| self.dedup.get(name)) {
            return *first;
        }
        self.last_id += 1;
        let id = MessageId(self.last_id);
        if let Some(name) = name {
            self.dedup.insert(name, (id, message.expires_at_ms));
        }
        self.messages.insert(id, message);
        id
    }

    fn settle(&mut self, receipt: &Receipt, how: How, now_ms: i64) -> Option<()> {
        let message = self.messages.get_mut(&receipt.id)?;
        (message.leased && message.queue == receipt.queue && message.token == receipt.token).then_some(())?;
        match how {
            How::Ack => {
                self.messages.remove(&receipt.id);
            }
            How::Retry { delay } => {
                message.visible_at_ms = now_ms + ms(delay);
                message.leased = false;
            }
            How::Extend { lease } => {
                message.visible_at_ms = now_ms + ms(lease);
                message.expires_at_ms = message.expires_at_ms.max(message.visible_at_ms);
            }
            How::Dead { queue } => {
                message.queue = queue;
                message.enqueued_at_ms = now_ms;
                message.visible_at_ms = now_ms;
                message.expires_at_ms = now_ms + message.life_ms;
                message.leased = false;
                message.deliveries = 0;
            }
        }
        Some(())
    }

    fn forget_deletions(&mut self, max: usize) {
        if self.gone.len() <= max {
            return;
        }
        let mut oldest: Vec<(Rev, Key)> = self.gone.iter().map(|(key, rev)| (*rev, key.clone())).collect();
        oldest.sort();
        oldest.truncate(self.gone.len() - (max - max / 10));
        for (rev, key) in oldest {
            self.horizon = rev;
            self.gone.remove(&key);
        }
    }

    pub(super) fn get(&self, key: &Key) -> Option<Doc> {
        self.docs.get(key).cloned()
    }

    pub(super) fn list(&self, prefix: &Prefix, after: Option<&Key>, limit: u32) -> Page {
        let limit = limit.min(LIMIT_MAX) as usize;
        let mut found = self
            .docs
            .iter()
            .filter(|(key, _)| prefix.holds(key) && after.is_none_or(|after| *key > after))
            .map(|(key, doc)| Entry {
                key: key.clone(),
                doc: doc.clone(),
            });
        Page {
            entries: found.by_ref().take(limit).collect(),
            more: found.next().is_some(),
            rev: self.rev,
        }
    }

    pub(super) fn changes(&self, after: Rev, limit: u32) -> Result<Vec<Change>, StoreError> {
        if after < self.horizon {
            return Err(StoreError::Compacted { horizon: self.horizon });
        }
        let put = self.docs.iter().map(|(key, doc)| Change {
            rev: doc.rev,
            key: key.clone(),
            value: Some(doc.value.clone()),
        });
        let gone = self.gone.iter().map(|(key, rev)| Change {
            rev: *rev,
            key: key.clone(),
            value: None,
        });
        let mut changes: Vec<Change> = put.chain(gone).filter(|change| change.rev > after).collect();
        changes.sort_by(|a, b| (a.rev, &a.key).cmp(&(b.rev, &b.key)));
        let limit = limit.clamp(1, LIMIT_MAX) as usize;
        if changes.len() > limit {
            // The commit the limit falls into comes whole when it is the first, else not at all.
            let cut = changes[limit].rev;
            let first = changes[0].rev;
            changes.retain(|change| change.rev < cut || change.rev == first);
        }
        Ok(changes)
    }

    pub(super) fn claim(&mut self, queue: &QueueId, n: u32, lease: Duration, now_ms: i64) -> Vec<Delivery> {
        let mut ready: Vec<(i64, MessageId)> = self
            .messages
            .iter()
            .filter(|(_, message)| message.queue == *queue && message.visible_at_ms <= now_ms)
            .map(|(id, message)| (message.visible_at_ms, *id))
            .collect();
        ready.sort();
        ready.truncate(n.min(LIMIT_MAX) as usize);
        let deliver = |(_, id)| {
            let message = self.messages.get_mut(&id)?;
            message.visible_at_ms = now_ms + ms(lease);
            message.expires_at_ms = message.expires_at_ms.max(message.visible_at_ms);
            message.leased = true;
            message.deliveries += 1;
            message.token += 1;
            Some(Delivery {
                receipt: Receipt {
                    queue: queue.clone(),
                    id,
                    token: message.token,
                },
                body: message.body.clone(),
                deliveries: message.deliveries,
                enqueued_at: timestamp(message.enqueued_at_ms),
                expires_at: timestamp(message.enqueued_at_ms + message.life_ms),
            })
        };
        ready.into_iter().filter_map(deliver).collect()
    }

    pub(super) fn queue_stats(&self, queue: &QueueId, now_ms: i64) -> QueueStats {
        let mut stats = QueueStats::default();
        let here = |message: &&Message| message.queue == *queue && message.expires_at_ms > now_ms;
        for message in self.messages.values().filter(here) {
            if message.visible_at_ms <= now_ms {
                stats.ready += 1;
                let since = timestamp(message.visible_at_ms);
                stats.ready_since = Some(stats.ready_since.map_or(since, |oldest| oldest.min(since)));
            } else if message.leased {
                stats.leased += 1;
            } else {
                stats.delayed += 1;
            }
        }
        stats
    }

    pub(super) fn lease(&mut self, name: &str, who: &NodeId, ttl: Duration, now_ms: i64) -> Option<Epoch> {
        let held = self.leases.get(name).cloned();
        let live = held.as_ref().is_some_and(|held| held.until_ms > now_ms);
        let mine = held.as_ref().is_some_and(|held| held.holder == *who);
        if live && !mine {
            return None;
        }
        let last = held.map_or(Epoch(0), |held| held.epoch);
        let epoch = if live { last } else { Epoch(last.0 + 1) };
        let lease = Lease {
            holder: who.clone(),
            epoch,
            until_ms: now_ms + ms(ttl),
        };
        self.leases.insert(name.to_owned(), lease);
        Some(epoch)
    }

    pub(super) fn usage(&self, query: &UsageQuery) -> Vec<UsageSum> {
        let start_s = query.start.as_second();
        let asked = |row: &&UsageRow| {
            (query.start..query.end).contains(&row.minute)
                && query.uid.as_ref().is_none_or(|uid| *uid == row.uid)
                && query.namespace.as_ref().is_none_or(|name| *name == row.key.namespace)
        };
        let mut sums: BTreeMap<(i64, Option<_>), UsageSum> = BTreeMap::new();
        for row in self.usage.values().filter(asked) {
            let piece_s = query.bucket.floor_s(row.minute.as_second(), start_s);
            let function = match query.by {
                UsageBy::Total => None,
                UsageBy::Function => Some((row.uid.clone(), row.key.clone())),
            };
            let uid = function.as_ref().map(|(uid, _)| uid.clone());
            let sum = sums.entry((piece_s, uid)).or_insert_with(|| UsageSum {
                start: timestamp(piece_s * 1000),
                function,
                counts: crate::UsageCounts::default(),
            });
            sum.counts.add(&row.counts);
        }
        sums.into_values().collect()
    }
}
