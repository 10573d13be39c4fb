//! A full disk: what is stored stays readable, and removals work, so that somebody can make room.
//!
//! The test runs its own binary as a child with a small disk in memory, mounted where only the child sees it.
#![allow(clippy::unwrap_used, reason = "a step that fails is a failed test")]

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use skiff_store::{Expect, Key, Op, Store};
use skiff_store_sqlite::SqliteStore;

const CHILD_ENV: &str = "SKIFF_STORE_FULL_CHILD";

fn key(n: usize) -> Key {
    format!("doc/{n}").parse().unwrap()
}

fn put(n: usize, bytes: usize) -> Op {
    Op::Put {
        key: key(n),
        value: Bytes::from(vec![b'x'; bytes]),
        expect: Expect::Any,
    }
}

fn delete(n: usize) -> Op {
    Op::Delete {
        key: key(n),
        expect: Expect::Any,
    }
}

/// The child: not a test of its own.
#[tokio::test]
async fn child() {
    let Ok(folder) = std::env::var(CHILD_ENV) else { return };
    let folder = Path::new(&folder);
    let store = SqliteStore::open(&folder.join("skiff.db")).unwrap();
    for n in 0..20 {
        store.commit(vec![put(n, 1000)]).await.unwrap();
    }
    let mut filler = File::create(folder.join("filler")).unwrap();
    while filler.write_all(&[0; 4096]).is_ok() {}
    let mut n = 100;
    while store.commit(vec![put(n, 64 * 1024)]).await.is_ok() {
        n += 1;
    }
    for n in 0..20 {
        store.commit(vec![delete(n)]).await.unwrap();
        assert!(store.get(&key(n)).await.unwrap().is_none());
    }
    store.close().await;
    println!("removed");
}

#[test]
fn on_a_full_disk_a_document_can_still_be_removed() {
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=32m tmpfs \"$1\" && exec \"$2\" --exact child --nocapture";
    let child = Command::new("unshare")
        .args(["--mount", "--map-root-user", "--user", "sh", "-c", script, "sh"])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .env(CHILD_ENV, folder.path())
        .output()
        .unwrap();
    let (told, errors) = (
        String::from_utf8_lossy(&child.stdout),
        String::from_utf8_lossy(&child.stderr),
    );
    assert!(told.contains("removed"), "{told}{errors}");
}
