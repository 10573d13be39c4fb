//! Messages: order, claims, receipts, settling, expiry.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Bench, Factory, HOUR, S, body, node, queue, send, send_in, send_once, settle};
use crate::{How, QueueStats, Receipt};

/// Delays order messages; among equals, the order of sending.
pub async fn messages_come_in_the_order_they_became_visible(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    let done = bench
        .done([
            send_in("q", "late", 3 * S, HOUR),
            send("q", "first"),
            send("q", "second"),
            send("other", "x"),
            send_in("q", "soon", S, HOUR),
        ])
        .await;
    assert_eq!(done.ids.len(), 5);
    assert_eq!(done.ids.iter().collect::<HashSet<_>>().len(), 5);
    assert_eq!(bench.bodies("q").await, ["first", "second"]);
    bench.clock.advance(S / 2);
    assert_eq!(bench.bodies("q").await, Vec::<String>::new());
    bench.clock.advance(3 * S);
    // What was claimed became visible again at 1 s, as "soon" did, which was sent after it.
    assert_eq!(bench.bodies("q").await, ["first", "second", "soon", "late"]);
    assert_eq!(bench.claim("q", 0, S).await, []);
    assert_eq!(bench.bodies("nothing").await, Vec::<String>::new());
}

/// Claimed is hidden; after the lease it comes again, counted, and the first receipt is void.
pub async fn a_claimed_message_is_hidden_while_its_lease_lasts(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    let sent_at = bench.store.now().await.unwrap();
    let id = bench.done([send("q", "m")]).await.ids[0];
    let first = bench.claim("q", 10, 10 * S).await.remove(0);
    assert_eq!(
        (first.receipt.id, first.deliveries, body(&first)),
        (id, 1, "m".to_owned())
    );
    assert_eq!(first.enqueued_at, sent_at);
    assert_eq!(first.expires_at.duration_since(sent_at).unsigned_abs(), HOUR);
    bench.clock.advance(10 * S - Duration::from_millis(1));
    assert_eq!(bench.claim("q", 10, S).await, []);
    bench.clock.advance(Duration::from_millis(1));
    let second = bench.claim("q", 10, 10 * S).await.remove(0);
    assert_eq!((second.receipt.id, second.deliveries), (id, 2));
    assert_eq!(
        (second.enqueued_at, second.expires_at),
        (first.enqueued_at, first.expires_at)
    );
    bench.conflicts(0, [settle(&first.receipt, How::Ack)]).await;
    bench.done([settle(&second.receipt, How::Ack)]).await;
    bench.clock.advance(HOUR);
    assert_eq!(bench.claim("q", 10, S).await, []);
}

/// Every way to settle: where the message is afterwards, when it is visible, whether the receipt lives on.
pub async fn a_settled_message_goes_where_it_is_told(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    let dead = How::Dead { queue: queue("dead") };
    let retry = How::Retry { delay: 5 * S };
    let extend = How::Extend { lease: 20 * S };
    let cases = [
        // how, queue and seconds after which it is there again, deliveries then, receipt valid after
        (How::Ack, None, false),
        (retry, Some(("q", 5, 2)), false),
        (How::Retry { delay: Duration::ZERO }, Some(("q", 0, 2)), false),
        (extend, Some(("q", 20, 2)), true),
        (dead, Some(("dead", 0, 1)), false),
    ];
    for (how, again, stays_valid) in cases {
        println!("{how:?}");
        let id = bench.done([send("q", "m")]).await.ids[0];
        let first = bench.claim("q", 1, 10 * S).await.remove(0);
        bench.done([settle(&first.receipt, how.clone())]).await;
        if stays_valid {
            bench.done([settle(&first.receipt, how)]).await;
        } else {
            bench.conflicts(0, [settle(&first.receipt, how)]).await;
        }
        let Some((name, after_s, deliveries)) = again else {
            bench.clock.advance(HOUR / 2);
            assert_eq!(bench.claim("q", 1, S).await, []);
            continue;
        };
        if after_s > 0 {
            bench.clock.advance(after_s * S - Duration::from_millis(1));
            assert_eq!(bench.claim(name, 1, S).await, []);
            bench.clock.advance(Duration::from_millis(1));
        }
        let next = bench.claim(name, 1, S).await.remove(0);
        assert_eq!(
            (next.receipt.id, next.deliveries, body(&next)),
            (id, deliveries, "m".to_owned())
        );
        bench.conflicts(0, [settle(&first.receipt, How::Ack)]).await;
        bench.done([settle(&next.receipt, How::Ack)]).await;
    }
    // A dead letter's life begins again.
    bench.done([send_in("q", "m", Duration::ZERO, 10 * S)]).await;
    let first = bench.claim("q", 1, S).await.remove(0);
    bench.clock.advance(9 * S);
    bench
        .done([settle(&first.receipt, How::Dead { queue: queue("dead") })])
        .await;
    bench.clock.advance(9 * S);
    assert_eq!(bench.bodies("dead").await, ["m"]);
}

/// A receipt of another queue, another message or another claim settles nothing.
pub async fn a_void_receipt_conflicts(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    bench.done([send("q", "m"), send("q", "n")]).await;
    let good = bench.claim("q", 1, 10 * S).await.remove(0).receipt;
    let wrong = |change: fn(&mut Receipt)| {
        let mut receipt = good.clone();
        change(&mut receipt);
        receipt
    };
    for receipt in [
        wrong(|receipt| receipt.queue = queue("other")),
        wrong(|receipt| receipt.id.0 += 1),
        wrong(|receipt| receipt.id.0 = u64::MAX),
        wrong(|receipt| receipt.token += 1),
        wrong(|receipt| receipt.token = 0),
        wrong(|receipt| receipt.token = u64::MAX),
    ] {
        for how in [How::Ack, How::Retry { delay: S }, How::Extend { lease: S }] {
            bench.conflicts(1, [super::put("a", "1"), settle(&receipt, how)]).await;
        }
    }
    assert_eq!(bench.value("a").await, None);
    bench.done([settle(&good, How::Ack)]).await;
}

