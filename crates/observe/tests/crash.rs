//! Killed at any moment: a record that a query has shown is there again, once, and metered once.
//!
//! The test runs its own binary as a child that records in a loop, looks each record up and writes a line for each it
//! has found. It kills the child and looks for itself; then the next child goes on in the same folder. Segments are
//! small, so that kills hit sealing, metering and removing as well.
#![allow(clippy::unwrap_used, reason = "a step that fails is a failed test")]

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use object_store::local::LocalFileSystem;
use skiff_domain::{AttemptRecord, FunctionKey, FunctionUid, Origin, Qualifier, RequestId, StatusCode};
use skiff_invoker::Recorder;
use skiff_observe::{LogQuery, LogStore, LogStoreConfig, Metrics, REACH_MAX};
use skiff_store::{Bucket, Store, UsageBy, UsageQuery};
use skiff_store_sqlite::SqliteStore;

const CHILD_ENV: &str = "SKIFF_OBSERVE_CRASH_CHILD";
const ROUNDS: u64 = 15;
const TASKS: usize = 3;

async fn open(folder: &Path) -> (Arc<SqliteStore>, LogStore) {
    let blobs = folder.join("blobs");
    std::fs::create_dir_all(&blobs).unwrap();
    let store = Arc::new(SqliteStore::open(&folder.join("skiff.db")).unwrap());
    let config = LogStoreConfig {
        segment_bytes: 4096,
        sync_interval: Duration::from_millis(5),
        ..LogStoreConfig::new(
            folder.join("logs"),
            Arc::new(LocalFileSystem::new_with_prefix(blobs).unwrap()),
            Arc::clone(&store) as Arc<dyn Store>,
            "n1".parse().unwrap(),
            Metrics::new(),
        )
    };
    let logs = LogStore::open(config).await.unwrap();
    (store, logs)
}

fn record() -> AttemptRecord {
    AttemptRecord {
        request_id: RequestId::random(),
        uid: FunctionUid::from_random([1; 5]),
        key: FunctionKey {
            namespace: "default".parse().unwrap(),
            name: "hello".parse().unwrap(),
        },
        label: Qualifier::latest(),
        qualifier: Qualifier::latest(),
        started_at: Timestamp::now(),
        status: StatusCode::Success,
        duration: Duration::from_millis(1),
        billed_ms: 3,
        memory_mb: 128,
        memory_peak_bytes: 1 << 20,
        retry_num: 0,
        origin: Origin::Api,
        cold_start: false,
        ret_msg: "\"ok\"".into(),
        log: "START\nEND\n".into(),
    }
}

/// The child: not a test of its own.
#[test]
fn child() {
    let Ok(folder) = std::env::var(CHILD_ENV) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (_store, logs) = open(Path::new(&folder)).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..TASKS {
            let logs = logs.clone();
            tasks.spawn(async move {
                loop {
                    let record = record();
                    let query = LogQuery {
                        request_id: Some(record.request_id),
                        start: Some(record.started_at),
                        limit: 2,
                        ..LogQuery::default()
                    };
                    logs.record(record.clone());
                    assert_eq!(logs.query(&query).await.unwrap().records, [record]);
                    println!("ack {}", query.request_id.unwrap());
                    std::io::stdout().flush().unwrap();
                }
            });
        }
        tasks.join_next().await
    });
}

#[test]
fn a_killed_process_leaves_every_record_that_was_shown_once_and_metered_once() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut acknowledged = HashSet::new();
    for round in 0..ROUNDS {
        let before = acknowledged.len();
        run_and_kill(folder.path(), &mut acknowledged);
        assert!(acknowledged.len() > before, "round {round}: nothing was acknowledged");
        runtime.block_on(check(folder.path(), &acknowledged));
    }
}

fn run_and_kill(folder: &Path, acknowledged: &mut HashSet<RequestId>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env(CHILD_ENV, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // A random number of acknowledgements, and a random moment after the last.
    let random = RandomState::new().build_hasher().finish();
    let (acks, pause) = (1 + random % 90, Duration::from_micros((random >> 32) % 3000));
    let mut seen = 0;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(Ok(line)) = lines.next() {
        // The test harness may have begun the line; the kill may have cut it.
        let id = line.split_once("ack ").and_then(|(_, id)| id.parse::<RequestId>().ok());
        let Some(id) = id else { continue };
        acknowledged.insert(id);
        seen += 1;
        if seen == acks {
            std::thread::sleep(pause);
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
}

async fn check(folder: &Path, acknowledged: &HashSet<RequestId>) {
    let (store, logs) = open(folder).await;
    let query = LogQuery {
        limit: REACH_MAX,
        ..LogQuery::default()
    };
    let page = logs.query(&query).await.unwrap();
    let found: HashSet<RequestId> = page.records.iter().map(|record| record.request_id).collect();
    assert_eq!(found.len(), page.records.len(), "a record is there twice");
    assert_eq!(page.total, found.len() as u64);
    assert!(
        acknowledged.is_subset(&found),
        "{} records are gone",
        acknowledged.difference(&found).count()
    );
    logs.flush().await;
    let usage = UsageQuery {
        start: Timestamp::UNIX_EPOCH,
        end: Timestamp::MAX,
        uid: None,
        namespace: None,
        bucket: Bucket::Whole,
        by: UsageBy::Total,
    };
    let usage = store.usage(&usage).await.unwrap()[0].counts;
    assert_eq!(
        (usage.invocations, usage.billed_ms),
        (page.total, page.total * 3),
        "metered otherwise than recorded"
    );
    logs.shutdown().await;
    store.close().await;
}
