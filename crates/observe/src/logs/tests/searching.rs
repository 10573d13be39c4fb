//! A search finds what a plain filter over all records would, wherever they are.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use skiff_domain::{AttemptRecord, FunctionName, FunctionUid, RequestId};

use super::{Bench, all, find, post};
use crate::logs::fixtures::{record, start};
use crate::logs::query::{LogPage, LogQuery, Order, OrderBy, Outcome, REACH_MAX};
use crate::logs::{LogStore, QueryError};

const RECORDS: u32 = 60;

/// What the answer should be, by the plainest means.
fn plainly(records: &[AttemptRecord], query: &LogQuery) -> LogPage {
    let text = |record: &AttemptRecord| format!("{:?}{:?}", record.log, record.ret_msg);
    let mut found: Vec<&AttemptRecord> = records
        .iter()
        .filter(|record| record.key.namespace == query.namespace)
        .filter(|record| query.function.as_ref().is_none_or(|name| record.key.name == *name))
        .filter(|record| query.uid.as_ref().is_none_or(|uid| record.uid == *uid))
        .filter(|record| {
            query
                .qualifier
                .as_ref()
                .is_none_or(|q| record.qualifier == *q || record.label == *q)
        })
        .filter(|record| query.request_id.is_none_or(|id| record.request_id == id))
        .filter(|record| query.start.is_none_or(|start| record.started_at >= start))
        .filter(|record| query.end.is_none_or(|end| record.started_at <= end))
        .filter(|record| query.outcome.is_none_or(|outcome| outcome.holds(record.status)))
        .filter(|record| {
            query
                .keyword
                .as_ref()
                .is_none_or(|keyword| text(record).contains(keyword))
        })
        .collect();
    found.sort_by(|a, b| {
        let by = match query.order_by {
            OrderBy::FunctionName => a.key.name.cmp(&b.key.name),
            OrderBy::Duration => a.duration.cmp(&b.duration),
            OrderBy::MemUsage => a.memory_peak_bytes.cmp(&b.memory_peak_bytes),
            OrderBy::StartTime => std::cmp::Ordering::Equal,
        };
        let ascending = by
            .then(a.started_at.cmp(&b.started_at))
            .then(a.request_id.cmp(&b.request_id));
        if query.order == Order::Asc {
            ascending
        } else {
            ascending.reverse()
        }
    });
    LogPage {
        total: found.len() as u64,
        records: found
            .into_iter()
            .skip(query.offset as usize)
            .take(query.limit as usize)
            .cloned()
            .collect(),
    }
}

fn queries() -> impl Strategy<Value = LogQuery> {
    let namespace = prop_oneof![9 => Just("default"), 1 => Just("elsewhere")];
    let function = proptest::option::weighted(0.5, 0..4_u8);
    let uid = proptest::option::weighted(0.3, 0..4_u8);
    let qualifier = proptest::option::weighted(0.2, prop_oneof![Just("$LATEST"), Just("prod"), Just("1")]);
    let request = proptest::option::weighted(0.2, 0..RECORDS + 2);
    let second = || proptest::option::weighted(0.4, 0..u64::from(RECORDS) + 4);
    let outcome = proptest::option::weighted(
        0.4,
        proptest::sample::select(vec![
            Outcome::Is0,
            Outcome::Not0,
            Outcome::TimeLimitExceeded,
            Outcome::ResourceLimitExceeded,
            Outcome::UserCodeException,
        ]),
    );
    let keyword = proptest::option::weighted(0.2, prop_oneof![Just("line of 1"), Just("result 2"), Just("absent")]);
    let order = (
        proptest::sample::select(vec![
            OrderBy::FunctionName,
            OrderBy::Duration,
            OrderBy::MemUsage,
            OrderBy::StartTime,
        ]),
        proptest::sample::select(vec![Order::Asc, Order::Desc]),
        0..30_u32,
        0..30_u32,
    );
    let who = (namespace, function, uid, qualifier, request);
    (who, second(), second(), outcome, keyword, order).prop_map(
        |((namespace, function, uid, qualifier, request), from, to, outcome, keyword, order)| LogQuery {
            namespace: namespace.parse().unwrap(),
            function: function.map(|n| format!("fn-{n}").parse().unwrap()),
            uid: uid.map(|n| FunctionUid::from_random([n; 5])),
            qualifier: qualifier.map(|text| text.parse().unwrap()),
            request_id: request.map(|n| record(n).request_id),
            start: from.map(|s| start() + Duration::from_secs(s)),
            end: to.map(|s| start() + Duration::from_secs(s)),
            outcome,
            keyword: keyword.map(str::to_owned),
            order_by: order.0,
            order: order.1,
            offset: order.2,
            limit: order.3,
        },
    )
}

