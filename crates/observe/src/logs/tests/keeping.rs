//! What is recorded stays, is metered once, and goes when its time is over.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use skiff_domain::{AttemptRecord, StatusCode};
use skiff_store::{ManualClock, UsageCounts};

use super::{Bench, all, files, find, post};
use crate::logs::fixtures::{record, start};
use crate::logs::frame::{self, MAGIC};
use crate::logs::query::LogQuery;
use crate::logs::{LogStore, LogStoreConfig};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn everything_is_there_again_after_closing_and_metered_once() {
    let bench = Bench::new();
    let mut due = UsageCounts::default();
    for round in 0..5_u32 {
        let logs = bench.open().await;
        assert_eq!(find(&logs, &all()).await.total, u64::from(round * 7));
        for n in round * 7..round * 7 + 7 {
            post(&logs, [record(n)]);
            due.invocations += 1;
            due.billed_ms += record(n).billed_ms;
            due.mb_ms += record(n).billed_ms * 128;
        }
        if round % 2 == 0 {
            logs.flush().await;
        }
        logs.shutdown().await;
        let usage = bench.usage().await;
        assert_eq!(
            (usage.invocations, usage.billed_ms, usage.mb_ms),
            (due.invocations, due.billed_ms, due.mb_ms)
        );
    }
    let logs = bench.open().await;
    let mut found = find(&logs, &all()).await.records;
    found.sort_by_key(|record| record.started_at);
    assert_eq!(found, (0..35).map(record).collect::<Vec<_>>());
    // What comes after the end is said to be lost.
    logs.shutdown().await;
    post(&logs, [record(99)]);
    assert!(logs.metrics().encode().contains("skiff_log_records_dropped_total 1"));
}

#[tokio::test]
async fn a_throttled_attempt_is_counted_apart_and_not_billed() {
    let bench = Bench::new();
    let logs = bench.open().await;
    let ended = |status| AttemptRecord {
        status,
        billed_ms: 10,
        cold_start: false,
        duration: Duration::from_millis(9),
        ..record(0)
    };
    post(
        &logs,
        [
            StatusCode::ConcurrencyExceeded,
            StatusCode::UserException,
            StatusCode::Success,
        ]
        .map(ended),
    );
    logs.flush().await;
    let due = UsageCounts {
        invocations: 2,
        errors: 1,
        throttles: 1,
        cold_starts: 0,
        duration_us: 18_000,
        billed_ms: 20,
        mb_ms: 20 * 128,
        egress_bytes: 0,
        memory_peak_bytes: record(0).memory_peak_bytes,
    };
    assert_eq!(bench.usage().await, due);
    logs.shutdown().await;
}

#[tokio::test]
async fn a_torn_end_is_cut_and_the_whole_records_before_it_stay() {
    let mut whole = MAGIC.to_vec();
    (0..3).for_each(|n| frame::write(&record(n), &mut whole));
    for (left, torn) in [
        (Some(2), whole[..whole.len() - 1].to_vec()),
        (Some(3), [&whole[..], b"garbage behind the last record"].concat()),
        (Some(3), [&whole[..], &[0; 5000]].concat()),
        (Some(0), MAGIC.to_vec()),
        (Some(0), b"SKL".to_vec()),
        (Some(0), Vec::new()),
        (None, b"somebody else's file".to_vec()),
        (None, vec![0; 5000]),
    ] {
        let bench = Bench::new();
        let wal = bench.folder.path().join("wal");
        std::fs::create_dir(&wal).unwrap();
        let path = wal.join(format!("{:016x}.wal", 1));
        std::fs::write(&path, &torn).unwrap();
        let due = left.unwrap_or(0);
        let logs = bench.open().await;
        assert_eq!(find(&logs, &all()).await.total, due, "{} bytes", torn.len());
        // What comes now is behind the cut, and is there next time.
        post(&logs, [record(50)]);
        logs.shutdown().await;
        let logs = bench.open().await;
        assert_eq!(find(&logs, &all()).await.total, due + 1, "{} bytes", torn.len());
        logs.shutdown().await;
        let aside = path.with_extension("unreadable");
        assert_eq!(
            aside.exists(),
            left.is_none(),
            "what is not ours is kept for a person to look at"
        );
        assert_eq!(bench.usage().await.invocations, due + 1);
    }
}

#[tokio::test]
async fn what_is_behind_a_damaged_record_is_set_aside_and_not_lost() {
    let bench = Bench::new();
    let wal = bench.folder.path().join("wal");
    std::fs::create_dir(&wal).unwrap();
    let path = wal.join(format!("{:016x}.wal", 1));
    let mut bytes = MAGIC.to_vec();
    frame::write(&record(0), &mut bytes);
    let good = bytes.len();
    (1..4).for_each(|n| frame::write(&record(n), &mut bytes));
    bytes[good + 30] ^= 1;
    for cut in ["cut", "cut.1"] {
        std::fs::write(&path, &bytes).unwrap();
        let logs = bench.open().await;
        assert_eq!(find(&logs, &all()).await.total, 1);
        let aside = path.with_extension(cut);
        assert_eq!(std::fs::read(&aside).unwrap(), bytes[good..]);
        assert_eq!(std::fs::metadata(&aside).unwrap().permissions().mode() & 0o777, 0o600);
        logs.shutdown().await;
    }
}

