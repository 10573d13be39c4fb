//! Killed at any moment: what was acknowledged is there, and nothing is half there.
//!
//! The test runs its own binary as a child that commits in a loop, from several tasks at once so that commits share
//! transactions, and writes a line for each acknowledgement. It kills the child, opens the file and compares; then
//! the next child goes on with the same file.
#![allow(clippy::unwrap_used, reason = "a step that fails is a failed test")]

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use skiff_store::{Expect, Key, Op, Prefix, Rev, Store};
use skiff_store_sqlite::SqliteStore;

const CHILD_ENV: &str = "SKIFF_STORE_CRASH_CHILD";
const ROUNDS: u64 = 25;
const TASKS: usize = 4;
/// Documents of one commit: enough to span pages.
const PARTS: usize = 5;

/// The child: not a test of its own.
#[test]
fn child() {
    let Ok(folder) = std::env::var(CHILD_ENV) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = std::sync::Arc::new(SqliteStore::open(&Path::new(&folder).join("skiff.db")).unwrap());
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..TASKS {
            let store = std::sync::Arc::clone(&store);
            tasks.spawn(async move {
                let last = key(&format!("last/{task}"));
                let mut expect = store
                    .get(&last)
                    .await
                    .unwrap()
                    .map_or(Expect::Absent, |doc| Expect::Rev(doc.rev));
                let mut n = read_last(&store, task).await;
                loop {
                    n += 1;
                    let done = store.commit(commit(task, n, &last, expect)).await.unwrap();
                    expect = Expect::Rev(done.rev);
                    println!("ack {task} {n}");
                    std::io::stdout().flush().unwrap();
                }
            });
        }
        tasks.join_next().await
    });
}

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

async fn read_last(store: &SqliteStore, task: usize) -> u64 {
    let doc = store.get(&key(&format!("last/{task}"))).await.unwrap();
    doc.map_or(0, |doc| std::str::from_utf8(&doc.value).unwrap().parse().unwrap())
}

/// The `n`th commit of a task: its number, the parts that belong to it in place of the ones before, and a message.
fn commit(task: usize, n: u64, last: &Key, expect: Expect) -> Vec<Op> {
    let number = Bytes::from(n.to_string());
    let mut ops = vec![Op::Put {
        key: last.clone(),
        value: number.clone(),
        expect,
    }];
    ops.extend((0..PARTS).map(|part| Op::Put {
        key: key(&format!("part/{task}/{part}")),
        value: number.clone(),
        expect: Expect::Any,
    }));
    ops.push(Op::Enqueue {
        queue: format!("q/{task}").parse().unwrap(),
        body: number,
        visible_in: Duration::ZERO,
        dedup: None,
        expires_in: Duration::from_secs(24 * 3600),
    });
    ops
}

#[test]
fn a_killed_process_leaves_every_acknowledged_commit_and_no_half_one() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut rev = Rev(0);
    for round in 0..ROUNDS {
        let acknowledged = run_and_kill(folder.path());
        assert!(!acknowledged.is_empty(), "round {round}: nothing was acknowledged");
        let now = runtime.block_on(check(folder.path(), &acknowledged));
        assert!(now > rev, "round {round}: the revision grows");
        rev = now;
    }
}

/// Runs a child for a random while. Tells the last acknowledgement of each task.
fn run_and_kill(folder: &Path) -> HashMap<usize, u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env(CHILD_ENV, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // A random number of acknowledgements and a random moment after the last: inside a commit as a rule.
    let random = RandomState::new().build_hasher().finish();
    let (acks, pause) = (1 + random % 120, Duration::from_micros((random >> 32) % 3000));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut seen = HashMap::new();
    let mut count = 0;
    let mut note = |line: String| {
        // The test harness may have begun the line.
        let Some((_, ack)) = line.split_once("ack ") else {
            return;
        };
        // The last line may be cut short by the kill; then it tells nothing.
        let Some((task, n)) = ack.split_once(' ') else { return };
        if let (Ok(task), Ok(n)) = (task.parse(), n.parse()) {
            seen.insert(task, n);
            count += 1;
        }
        if count == acks {
            std::thread::sleep(pause);
            child.kill().unwrap();
        }
    };
    // After the kill, up to what it had written down.
    while let Some(Ok(line)) = lines.next() {
        note(line);
    }
    child.wait().unwrap();
    seen
}

async fn check(folder: &Path, acknowledged: &HashMap<usize, u64>) -> Rev {
    let store = SqliteStore::open(&folder.join("skiff.db")).unwrap();
    for task in 0..TASKS {
        let last = read_last(&store, task).await;
        let due = acknowledged.get(&task).copied().unwrap_or(0);
        assert!(last >= due, "task {task}: {due} was acknowledged, {last} is there");
        let prefix: Prefix = format!("part/{task}/").parse().unwrap();
        let parts = store.list(&prefix, None, 100).await.unwrap().entries;
        assert_eq!(parts.len(), if last == 0 { 0 } else { PARTS });
        for part in parts {
            assert_eq!(part.doc.value, last.to_string(), "task {task}: a half commit");
        }
        let queue = format!("q/{task}").parse().unwrap();
        assert_eq!(
            store.queue_stats(&queue).await.unwrap().ready,
            last,
            "task {task}: one message per commit"
        );
    }
    let file = rusqlite::Connection::open(folder.join("skiff.db")).unwrap();
    let verdict: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    store.commit(Vec::new()).await.unwrap().rev
}
