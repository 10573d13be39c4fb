//! Leases, fences and firings.

use std::time::Duration;

use super::{Bench, Factory, S, key, node, put, send};
use crate::{Epoch, Op};

/// Held, renewed, refused to others, run out, given back.
pub async fn a_lease_has_one_holder_at_a_time(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    let take = |who: &'static str, ttl: Duration| {
        let store = &bench.store;
        async move { store.lease("timers", &node(who), ttl).await.unwrap() }
    };
    assert_eq!(take("a", 10 * S).await, Some(Epoch(1)));
    assert_eq!(take("b", 10 * S).await, None);
    bench.clock.advance(9 * S);
    assert_eq!(
        take("a", 10 * S).await,
        Some(Epoch(1)),
        "renewed in time it keeps its epoch"
    );
    bench.clock.advance(9 * S);
    assert_eq!(take("b", 10 * S).await, None);
    bench.clock.advance(S);
    assert_eq!(take("b", 10 * S).await, Some(Epoch(2)));
    assert_eq!(take("a", 10 * S).await, None);
    bench.clock.advance(10 * S);
    assert_eq!(
        take("b", 10 * S).await,
        Some(Epoch(3)),
        "run out and taken again is taken anew"
    );
    assert_eq!(take("b", Duration::ZERO).await, Some(Epoch(3)));
    assert_eq!(take("a", 10 * S).await, Some(Epoch(4)), "given back it is free at once");
    let other = bench.store.lease("other", &node("b"), S).await.unwrap();
    assert_eq!(other, Some(Epoch(1)), "leases of other names are others");
}

/// A commit under a fence goes through while the epoch is the last one, also when the lease ran out meanwhile.
pub async fn a_fence_stops_a_holder_that_was_replaced(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    let fence = |epoch: u64| Op::Fence {
        lease: "l".to_owned(),
        epoch: Epoch(epoch),
    };
    bench.conflicts(0, [fence(0)]).await;
    bench.store.lease("l", &node("a"), S).await.unwrap();
    bench.done([fence(1), put("by", "a")]).await;
    bench.conflicts(1, [put("by", "x"), fence(2)]).await;
    bench.clock.advance(2 * S);
    bench.done([fence(1), put("by", "a again")]).await;
    bench.store.lease("l", &node("b"), S).await.unwrap();
    bench.conflicts(0, [fence(1), put("by", "a late")]).await;
    bench.done([fence(2), put("by", "b")]).await;
    assert_eq!(bench.value("by").await.as_deref(), Some("b"));
}

/// A due time goes through once, and none that is not later than the last.
pub async fn a_due_time_fires_once(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    let fire = |name: &str, minute: u32| {
        let at = format!("2026-03-01T00:{minute:02}:00Z").parse().unwrap();
        [
            Op::Fire { trigger: key(name), at },
            send("q", &format!("{name} {minute}")),
        ]
    };
    bench.done(fire("t/a", 5)).await;
    bench.conflicts(0, fire("t/a", 5)).await;
    bench.conflicts(0, fire("t/a", 4)).await;
    bench.done(fire("t/b", 5)).await;
    bench.done(fire("t/a", 6)).await;
    bench.conflicts(0, fire("t/a", 5)).await;
    assert_eq!(bench.bodies("q").await, ["t/a 5", "t/b 5", "t/a 6"]);
}
