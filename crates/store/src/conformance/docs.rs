//! Documents, preconditions, listings and the feed of changes.

use std::sync::Arc;

use super::{Bench, Factory, delete, key, node, put, put_if, queue, send, settle};
use crate::{
    Change, DURATION_MAX, Epoch, Expect, How, MessageId, OPS_MAX, Op, Prefix, QueueStats, Receipt, Rev, StoreError,
    VALUE_BYTES_MAX,
};

/// What was put is read back, under the revision of its commit; the last put counts.
pub async fn a_document_is_read_back_as_put(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    assert_eq!(bench.value("a/b").await, None);
    for value in ["1", "", "\0\u{ff}", &"x".repeat(VALUE_BYTES_MAX)] {
        let rev = bench.done([put("a/b", value)]).await.rev;
        assert_eq!(bench.value("a/b").await.as_deref(), Some(value));
        assert_eq!(bench.store.get(&key("a/b")).await.unwrap().unwrap().rev, rev);
    }
    bench.done([delete("a/b")]).await;
    assert_eq!(bench.value("a/b").await, None);
}

/// Every expectation against a document that is not there, is there, was changed since, was deleted.
pub async fn a_precondition_holds_or_conflicts(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    let old = bench.done([put("there", "0"), put("gone", "0")]).await.rev;
    let new = bench.done([put("there", "1"), delete("gone")]).await.rev;
    let never = Rev(u64::MAX);
    for (name, expect, holds) in [
        ("absent", Expect::Any, true),
        ("absent", Expect::Absent, true),
        ("absent", Expect::Rev(old), false),
        ("there", Expect::Any, true),
        ("there", Expect::Absent, false),
        ("there", Expect::Rev(old), false),
        ("there", Expect::Rev(new), true),
        ("there", Expect::Rev(never), false),
        ("gone", Expect::Any, true),
        ("gone", Expect::Absent, true),
        ("gone", Expect::Rev(old), false),
        ("gone", Expect::Rev(new), false),
    ] {
        // The fence at the end always conflicts: nothing of what is tried stays.
        let fence = Op::Fence {
            lease: "nobody".to_owned(),
            epoch: Epoch(1),
        };
        let remove = Op::Delete { key: key(name), expect };
        for op in [put_if(name, "2", expect), remove] {
            println!("{op:?} on {name}: holds {holds}");
            bench.conflicts(if holds { 1 } else { 0 }, [op, fence.clone()]).await;
        }
    }
    assert_eq!(bench.value("there").await.as_deref(), Some("1"));
}

/// Whatever operation conflicts, nothing of what stands before or behind it happened.
pub async fn a_commit_is_all_or_nothing(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    let fire = |at: &str| Op::Fire {
        trigger: key("timer/t"),
        at: at.parse().unwrap(),
    };
    let before = bench
        .done([put("a", "1"), put("b", "1"), fire("2026-03-01T00:01:00Z")])
        .await
        .rev;
    let void = Receipt {
        queue: queue("q"),
        id: MessageId(u64::MAX),
        token: 1,
    };
    let failing = [
        put_if("a", "2", Expect::Absent),
        put_if("a", "2", Expect::Rev(Rev(0))),
        Op::Delete {
            key: key("a"),
            expect: Expect::Absent,
        },
        settle(&void, How::Ack),
        fire("2026-03-01T00:01:00Z"),
        Op::Fence {
            lease: "l".to_owned(),
            epoch: Epoch(1),
        },
    ];
    for op in failing {
        let good = [
            put("a", "3"),
            delete("b"),
            put("c", "3"),
            send("q", "m"),
            fire("2026-03-01T00:02:00Z"),
        ];
        for at in 0..=good.len() {
            let mut ops = good.to_vec();
            ops.insert(at, op.clone());
            // The firing before a firing in vain would be another reason.
            let is_first_reason = !matches!(op, Op::Fire { .. }) || at < good.len();
            if is_first_reason {
                bench.conflicts(at, ops).await;
            }
        }
    }
    assert_eq!(bench.value("a").await.as_deref(), Some("1"));
    assert_eq!(bench.value("b").await.as_deref(), Some("1"));
    assert_eq!(bench.value("c").await, None);
    assert_eq!(
        bench.store.queue_stats(&queue("q")).await.unwrap(),
        QueueStats::default()
    );
    assert_eq!(bench.store.changes(before, 10).await.unwrap(), []);
    let done = bench.done([fire("2026-03-01T00:02:00Z"), put("d", "1")]).await;
    assert!(done.rev > before);
}

