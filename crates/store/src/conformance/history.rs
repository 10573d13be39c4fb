//! Random histories: an engine and the model are told the same and must answer the same.
//!
//! Revisions, message ids and receipts are the engine's own. So steps name them by what they belong to ("the third
//! delivery so far"), and answers are compared after the same translation.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use skiff_domain::{FunctionKey, FunctionUid, Qualifier};

use super::{Factory, key, node, queue};
use crate::{
    Bucket, Change, Delivery, EngineOptions, Epoch, Expect, How, ManualClock, MemStore, MessageId, Op, Prefix, Receipt,
    Rev, Store, StoreError, UsageBy, UsageCounts, UsageQuery, UsageRow,
};

const KEYS: [&str; 6] = ["a", "a/b", "a/c", "a/b/c", "b/a", "b/é"];
const PREFIXES: [&str; 4] = ["", "a/", "a/b", "b"];
const QUEUES: [&str; 2] = ["q/1", "q/2"];
/// Few enough that histories run over it.
const DELETIONS_MAX: usize = 4;
const START: Timestamp = Timestamp::constant(1_772_323_200, 0);

/// One step of a history. Numbers choose among what there is, counted from the latest.
#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Act>),
    Advance {
        ms: u64,
    },
    Claim {
        queue: usize,
        n: u32,
        lease_ms: u64,
    },
    Lease {
        name: usize,
        who: usize,
        ttl_ms: u64,
    },
    Get {
        key: usize,
    },
    List {
        prefix: usize,
        after: Option<usize>,
        limit: u32,
    },
    Changes {
        after: usize,
        limit: u32,
    },
    Stats {
        queue: usize,
    },
    Usage {
        by_function: bool,
        bucket: usize,
        of_one: bool,
    },
}

/// One operation of a commit.
#[derive(Debug, Clone)]
enum Act {
    Put {
        key: usize,
        value: u8,
        expect: Want,
    },
    Delete {
        key: usize,
        expect: Want,
    },
    Send {
        queue: usize,
        body: u8,
        in_ms: u64,
        dedup: Option<u8>,
        life_ms: u64,
    },
    Settle {
        delivery: usize,
        how: usize,
        ms: u64,
    },
    Fire {
        trigger: usize,
        minute: u32,
    },
    Usage {
        seq: u64,
        minute: u32,
        function: u8,
        n: u64,
    },
    Fence {
        lease: usize,
        epoch: u64,
    },
}

#[derive(Debug, Clone)]
enum Want {
    Any,
    Absent,
    Commit(usize),
}

fn want() -> impl Strategy<Value = Want> {
    prop_oneof![4 => Just(Want::Any), 1 => Just(Want::Absent), 2 => (0..4_usize).prop_map(Want::Commit)]
}

