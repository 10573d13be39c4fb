//! The suite every engine runs: claims about the trait, each a plain function, and random histories that an engine
//! and the model must answer alike.
//!
//! An engine's tests are [`crate::conformance_tests!`] with its factory, and [`history::matches_the_model`].
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a broken promise is a panic: this is test code"
)]

pub mod docs;
pub mod history;
pub mod leases;
pub mod queues;
pub mod usage;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    Committed, DedupId, Delivery, EngineOptions, Expect, How, Key, ManualClock, NodeId, Op, QueueId, Receipt, Store,
    StoreError,
};

/// Makes stores to be tested.
#[async_trait]
pub trait Factory: Send + Sync {
    /// A new, empty store.
    async fn open(&self, options: EngineOptions) -> Arc<dyn Store>;
}

/// The model as a factory: it runs the suite as well.
#[derive(Debug)]
pub struct Model;

#[async_trait]
impl Factory for Model {
    async fn open(&self, options: EngineOptions) -> Arc<dyn Store> {
        Arc::new(crate::MemStore::with(options))
    }
}

/// One test per claim, with the factory this expression makes.
#[macro_export]
macro_rules! conformance_tests {
    ($factory:expr) => {
        $crate::conformance_tests! { @each $factory;
            docs a_document_is_read_back_as_put;
            docs a_precondition_holds_or_conflicts;
            docs a_commit_is_all_or_nothing;
            docs operations_see_those_before_them;
            docs an_empty_commit_tells_the_revision;
            docs of_writers_that_race_one_wins;
            docs a_listing_pages_through_a_folder_in_order;
            docs changes_tell_each_changed_document_once;
            docs changes_never_cut_a_commit;
            docs changes_forgotten_are_said_to_be;
            docs what_breaks_a_limit_is_refused;
            queues messages_come_in_the_order_they_became_visible;
            queues a_claimed_message_is_hidden_while_its_lease_lasts;
            queues a_settled_message_goes_where_it_is_told;
            queues a_void_receipt_conflicts;
            queues a_lease_that_ran_out_alone_voids_no_receipt;
            queues a_message_sent_twice_is_there_once;
            queues a_message_past_its_life_is_gone_unless_leased;
            queues claimers_never_share_a_message;
            queues stats_count_every_message_once;
            leases a_lease_has_one_holder_at_a_time;
            leases a_fence_stops_a_holder_that_was_replaced;
            leases a_due_time_fires_once;
            usage a_row_written_twice_counts_once;
            usage sums_are_by_time_and_function;
        }
    };
    (@each $factory:expr; $($module:ident $claim:ident;)*) => {
        $(
            #[tokio::test]
            async fn $claim() {
                $crate::conformance::$module::$claim(&$factory).await;
            }
        )*
    };
}

/// A store under test and its clock.
struct Bench {
    store: Arc<dyn Store>,
    clock: ManualClock,
}

const S: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

impl Bench {
    async fn open(factory: &dyn Factory) -> Self {
        Self::open_with(factory, EngineOptions::default().deletions_max).await
    }

    async fn open_with(factory: &dyn Factory, deletions_max: usize) -> Self {
        let clock = ManualClock::at("2026-03-01T00:00:00Z".parse::<Timestamp>().unwrap());
        let options = EngineOptions {
            clock: clock.clock(),
            deletions_max,
        };
        Self {
            store: factory.open(options).await,
            clock,
        }
    }

    async fn commit(&self, ops: impl IntoIterator<Item = Op>) -> Result<Committed, StoreError> {
        self.store.commit(ops.into_iter().collect()).await
    }

    /// A commit that must go through.
    async fn done(&self, ops: impl IntoIterator<Item = Op>) -> Committed {
        self.commit(ops).await.expect("the commit goes through")
    }

    /// A commit that must conflict at this operation.
    async fn conflicts(&self, at: usize, ops: impl IntoIterator<Item = Op>) {
        match self.commit(ops).await {
            Err(StoreError::Conflict { index }) => assert_eq!(index, at, "the first conflict is told"),
            other => panic!("a conflict at {at} was due, not {other:?}"),
        }
    }

    async fn value(&self, key_text: &str) -> Option<String> {
        let doc = self.store.get(&key(key_text)).await.unwrap()?;
        Some(String::from_utf8(doc.value.to_vec()).unwrap())
    }

    async fn claim(&self, name: &str, n: u32, lease: Duration) -> Vec<Delivery> {
        self.store.claim(&queue(name), n, lease, &node("n1")).await.unwrap()
    }

    /// Claims everything and tells the bodies.
    async fn bodies(&self, name: &str) -> Vec<String> {
        self.claim(name, 1000, S).await.iter().map(body).collect()
    }
}

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

fn queue(text: &str) -> QueueId {
    text.parse().unwrap()
}

fn node(text: &str) -> NodeId {
    text.parse().unwrap()
}

fn put(key_text: &str, value: &str) -> Op {
    put_if(key_text, value, Expect::Any)
}

fn put_if(key_text: &str, value: &str, expect: Expect) -> Op {
    Op::Put {
        key: key(key_text),
        value: Bytes::copy_from_slice(value.as_bytes()),
        expect,
    }
}

fn delete(key_text: &str) -> Op {
    Op::Delete {
        key: key(key_text),
        expect: Expect::Any,
    }
}

fn send(name: &str, body: &str) -> Op {
    send_in(name, body, Duration::ZERO, HOUR)
}

fn send_in(name: &str, body: &str, visible_in: Duration, expires_in: Duration) -> Op {
    Op::Enqueue {
        queue: queue(name),
        body: Bytes::copy_from_slice(body.as_bytes()),
        visible_in,
        dedup: None,
        expires_in,
    }
}

fn send_once(name: &str, body: &str, id: &str, expires_in: Duration) -> Op {
    Op::Enqueue {
        queue: queue(name),
        body: Bytes::copy_from_slice(body.as_bytes()),
        visible_in: Duration::ZERO,
        dedup: Some(id.parse::<DedupId>().unwrap()),
        expires_in,
    }
}

fn settle(receipt: &Receipt, how: How) -> Op {
    Op::Settle {
        receipt: receipt.clone(),
        how,
    }
}

fn body(delivery: &Delivery) -> String {
    String::from_utf8(delivery.body.to_vec()).unwrap()
}

#[cfg(test)]
mod tests {
    crate::conformance_tests!(crate::conformance::Model);

    #[test]
    fn the_model_matches_itself() {
        crate::conformance::history::matches_the_model(&crate::conformance::Model, 64);
    }
}