/// A put is seen by an expectation behind it in the same commit; all share one revision.
pub async fn operations_see_those_before_them(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    let done = bench
        .done([
            put_if("a", "1", Expect::Absent),
            delete("a"),
            put_if("a", "2", Expect::Absent),
            put("a", "3"),
            put("b", "1"),
        ])
        .await;
    assert_eq!(bench.value("a").await.as_deref(), Some("3"));
    for name in ["a", "b"] {
        assert_eq!(bench.store.get(&key(name)).await.unwrap().unwrap().rev, done.rev);
    }
    bench
        .conflicts(1, [delete("b"), put_if("b", "2", Expect::Rev(done.rev))])
        .await;
    assert_eq!(bench.value("b").await.as_deref(), Some("1"));
}

/// Revisions grow with every commit that does something, and only with those.
pub async fn an_empty_commit_tells_the_revision(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    assert_eq!(bench.done([]).await.rev, Rev(0));
    let mut last = Rev(0);
    for ops in [
        vec![put("a", "1")],
        vec![put("a", "1")],
        vec![send("q", "m")],
        vec![delete("a")],
    ] {
        let rev = bench.done(ops).await.rev;
        assert!(rev > last, "{rev:?} > {last:?}");
        assert_eq!(bench.done([]).await.rev, rev);
        last = rev;
    }
    bench.conflicts(0, [put_if("a", "1", Expect::Rev(last))]).await;
    assert_eq!(bench.done([]).await.rev, last);
}