#[tokio::test]
async fn a_segment_that_lost_what_was_metered_is_not_appended_to() {
    let bench = Bench::new();
    let logs = bench.open().await;
    post(&logs, (0..3).map(record));
    logs.shutdown().await;
    // A power cut takes the end of the file, which the meter has seen.
    let path = bench.folder.path().join("wal").join(format!("{:016x}.wal", 1));
    std::fs::write(&path, &std::fs::read(&path).unwrap()[..400]).unwrap();
    let logs = bench.open().await;
    let left = find(&logs, &all()).await.total;
    assert!(left < 3);
    post(&logs, (10..13).map(record));
    logs.shutdown().await;
    assert_eq!(bench.usage().await.invocations, 6);
    let logs = bench.open().await;
    assert_eq!(find(&logs, &all()).await.total, left + 3);
    logs.shutdown().await;
}

#[tokio::test]
async fn records_wait_in_the_local_log_while_blobs_cannot_be_written() {
    let bench = Bench::new();
    std::fs::write(bench.blobs().join("logs"), "in the way").unwrap();
    let logs = bench.open().await;
    post(&logs, (0..40).map(record));
    logs.flush().await;
    assert_eq!(bench.rows("chunk").await, Vec::<String>::new());
    // The meter needs no blobs.
    assert_eq!(bench.usage().await.invocations, 40);
    logs.shutdown().await;
    let logs = bench.open().await;
    assert_eq!(find(&logs, &all()).await.total, 40);
    std::fs::remove_file(bench.blobs().join("logs")).unwrap();
    logs.flush().await;
    assert!(bench.rows("chunk").await.len() > 4);
    assert_eq!(
        files(&bench.folder.path().join("wal")),
        1,
        "sealed segments are removed"
    );
    assert_eq!(find(&logs, &all()).await.total, 40);
    assert_eq!(bench.usage().await.invocations, 40);
    logs.shutdown().await;
}

#[tokio::test]
async fn what_cannot_be_sealed_for_long_is_dropped_oldest_first_and_counted() {
    let bench = Bench::new();
    std::fs::write(bench.blobs().join("logs"), "in the way").unwrap();
    let config = LogStoreConfig {
        retention_bytes: 4096,
        ..bench.config()
    };
    let logs = LogStore::open(config).await.unwrap();
    post(&logs, (0..60).map(record));
    logs.flush().await;
    let left = find(&logs, &all()).await;
    assert!(left.total > 10 && left.total < 30, "{}", left.total);
    assert_eq!(left.records[0], record(59));
    let line = format!("skiff_log_records_dropped_total {}", 60 - left.total);
    assert!(logs.metrics().encode().contains(&line), "{line}");
    assert_eq!(bench.usage().await.invocations, 60, "what is dropped was metered");
    logs.shutdown().await;
}

#[tokio::test]
async fn a_process_killed_between_sealing_and_removing_counts_and_shows_nothing_twice() {
    let bench = Bench::new();
    std::fs::write(bench.blobs().join("logs"), "in the way").unwrap();
    let logs = bench.open().await;
    post(&logs, (0..40).map(record));
    logs.shutdown().await;
    // The segments as they were before sealing come back beside the sealed chunks.
    let wal = bench.folder.path().join("wal");
    let copies: Vec<_> = std::fs::read_dir(&wal)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (std::fs::read(&path).unwrap(), path))
        .collect();
    std::fs::remove_file(bench.blobs().join("logs")).unwrap();
    let logs = bench.open().await;
    logs.flush().await;
    logs.shutdown().await;
    for (bytes, path) in copies {
        std::fs::write(path, bytes).unwrap();
    }
    let logs = bench.open().await;
    assert_eq!(find(&logs, &all()).await.total, 40);
    logs.flush().await;
    assert_eq!(find(&logs, &all()).await.total, 40);
    assert_eq!(bench.usage().await.invocations, 40);
    logs.shutdown().await;
}