fn change() -> impl Strategy<Value = Act> {
    let (key, queue) = (0..KEYS.len(), 0..QUEUES.len());
    prop_oneof![
        4 => (key.clone(), any::<u8>(), want()).prop_map(|(key, value, expect)| Act::Put { key, value, expect }),
        2 => (key, want()).prop_map(|(key, expect)| Act::Delete { key, expect }),
        4 => (queue, any::<u8>(), 0..4000_u64, proptest::option::weighted(0.3, 0..3_u8), 0..12_000_u64).prop_map(
            |(queue, body, in_ms, dedup, life_ms)| Act::Send { queue, body, in_ms, dedup, life_ms }
        ),
        6 => (0..4_usize, 0..4_usize, 0..9000_u64).prop_map(|(delivery, how, ms)| Act::Settle { delivery, how, ms }),
        1 => (0..2_usize, 0..6_u32).prop_map(|(trigger, minute)| Act::Fire { trigger, minute }),
        1 => (0..6_u64, 0..4_u32, 0..2_u8, 0..9_u64).prop_map(
            |(seq, minute, function, n)| Act::Usage { seq, minute, function, n }
        ),
        1 => (0..2_usize, 0..4_u64).prop_map(|(lease, epoch)| Act::Fence { lease, epoch }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let queue = 0..QUEUES.len();
    prop_oneof![
        8 => prop::collection::vec(change(), 0..4).prop_map(Step::Commit),
        3 => (0..6000_u64).prop_map(|ms| Step::Advance { ms }),
        4 => (queue.clone(), 0..4_u32, 0..9000_u64).prop_map(|(queue, n, lease_ms)| Step::Claim { queue, n, lease_ms }),
        2 => (0..2_usize, 0..2_usize, 0..9000_u64).prop_map(|(name, who, ttl_ms)| Step::Lease { name, who, ttl_ms }),
        1 => (0..KEYS.len()).prop_map(|key| Step::Get { key }),
        2 => (0..PREFIXES.len(), proptest::option::of(0..KEYS.len()), 0..5_u32)
            .prop_map(|(prefix, after, limit)| Step::List { prefix, after, limit }),
        2 => (0..8_usize, 0..5_u32).prop_map(|(after, limit)| Step::Changes { after, limit }),
        1 => queue.prop_map(|queue| Step::Stats { queue }),
        1 => (any::<bool>(), 0..4_usize, any::<bool>())
            .prop_map(|(by_function, bucket, of_one)| Step::Usage { by_function, bucket, of_one }),
    ]
}

/// Tells random histories to the engine and the model and compares every answer. Panics with the shortest history
/// that they answer differently.
pub fn matches_the_model(factory: &dyn Factory, histories: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let config = Config {
        cases: histories,
        failure_persistence: None,
        ..Config::default()
    };
    let steps = prop::collection::vec(step(), 20..160);
    let told = TestRunner::new(config).run(&steps, |steps| runtime.block_on(tell_both(factory, &steps)));
    if let Err(error) = told {
        panic!("{error}");
    }
}

async fn tell_both(factory: &dyn Factory, steps: &[Step]) -> Result<(), TestCaseError> {
    let clock = ManualClock::at(START);
    let options = || EngineOptions {
        clock: clock.clock(),
        deletions_max: DELETIONS_MAX,
    };
    let mut model = Side::new(Arc::new(MemStore::with(options())));
    let mut engine = Side::new(factory.open(options()).await);
    for (at, step) in steps.iter().enumerate() {
        if let Step::Advance { ms } = step {
            clock.advance(Duration::from_millis(*ms));
        }
        let due = model.tell(step).await;
        let got = engine.tell(step).await;
        prop_assert_eq!(due, got, "step {} is answered otherwise: {:?}", at, step);
    }
    Ok(())
}

/// A store, and what it has named so far.
struct Side {
    store: Arc<dyn Store>,
    revs: Vec<Rev>,
    ids: Vec<MessageId>,
    receipts: Vec<Receipt>,
}

/// The element counted from the latest; the first when there are not so many.
fn back<T>(all: &[T], n: usize) -> Option<&T> {
    all.len().checked_sub(n + 1).map_or(all.first(), |at| all.get(at))
}

fn text(answer: impl Debug) -> String {
    format!("{answer:?}")
}

impl Side {
    fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            revs: vec![Rev(0)],
            ids: Vec::new(),
            receipts: Vec::new(),
        }
    }

    /// What a revision is called on both sides: the number of its commit.
    fn name(&self, rev: Rev) -> Option<usize> {
        self.revs.iter().position(|known| *known == rev)
    }

    fn error(&self, error: StoreError) -> String {
        match error {
            StoreError::Compacted { horizon } => text(("compacted", self.name(horizon))),
            other => text(other),
        }
    }

    async fn tell(&mut self, step: &Step) -> String {
        match step {
            Step::Advance { .. } => String::new(),
            Step::Commit(changes) => self.commit(changes).await,
            Step::Claim { queue: q, n, lease_ms } => {
                let lease = Duration::from_millis(*lease_ms);
                let claimed = self.store.claim(&queue(QUEUES[*q]), *n, lease, &node("n")).await;
                text(
                    claimed
                        .unwrap()
                        .into_iter()
                        .map(|delivery| self.delivered(delivery))
                        .collect::<Vec<_>>(),
                )
            }
            Step::Lease { name, who, ttl_ms } => {
                let (name, who) = (["l", "m"][*name], node(["x", "y"][*who]));
                text(
                    self.store
                        .lease(name, &who, Duration::from_millis(*ttl_ms))
                        .await
                        .unwrap(),
                )
            }
            Step::Get { key: k } => {
                let doc = self.store.get(&key(KEYS[*k])).await.unwrap();
                text(doc.map(|doc| (doc.value, self.name(doc.rev))))
            }
            Step::List { prefix, after, limit } => {
                let after = after.map(|after| key(KEYS[after]));
                let prefix = Prefix::leading(PREFIXES[*prefix]).unwrap();
                let page = self.store.list(&prefix, after.as_ref(), *limit).await.unwrap();
                let entry = |entry: crate::Entry| (entry.key, entry.doc.value, self.name(entry.doc.rev));
                let entries: Vec<_> = page.entries.into_iter().map(entry).collect();
                text((entries, page.more, self.name(page.rev)))
            }
            Step::Changes { after, limit } => {
                let after = back(&self.revs, *after).copied().unwrap_or_default();
                let change = |change: Change| (self.name(change.rev), change.key, change.value);
                match self.store.changes(after, *limit).await {
                    Ok(changes) => text(changes.into_iter().map(change).collect::<Vec<_>>()),
                    Err(error) => self.error(error),
                }
            }
            Step::Stats { queue: q } => text(self.store.queue_stats(&queue(QUEUES[*q])).await.unwrap()),
            Step::Usage {
                by_function,
                bucket,
                of_one,
            } => {
                let query = UsageQuery {
                    start: minute(1),
                    end: minute(3),
                    uid: of_one.then(|| FunctionUid::from_random([1; 5])),
                    namespace: None,
                    bucket: [Bucket::Minute, Bucket::Hour, Bucket::Day, Bucket::Whole][*bucket],
                    by: if *by_function {
                        UsageBy::Function
                    } else {
                        UsageBy::Total
                    },
                };
                text(self.store.usage(&query).await.unwrap())
            }
        }
    }

    async fn commit(&mut self, changes: &[Act]) -> String {
        let ops = changes.iter().filter_map(|change| self.op(change)).collect();
        match self.store.commit(ops).await {
            Err(error) => self.error(error),
            Ok(done) => {
                if self.revs.last() != Some(&done.rev) {
                    assert!(self.revs.last() < Some(&done.rev), "revisions grow");
                    self.revs.push(done.rev);
                }
                let first_seen = |id| {
                    let known = self.ids.iter().position(|known| *known == id);
                    known.unwrap_or_else(|| {
                        self.ids.push(id);
                        self.ids.len() - 1
                    })
                };
                let ids: Vec<usize> = done.ids.into_iter().map(first_seen).collect();
                text((self.revs.len(), ids))
            }
        }
    }

    fn delivered(&mut self, delivery: Delivery) -> impl Debug + use<> {
        let message = self.ids.iter().position(|id| *id == delivery.receipt.id);
        self.receipts.push(delivery.receipt);
        (
            message,
            delivery.body,
            delivery.deliveries,
            delivery.enqueued_at,
            delivery.expires_at,
        )
    }

    /// The operation, in this side's names. `None` for the settlement of a delivery when there was none yet.
    fn op(&self, change: &Act) -> Option<Op> {
        let expect = |want: &Want| match want {
            Want::Any => Expect::Any,
            Want::Absent => Expect::Absent,
            Want::Commit(n) => Expect::Rev(back(&self.revs, *n).copied().unwrap_or_default()),
        };
        Some(match change {
            Act::Put {
                key: k,
                value,
                expect: want,
            } => Op::Put {
                key: key(KEYS[*k]),
                value: Bytes::from(vec![*value]),
                expect: expect(want),
            },
            Act::Delete { key: k, expect: want } => Op::Delete {
                key: key(KEYS[*k]),
                expect: expect(want),
            },
            Act::Send {
                queue: q,
                body,
                in_ms,
                dedup,
                life_ms,
            } => Op::Enqueue {
                queue: queue(QUEUES[*q]),
                body: Bytes::from(vec![*body]),
                visible_in: Duration::from_millis(*in_ms),
                dedup: dedup.map(|id| id.to_string().parse().unwrap()),
                expires_in: Duration::from_millis(*life_ms),
            },
            Act::Settle { delivery, how, ms } => {
                let time = Duration::from_millis(*ms);
                let queue = queue(QUEUES[1]);
                let all = [
                    How::Ack,
                    How::Retry { delay: time },
                    How::Extend { lease: time },
                    How::Dead { queue },
                ];
                Op::Settle {
                    receipt: back(&self.receipts, *delivery)?.clone(),
                    how: all[*how].clone(),
                }
            }
            Act::Fire { trigger, minute: m } => Op::Fire {
                trigger: key(KEYS[*trigger]),
                at: minute(*m),
            },
            Act::Usage {
                seq,
                minute: m,
                function,
                n,
            } => Op::Usage(usage_row(*seq, *m, *function, *n)),
            Act::Fence { lease, epoch } => Op::Fence {
                lease: ["l", "m"][*lease].to_owned(),
                epoch: Epoch(*epoch),
            },
        })
    }
}

fn minute(n: u32) -> Timestamp {
    START + Duration::from_secs(60) * n
}

fn usage_row(seq: u64, m: u32, function: u8, n: u64) -> UsageRow {
    UsageRow {
        node: node("n"),
        epoch: Epoch(seq / 4),
        seq,
        minute: minute(m),
        uid: FunctionUid::from_random([function; 5]),
        key: FunctionKey {
            namespace: "default".parse().unwrap(),
            name: format!("fn{function}").parse().unwrap(),
        },
        label: Qualifier::latest(),
        counts: UsageCounts {
            invocations: n,
            mb_ms: n * 1000,
            memory_peak_bytes: n,
            ..UsageCounts::default()
        },
    }
}