/// Sixteen tasks add to one counter by compare and swap: no addition is lost.
pub async fn of_writers_that_race_one_wins(factory: &dyn Factory) {
    const TASKS: u64 = 16;
    const ADDITIONS: u64 = 5;
    let bench = Bench::open(factory).await;
    bench.done([put("n", "0")]).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let store = Arc::clone(&bench.store);
        tasks.spawn(async move {
            let mut added = 0;
            while added < ADDITIONS {
                let doc = store.get(&key("n")).await.unwrap().unwrap();
                let n: u64 = std::str::from_utf8(&doc.value).unwrap().parse().unwrap();
                let op = put_if("n", &(n + 1).to_string(), Expect::Rev(doc.rev));
                match store.commit(vec![op]).await {
                    Ok(_) => added += 1,
                    Err(StoreError::Conflict { index: 0 }) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(bench.value("n").await, Some((TASKS * ADDITIONS).to_string()));
}

/// A folder's documents, all of them and no other's, whatever the page's size.
pub async fn a_listing_pages_through_a_folder_in_order(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    let inside = ["f/a", "f/a-b", "f/a/b", "f/b", "f/é", "f/\u{10ffff}x"];
    let outside = ["e/z", "f0", "fa", "g"];
    bench
        .done(inside.iter().chain(&outside).rev().map(|name| put(name, name)))
        .await;
    bench.done([put("f/c", ""), delete("f/c")]).await;
    let prefix: Prefix = "f/".parse().unwrap();
    for limit in 1..=7 {
        let mut seen: Vec<String> = Vec::new();
        let mut after = None;
        loop {
            let page = bench.store.list(&prefix, after.as_ref(), limit).await.unwrap();
            assert!(page.entries.len() <= limit as usize);
            assert_eq!(page.rev, bench.done([]).await.rev);
            seen.extend(page.entries.iter().map(|entry| entry.key.to_string()));
            assert!(page.entries.iter().all(|entry| entry.doc.value == entry.key.as_str()));
            after = page.next().cloned();
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, inside, "by {limit}");
    }
    for (prefix, after, limit, want, more) in [
        (Prefix::all(), None, 3, &["e/z", "f/a", "f/a-b"][..], true),
        (prefix.clone(), Some("a"), 1, &["f/a"], true),
        (prefix.clone(), Some("f/b"), 9, &["f/é", "f/\u{10ffff}x"], false),
        (prefix.clone(), Some("g"), 9, &[], false),
        (prefix, None, 0, &[], true),
        (
            Prefix::leading("f/a").unwrap(),
            None,
            9,
            &["f/a", "f/a-b", "f/a/b"],
            false,
        ),
        ("none/".parse().unwrap(), None, 9, &[], false),
    ] {
        let page = bench.store.list(&prefix, after.map(key).as_ref(), limit).await.unwrap();
        let names: Vec<&str> = page.entries.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!((names.as_slice(), page.more), (want, more), "{prefix} after {after:?}");
    }
}

fn told(changes: &[Change]) -> Vec<(u64, String, Option<String>)> {
    let text = |value: &bytes::Bytes| String::from_utf8(value.to_vec()).unwrap();
    let told = |change: &Change| (change.rev.0, change.key.to_string(), change.value.as_ref().map(text));
    changes.iter().map(told).collect()
}

/// Each changed document once, with its last value, in the order of the last changes.
pub async fn changes_tell_each_changed_document_once(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    let first = bench.done([put("b", "1"), put("a", "1"), put("c", "1")]).await.rev;
    let second = bench.done([put("a", "2"), send("q", "m")]).await.rev;
    let third = bench.done([delete("b"), put("d", "1")]).await.rev;
    let fourth = bench.done([delete("d"), delete("nothing")]).await.rev;
    let row = |rev: Rev, name: &str, value: Option<&str>| (rev.0, name.to_owned(), value.map(str::to_owned));
    let all = [
        row(first, "c", Some("1")),
        row(second, "a", Some("2")),
        row(third, "b", None),
        row(fourth, "d", None),
    ];
    for (after, from) in [(Rev(0), 0), (first, 1), (second, 2), (third, 3), (fourth, 4)] {
        let changes = bench.store.changes(after, 10).await.unwrap();
        assert_eq!(told(&changes), all[from..], "after {after:?}");
    }
    let fifth = bench.done([put("b", "5")]).await.rev;
    assert_eq!(
        told(&bench.store.changes(fourth, 10).await.unwrap()),
        [row(fifth, "b", Some("5"))]
    );
    assert_eq!(bench.store.changes(Rev(u64::MAX), 10).await.unwrap(), []);
}

/// A reader of the feed sees whole commits, also those larger than what it asked for.
pub async fn changes_never_cut_a_commit(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    for (commit, size) in [1, 2, 5, 1, 3].into_iter().enumerate() {
        bench.done((0..size).map(|n| put(&format!("{commit}/{n}"), ""))).await;
    }
    for (limit, pages) in [
        (0, &[1, 2, 5, 1, 3][..]),
        (1, &[1, 2, 5, 1, 3]),
        (2, &[1, 2, 5, 1, 3]),
        (3, &[3, 5, 1, 3]),
        (4, &[3, 5, 4]),
        (8, &[8, 4]),
        (12, &[12]),
    ] {
        let mut sizes = Vec::new();
        let mut after = Rev(0);
        loop {
            let changes = bench.store.changes(after, limit).await.unwrap();
            let Some(last) = changes.last() else { break };
            after = last.rev;
            sizes.push(changes.len());
        }
        assert_eq!(sizes, pages, "by {limit}");
    }
}

/// Deletions are forgotten in the end; then the feed says so instead of leaving them out.
pub async fn changes_forgotten_are_said_to_be(factory: &dyn Factory) {
    let bench = Bench::open_with(factory, 10).await;
    let start = bench.done([put("keep", "1")]).await.rev;
    let mut revs = Vec::new();
    for n in 0..11 {
        let name = format!("d/{n}");
        bench.done([put(&name, "")]).await;
        revs.push(bench.done([delete(&name)]).await.rev);
    }
    // The eleventh deletion was one too many: of eleven the nine youngest stay.
    let Err(StoreError::Compacted { horizon }) = bench.store.changes(start, 100).await else {
        panic!("the feed forgot and did not say so");
    };
    assert_eq!(horizon, revs[1]);
    assert_eq!(bench.store.changes(horizon, 100).await.unwrap().len(), 9);
    assert!(matches!(
        bench.store.changes(Rev(0), 1).await,
        Err(StoreError::Compacted { .. })
    ));
    assert_eq!(bench.value("keep").await.as_deref(), Some("1"));
}

/// Too much, too large, too long: refused whole, with the operation named.
pub async fn what_breaks_a_limit_is_refused(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    let large = "x".repeat(VALUE_BYTES_MAX + 1);
    for op in [put("a", &large), send("q", &large)] {
        let refused = bench.commit([put("b", "1"), op]).await;
        assert!(matches!(refused, Err(StoreError::TooLarge { index: 1, bytes }) if bytes == large.len()));
    }
    let refused = bench.commit((0..=OPS_MAX).map(|_| put("a", "1"))).await;
    assert!(matches!(refused, Err(StoreError::TooManyOps { ops }) if ops == OPS_MAX + 1));
    let long = super::send_in("q", "m", DURATION_MAX + super::S, super::HOUR);
    assert!(matches!(
        bench.commit([long]).await,
        Err(StoreError::OutOfRange { index: 0 })
    ));
    assert_eq!(bench.done([]).await.rev, Rev(0));
    bench.done((0..OPS_MAX).map(|_| put("a", "1"))).await;
    // A claim or a lease for longer is cut.
    bench.done([send("q", "m")]).await;
    assert_eq!(bench.claim("q", u32::MAX, std::time::Duration::MAX).await.len(), 1);
    let lease = bench.store.lease("l", &node("n"), std::time::Duration::MAX).await;
    assert_eq!(lease.unwrap(), Some(Epoch(1)));
}
