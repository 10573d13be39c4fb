//! The meter.

use jiff::Timestamp;
use skiff_domain::{FunctionKey, FunctionUid, Qualifier};

use super::{Bench, Factory, node, put};
use crate::{Bucket, Epoch, Op, StoreError, UsageBy, UsageCounts, UsageQuery, UsageRow};

/// A row of `n` calls of one of two functions.
fn row(seq: u64, minute: &str, function: u8, n: u64) -> UsageRow {
    UsageRow {
        node: node("n1"),
        epoch: Epoch(1),
        seq,
        minute: at(minute),
        uid: FunctionUid::from_random([function; 5]),
        key: FunctionKey {
            namespace: format!("space{function}").parse().unwrap(),
            name: "hello".parse().unwrap(),
        },
        label: Qualifier::latest(),
        counts: UsageCounts {
            invocations: n,
            errors: n + 1,
            throttles: n + 2,
            cold_starts: n + 3,
            duration_us: n + 4,
            billed_ms: n + 5,
            mb_ms: n + 6,
            egress_bytes: n + 7,
            memory_peak_bytes: n,
        },
    }
}

fn at(text: &str) -> Timestamp {
    format!("2026-03-{text}:00Z").parse().unwrap()
}

fn whole() -> UsageQuery {
    UsageQuery {
        start: at("01T00:00"),
        end: at("05T00:00"),
        uid: None,
        namespace: None,
        bucket: Bucket::Whole,
        by: UsageBy::Total,
    }
}

/// The same node, epoch and seq is the same row, whatever it says.
pub async fn a_row_written_twice_counts_once(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    assert_eq!(bench.store.usage(&whole()).await.unwrap(), []);
    let first = row(1, "01T10:00", 1, 5);
    let other_epoch = UsageRow {
        epoch: Epoch(2),
        ..first.clone()
    };
    let other_node = UsageRow {
        node: node("n2"),
        ..first.clone()
    };
    for rows in [
        vec![first.clone()],
        vec![first.clone(), first],
        vec![row(1, "01T10:00", 1, 1000)],
        vec![other_epoch, other_node, row(2, "01T10:00", 1, 5)],
    ] {
        let usage = rows.into_iter().map(Op::Usage);
        bench.done(usage.chain([put("a", "goes through with it")])).await;
    }
    let sums = bench.store.usage(&whole()).await.unwrap();
    let counts = sums[0].counts;
    assert_eq!(
        (counts.invocations, counts.mb_ms, counts.memory_peak_bytes),
        (20, 44, 5)
    );
    let mut half = row(3, "01T10:00", 1, 1);
    half.minute = "2026-03-01T10:00:30Z".parse().unwrap();
    let refused = bench.commit([Op::Usage(half)]).await;
    assert!(matches!(refused, Err(StoreError::OutOfRange { index: 0 })));
}

/// Sums by minute, hour, day of UTC+8 and in all; of all, one function, one namespace; the end is not included.
pub async fn sums_are_by_time_and_function(factory: &dyn Factory) {
    let bench = Bench::open(factory).await;
    let rows = [
        row(1, "01T15:59", 1, 1), // 23:59 of the 1st in UTC+8
        row(2, "01T16:00", 1, 2), // 0:00 of the 2nd
        row(3, "01T16:00", 2, 4),
        row(4, "01T16:00", 1, 8),
        row(5, "02T09:30", 1, 16),
    ];
    bench.done(rows.into_iter().map(Op::Usage)).await;
    let one = FunctionUid::from_random([1; 5]);
    let two = FunctionUid::from_random([2; 5]);
    let all = |bucket, by| UsageQuery { bucket, by, ..whole() };
    let cases = [
        (all(Bucket::Whole, UsageBy::Total), vec![("01T00:00", None, 31)]),
        (
            all(Bucket::Whole, UsageBy::Function),
            vec![("01T00:00", Some(&one), 27), ("01T00:00", Some(&two), 4)],
        ),
        (
            all(Bucket::Minute, UsageBy::Total),
            vec![("01T15:59", None, 1), ("01T16:00", None, 14), ("02T09:30", None, 16)],
        ),
        (
            all(Bucket::Hour, UsageBy::Function),
            vec![
                ("01T15:00", Some(&one), 1),
                ("01T16:00", Some(&one), 10),
                ("01T16:00", Some(&two), 4),
                ("02T09:00", Some(&one), 16),
            ],
        ),
        (
            all(Bucket::Day, UsageBy::Total),
            // The first day began before the query did.
            vec![("00T16:00", None, 1), ("01T16:00", None, 30)],
        ),
        (
            UsageQuery {
                uid: Some(two.clone()),
                ..whole()
            },
            vec![("01T00:00", None, 4)],
        ),
        (
            UsageQuery {
                namespace: Some("space1".parse().unwrap()),
                ..whole()
            },
            vec![("01T00:00", None, 27)],
        ),
        (
            UsageQuery {
                start: at("01T16:00"),
                end: at("02T09:30"),
                ..whole()
            },
            vec![("01T16:00", None, 14)],
        ),
    ];
    for (query, want) in cases {
        let sums = bench.store.usage(&query).await.unwrap();
        let got: Vec<_> = sums
            .iter()
            .map(|sum| {
                (
                    sum.start,
                    sum.function.as_ref().map(|(uid, _)| uid),
                    sum.counts.invocations,
                )
            })
            .collect();
        let midnight = "2026-02-28T16:00:00Z".parse().unwrap();
        let start = |text: &str| if text == "00T16:00" { midnight } else { at(text) };
        let want: Vec<_> = want.into_iter().map(|(text, uid, n)| (start(text), uid, n)).collect();
        assert_eq!(got, want, "{query:?}");
    }
    let by_function = bench.store.usage(&all(Bucket::Whole, UsageBy::Function)).await.unwrap();
    let sum = &by_function[0];
    assert_eq!(
        sum.function.as_ref().map(|(_, key)| key.to_string()).as_deref(),
        Some("space1/hello")
    );
    assert_eq!(
        sum.counts,
        UsageCounts {
            invocations: 27,
            errors: 31,
            throttles: 35,
            cold_starts: 39,
            duration_us: 43,
            billed_ms: 47,
            mb_ms: 51,
            egress_bytes: 55,
            memory_peak_bytes: 16,
        }
    );
}
