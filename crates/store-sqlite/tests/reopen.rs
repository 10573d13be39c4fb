//! A store outlives its process: everything is there again, and nothing is given out twice.
#![allow(clippy::unwrap_used, reason = "a step that fails is a failed test")]

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use skiff_store::{Expect, How, Op, QueueStats, Store, StoreError};
use skiff_store_sqlite::{OpenError, SqliteStore};

fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(&folder.join("skiff.db")).unwrap()
}

fn put(key: &str, value: &'static str) -> Op {
    Op::Put {
        key: key.parse().unwrap(),
        value: value.into(),
        expect: Expect::Any,
    }
}

fn send(body: &'static str) -> Op {
    Op::Enqueue {
        queue: "q".parse().unwrap(),
        body: body.into(),
        visible_in: Duration::ZERO,
        dedup: None,
        expires_in: Duration::from_secs(3600),
    }
}

#[tokio::test]
async fn everything_is_there_again_after_closing() {
    let folder = tempfile::tempdir().unwrap();
    let (queue, who, hour) = ("q".parse().unwrap(), "n".parse().unwrap(), Duration::from_secs(3600));
    let store = open(folder.path());
    let first = store
        .commit(vec![put("a", "1"), put("b", "1"), send("m"), send("n")])
        .await
        .unwrap();
    let claimed = store.claim(&queue, 1, hour, &who).await.unwrap().remove(0);
    let epoch = store.lease("l", &who, hour).await.unwrap();
    store.close().await;
    assert!(matches!(
        store.commit(vec![put("a", "2")]).await,
        Err(StoreError::Closed)
    ));
    assert!(matches!(
        store.get(&"a".parse().unwrap()).await,
        Err(StoreError::Closed)
    ));
    assert!(
        !folder.path().join("skiff.db-wal").exists(),
        "the log is folded into the file"
    );

    let store = open(folder.path());
    let doc = store.get(&"a".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((doc.value.as_ref(), doc.rev), (&b"1"[..], first.rev));
    let stats = store.queue_stats(&queue).await.unwrap();
    assert_eq!((stats.ready, stats.leased), (1, 1));
    assert_eq!(store.lease("l", &who, hour).await.unwrap(), epoch);
    let second = store.commit(vec![put("a", "2"), send("o")]).await.unwrap();
    assert!(second.rev > first.rev);
    assert!(!first.ids.contains(&second.ids[0]));
    let ack = Op::Settle {
        receipt: claimed.receipt,
        how: How::Ack,
    };
    store.commit(vec![ack]).await.unwrap();
    // Dropping without closing ends the threads as well.
    drop(store);
    let store = open(folder.path());
    let left = store.claim(&queue, 9, hour, &who).await.unwrap();
    assert_eq!(
        left.iter().map(|delivery| &delivery.body[..]).collect::<Vec<_>>(),
        [b"n", b"o"]
    );
}

#[tokio::test]
async fn what_is_asked_while_closing_is_done_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(open(folder.path()));
    let mut commits = tokio::task::JoinSet::new();
    for n in 0..64 {
        let store = std::sync::Arc::clone(&store);
        commits.spawn(async move { store.commit(vec![put(&format!("k/{n}"), "1")]).await.is_ok() });
    }
    tokio::task::yield_now().await;
    store.close().await;
    let mut done = 0;
    while let Some(commit) = commits.join_next().await {
        done += usize::from(commit.unwrap());
    }
    let page = open(folder.path())
        .list(&"k/".parse().unwrap(), None, 100)
        .await
        .unwrap();
    assert_eq!(page.entries.len(), done);
}

#[test]
fn a_file_that_is_not_ours_or_of_a_later_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("skiff.db");
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(conn);
    assert!(matches!(SqliteStore::open(&path), Err(OpenError::NotAStore { .. })));

    let path = folder.path().join("later.db");
    drop(SqliteStore::open(&path).unwrap());
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 1000)
        .unwrap();
    assert!(matches!(
        SqliteStore::open(&path),
        Err(OpenError::TooNew { found: 1000, .. })
    ));

    let path = folder.path().join("text.db");
    std::fs::write(
        &path,
        "not a database, but long enough to look like the head of one".repeat(9),
    )
    .unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(OpenError::Engine { .. })));
    assert!(matches!(
        SqliteStore::open(&folder.path().join("no/such/folder.db")),
        Err(OpenError::Folder { .. })
    ));
}

#[tokio::test]
async fn expired_messages_leave_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let brief = || Op::Enqueue {
        queue: "q".parse().unwrap(),
        body: "m".into(),
        visible_in: Duration::ZERO,
        dedup: Some("once".parse().unwrap()),
        expires_in: Duration::from_millis(1),
    };
    store.commit(vec![brief()]).await.unwrap();
    let conn = Connection::open(folder.path().join("skiff.db")).unwrap();
    let rows = || -> u32 {
        let sql =
            "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM bodies) + (SELECT count(*) FROM dedup)";
        conn.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    // Sweeping comes along with writes, once a second at most.
    let bound = std::time::Instant::now() + Duration::from_secs(20);
    while rows() > 0 {
        assert!(std::time::Instant::now() < bound, "expired rows stay");
        store.commit(vec![put("tick", "1")]).await.unwrap();
    }
    assert_eq!(
        store.queue_stats(&"q".parse().unwrap()).await.unwrap(),
        QueueStats::default()
    );
}