/// A result that comes after its lease, but before anybody else took the message, counts.
pub async fn a_lease_that_ran_out_alone_voids_no_receipt(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    bench.done([send("q", "m")]).await;
    let first = bench.claim("q", 1, S).await.remove(0);
    bench.clock.advance(60 * S);
    bench.done([settle(&first.receipt, How::Ack)]).await;
    assert_eq!(
        bench.store.queue_stats(&queue("q")).await.unwrap(),
        QueueStats::default()
    );
}

/// The same deduplication id sends once per queue, also after the message was settled, until its life is over.
pub async fn a_message_sent_twice_is_there_once(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    let twice = [
        send_once("q", "first", "id", 60 * S),
        send_once("q", "again", "id", HOUR),
    ];
    let ids = bench.done(twice).await.ids;
    assert_eq!(ids[0], ids[1]);
    let other = bench
        .done([send_once("p", "x", "id", 60 * S), send_once("q", "y", "id2", 60 * S)])
        .await
        .ids;
    assert!(!other.contains(&ids[0]));
    let claimed = bench.claim("q", 10, S).await;
    assert_eq!(claimed.iter().map(body).collect::<Vec<_>>(), ["first", "y"]);
    bench
        .done(claimed.iter().map(|delivery| settle(&delivery.receipt, How::Ack)))
        .await;
    assert_eq!(bench.done([send_once("q", "again", "id", HOUR)]).await.ids, [ids[0]]);
    assert_eq!(bench.bodies("q").await, Vec::<String>::new());
    bench.clock.advance(60 * S);
    assert_ne!(bench.done([send_once("q", "new", "id", HOUR)]).await.ids, [ids[0]]);
    assert_eq!(bench.bodies("q").await, ["new"]);
}

/// Expired is gone for claims and counts; a lease carries a message over its end, and no further.
pub async fn a_message_past_its_life_is_gone_unless_leased(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    let stats = || async { bench.store.queue_stats(&queue("q")).await.unwrap() };
    bench
        .done([
            send_in("q", "m", Duration::ZERO, 10 * S),
            send_in("q", "n", 20 * S, 10 * S),
        ])
        .await;
    bench.clock.advance(10 * S);
    assert_eq!(bench.bodies("q").await, Vec::<String>::new());
    assert_eq!(stats().await, QueueStats::default());

    for ends_well in [true, false] {
        bench.done([send_in("q", "m", Duration::ZERO, 10 * S)]).await;
        let claimed = bench.claim("q", 1, 30 * S).await.remove(0);
        bench.clock.advance(20 * S);
        assert_eq!(stats().await.leased, 1);
        if ends_well {
            bench.done([settle(&claimed.receipt, How::Ack)]).await;
            continue;
        }
        bench
            .done([settle(&claimed.receipt, How::Extend { lease: 30 * S })])
            .await;
        bench.clock.advance(30 * S);
        assert_eq!(bench.bodies("q").await, Vec::<String>::new());
        bench.conflicts(0, [settle(&claimed.receipt, How::Ack)]).await;
    }
    assert_eq!(stats().await, QueueStats::default());
}

/// Eight claimers at once take every message exactly once.
pub async fn claimers_never_share_a_message(factory: &dyn Factory) {
    const MESSAGES: usize = 200;
    let bench = Bench::open(factory).await;
    bench.done((0..MESSAGES).map(|n| send("q", &n.to_string()))).await;
    let mut claimers = tokio::task::JoinSet::new();
    for n in 0..8 {
        let store = Arc::clone(&bench.store);
        claimers.spawn(async move {
            let who = node(&format!("n{n}"));
            let mut bodies = Vec::new();
            loop {
                let claimed = store.claim(&queue("q"), 7, HOUR, &who).await.unwrap();
                if claimed.is_empty() {
                    return bodies;
                }
                bodies.extend(claimed.iter().map(body));
                let acks = claimed.iter().map(|delivery| settle(&delivery.receipt, How::Ack));
                store.commit(acks.collect()).await.unwrap();
            }
        });
    }
    let mut seen = HashSet::new();
    while let Some(bodies) = claimers.join_next().await {
        for body in bodies.unwrap() {
            assert!(seen.insert(body), "delivered twice");
        }
    }
    assert_eq!(seen.len(), MESSAGES);
}

/// Ready, delayed and leased follow the clock.
pub async fn stats_count_every_message_once(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    let start = bench.store.now().await.unwrap();
    bench
        .done([
            send("q", "a"),
            send("q", "b"),
            send_in("q", "c", 5 * S, HOUR),
            send("other", "x"),
        ])
        .await;
    bench.claim("q", 1, 10 * S).await;
    let at = |seconds: u32| start + seconds * S;
    for (ready, delayed, leased, since) in [(1, 1, 1, at(0)), (2, 0, 1, at(0)), (3, 0, 0, at(0))] {
        let stats = bench.store.queue_stats(&queue("q")).await.unwrap();
        let want = QueueStats {
            ready,
            delayed,
            leased,
            ready_since: Some(since),
        };
        assert_eq!(stats, want);
        bench.clock.advance(5 * S);
    }
    let claimed = bench.claim("q", 10, S).await;
    bench
        .done(claimed.iter().map(|delivery| settle(&delivery.receipt, How::Ack)))
        .await;
    assert_eq!(
        bench.store.queue_stats(&queue("q")).await.unwrap(),
        QueueStats::default()
    );
}