fn random_queries_are_answered_plainly(runtime: &tokio::runtime::Runtime, logs: &LogStore, records: &[AttemptRecord]) {
    let config = Config {
        cases: 400,
        failure_persistence: None,
        ..Config::default()
    };
    let told = TestRunner::new(config).run(&queries(), |query| {
        let found = runtime.block_on(find(logs, &query));
        prop_assert_eq!(found, plainly(records, &query));
        Ok(())
    });
    told.unwrap();
}

#[test]
fn a_search_answers_as_a_plain_filter_would_wherever_the_records_are() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bench = Bench::new();
    // Out of order, as calls of different lengths end.
    let mut records: Vec<AttemptRecord> = (0..RECORDS).map(record).collect();
    records.sort_by_key(|record| (record.started_at.as_second() / 8, record.duration));
    let (first, second) = records.split_at(40);

    // A file in the way of the chunks' folder: nothing can be sealed, all is in the local log.
    std::fs::write(bench.blobs().join("logs"), "in the way").unwrap();
    let logs = runtime.block_on(bench.open());
    post(&logs, first.iter().cloned());
    runtime.block_on(logs.flush());
    assert!(super::files(&bench.folder.path().join("wal")) > 4);
    random_queries_are_answered_plainly(&runtime, &logs, first);

    // Sealed, but for the last few.
    std::fs::remove_file(bench.blobs().join("logs")).unwrap();
    runtime.block_on(logs.flush());
    assert!(runtime.block_on(bench.rows("chunk")).len() > 4);
    random_queries_are_answered_plainly(&runtime, &logs, first);

    // Sealed, closed and active, after being opened again.
    runtime.block_on(logs.shutdown());
    let logs = runtime.block_on(bench.open());
    post(&logs, second.iter().cloned());
    random_queries_are_answered_plainly(&runtime, &logs, &records);
    runtime.block_on(logs.shutdown());
    assert!(matches!(runtime.block_on(logs.query(&all())), Err(QueryError::Closed)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_found_by_whoever_asks_after_it_was_handed_over() {
    let bench = Bench::new();
    let logs = bench.open().await;
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..4_u32 {
        let logs = logs.clone();
        callers.spawn(async move {
            for n in (0..50).map(|n| caller * 50 + n) {
                post(&logs, [record(n)]);
                let query = LogQuery {
                    request_id: Some(record(n).request_id),
                    ..all()
                };
                let page = find(&logs, &query).await;
                assert_eq!((page.total, page.records), (1, vec![record(n)]));
            }
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    assert_eq!(find(&logs, &all()).await.total, 200);
    logs.shutdown().await;
}

#[tokio::test]
async fn a_page_is_cut_before_its_texts_become_too_large_and_the_next_goes_on_there() {
    let bench = Bench::new();
    let logs = bench.open().await;
    let long = |n| AttemptRecord {
        log: vec![b'x'; 3 << 20].into(),
        ..record(n)
    };
    post(&logs, (0..8).map(long));
    logs.flush().await;
    let mut query = LogQuery {
        order: Order::Asc,
        limit: 100,
        ..LogQuery::default()
    };
    let mut pages = Vec::new();
    let mut ids: Vec<RequestId> = Vec::new();
    while query.offset < 8 {
        let page = find(&logs, &query).await;
        assert_eq!(page.total, 8);
        pages.push(page.records.len());
        query.offset += u32::try_from(page.records.len()).unwrap();
        ids.extend(page.records.iter().map(|record| record.request_id));
    }
    assert_eq!(pages, [5, 3]);
    assert_eq!(ids, (0..8).map(|n| record(n).request_id).collect::<Vec<_>>());
    logs.shutdown().await;
}

#[tokio::test]
async fn a_search_that_reaches_too_far_is_refused() {
    let bench = Bench::new();
    let logs = bench.open().await;
    for (offset, limit, refused) in [
        (0, REACH_MAX, false),
        (1, REACH_MAX, true),
        (u32::MAX, 2, true),
        (9_999, 1, false),
    ] {
        let query = LogQuery {
            offset,
            limit,
            ..LogQuery::default()
        };
        let answer = logs.query(&query).await;
        assert_eq!(matches!(answer, Err(QueryError::TooFar)), refused, "{offset} + {limit}");
    }
    let nobody: FunctionName = "nobody".parse().unwrap();
    let query = LogQuery {
        function: Some(nobody),
        ..all()
    };
    assert_eq!(find(&logs, &query).await, LogPage::default());
    logs.shutdown().await;
}