#[tokio::test]
async fn chunks_go_when_they_are_too_old_or_too_many() {
    let bench = Bench::new();
    let clock = ManualClock::at(start());
    let config = || LogStoreConfig {
        clock: clock.clock(),
        retention_age: 7 * DAY,
        ..bench.config()
    };
    let logs = LogStore::open(config()).await.unwrap();
    post(&logs, (0..40).map(record));
    logs.flush().await;
    let sealed = bench.rows("chunk").await.len();
    clock.advance(8 * DAY);
    let later = |n| AttemptRecord {
        started_at: start() + 8 * DAY,
        ..record(n)
    };
    post(&logs, (100..140).map(later));
    logs.flush().await;
    // Time is believed at the second look.
    logs.flush().await;
    let kept = bench.rows("chunk").await.len();
    // At most the chunk that holds records of both times stays of the old ones.
    let old = LogQuery {
        end: Some(start() + DAY),
        ..all()
    };
    assert!(find(&logs, &old).await.total < 10);
    assert!(find(&logs, &all()).await.total >= 40);
    assert!(sealed > 4 && kept > 4);
    assert_eq!(files(&bench.blobs()), kept, "no blob without a row");
    assert_eq!(bench.rows("ids").await.len(), kept);
    logs.shutdown().await;

    let small = LogStoreConfig {
        retention_bytes: 1500,
        ..config()
    };
    let logs = LogStore::open(small).await.unwrap();
    post(&logs, (200..240).map(later));
    logs.flush().await;
    let bytes: u64 = walk(&bench.blobs());
    assert!(bytes > 0 && bytes <= 1500, "{bytes}");
    assert_eq!(bench.rows("chunk").await.len(), files(&bench.blobs()));
    assert_eq!(bench.rows("ids").await.len(), files(&bench.blobs()));
    logs.shutdown().await;
}

#[tokio::test]
async fn logs_outlive_a_clock_that_is_ahead_for_a_moment() {
    let bench = Bench::new();
    let clock = ManualClock::at(start());
    let config = LogStoreConfig {
        clock: clock.clock(),
        retention_age: 7 * DAY,
        retention_interval: DAY,
        ..bench.config()
    };
    let logs = LogStore::open(config).await.unwrap();
    post(&logs, (0..40).map(record));
    logs.flush().await;
    clock.advance(30 * DAY);
    // Sealing looks for what is too old.
    post(&logs, (100..140).map(record));
    logs.flush().await;
    logs.flush().await;
    assert_eq!(find(&logs, &all()).await.total, 80);
    logs.shutdown().await;
}

#[tokio::test]
async fn old_chunks_go_also_when_no_call_comes() {
    let bench = Bench::new();
    let clock = ManualClock::at(start());
    let config = || LogStoreConfig {
        clock: clock.clock(),
        retention_age: 7 * DAY,
        segment_age: Duration::from_secs(3600),
        ..bench.config()
    };
    let logs = LogStore::open(config()).await.unwrap();
    post(&logs, (0..40).map(record));
    logs.flush().await;
    clock.advance(6 * DAY);
    logs.shutdown().await;
    let logs = LogStore::open(config()).await.unwrap();
    logs.flush().await;
    assert_eq!(find(&logs, &all()).await.total, 40, "none is too old");
    clock.advance(DAY + Duration::from_secs(60));
    logs.shutdown().await;
    // Now all of them are, those included that had not filled a segment.
    let logs = LogStore::open(config()).await.unwrap();
    let bound = std::time::Instant::now() + Duration::from_secs(20);
    while find(&logs, &all()).await.total > 0 {
        assert!(std::time::Instant::now() < bound, "old records are kept");
        logs.flush().await;
    }
    assert_eq!((files(&bench.blobs()), bench.rows("chunk").await.len()), (0, 0));
    logs.shutdown().await;
}

fn walk(folder: &std::path::Path) -> u64 {
    let size = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path)
        } else {
            path.metadata().unwrap().len()
        }
    };
    std::fs::read_dir(folder).unwrap().map(size).sum()
}

#[tokio::test]
async fn a_segment_is_sealed_by_its_age_when_few_calls_come() {
    let bench = Bench::new();
    let clock = ManualClock::at(start());
    let config = LogStoreConfig {
        clock: clock.clock(),
        segment_age: Duration::from_secs(3600),
        ..bench.config()
    };
    let logs = LogStore::open(config).await.unwrap();
    post(&logs, [record(0)]);
    logs.flush().await;
    assert_eq!(bench.rows("chunk").await.len(), 0);
    clock.advance(Duration::from_secs(3600));
    let bound = std::time::Instant::now() + Duration::from_secs(20);
    while bench.rows("chunk").await.is_empty() {
        assert!(
            std::time::Instant::now() < bound,
            "the segment is old and was not sealed"
        );
        logs.flush().await;
    }
    assert_eq!(find(&logs, &all()).await.records, [record(0)]);
    logs.shutdown().await;
}

#[tokio::test]
async fn a_store_that_is_let_go_without_shutting_down_ends_by_itself() {
    let bench = Bench::new();
    let logs = bench.open().await;
    post(&logs, [record(0)]);
    let shelf = logs.0.shelf.clone();
    drop(logs);
    let bound = std::time::Instant::now() + Duration::from_secs(20);
    // The writer and the keeper hold the shelf.
    while Arc::strong_count(shelf.holders()) > 1 {
        assert!(std::time::Instant::now() < bound, "the writer or the keeper goes on");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let logs = bench.open().await;
    assert_eq!(find(&logs, &all()).await.total, 1);
    logs.shutdown().await;
}
