//! A process that takes packages in is killed at random: what it acknowledged is whole, and nothing is half there.

#![expect(clippy::unwrap_used, reason = "a test's helpers")]

use std::io::{BufRead, BufReader, Cursor, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use skiff_artifacts::Artifacts;
use skiff_domain::CodeDigest;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Names the folder in which this process is the one to be killed.
const VICTIM: &str = "SKIFF_ARTIFACTS_VICTIM";
/// How often a process is killed.
const ROUNDS: usize = 8;
/// Files of each package.
const FILES: usize = 20;

async fn open(base: &Path) -> Artifacts {
    let blobs = base.join("blobs");
    std::fs::create_dir_all(&blobs).unwrap();
    let blobs = LocalFileSystem::new_with_prefix(blobs).unwrap().with_fsync(true);
    Artifacts::open(&base.join("code"), Arc::new(blobs)).await.unwrap()
}

/// A package unlike any other of its round and number.
fn package(round: &str, number: usize) -> Bytes {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for file in 0..FILES {
        zip.start_file(format!("lib/f{file}.py"), SimpleFileOptions::default())
            .unwrap();
        writeln!(zip, "# {round} {number} {file}").unwrap();
    }
    zip.finish().unwrap().into_inner().into()
}

/// Not a test of its own: what the other starts, to kill it.
#[tokio::test]
async fn victim() {
    let Ok(base) = std::env::var(VICTIM) else { return };
    let artifacts = open(Path::new(&base)).await;
    let round = std::process::id().to_string();
    for number in 0..usize::MAX {
        let package = artifacts.admit(package(&round, number)).await.unwrap();
        println!("acknowledged {}", package.digest());
    }
}

#[tokio::test]
async fn what_was_acknowledged_before_a_kill_is_whole_and_nothing_is_half_there() {
    let base = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<CodeDigest> = Vec::new();
    for round in 0..ROUNDS {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["victim", "--exact", "--nocapture"])
            .env(VICTIM, base.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
        let digest = |line: String| {
            line.split_once("acknowledged ")
                .map(|(_, digest)| digest.parse::<CodeDigest>().unwrap())
        };
        acknowledged.extend(lines.by_ref().map_while(Result::ok).filter_map(digest).take(3 + round));
        victim.kill().unwrap();
        // What it had said before it died counts too. A line is written whole or not at all.
        let rest: Vec<String> = lines.map_while(Result::ok).collect();
        acknowledged.extend(rest.into_iter().filter_map(digest));
        victim.wait().unwrap();

        let artifacts = open(base.path()).await;
        for digest in &acknowledged {
            assert!(artifacts.is_unpacked(digest));
            let zip = artifacts.zip(*digest).await.unwrap();
            assert_eq!(CodeDigest::of(&zip), *digest);
        }
        assert_eq!(std::fs::read_dir(base.path().join("code/staging")).unwrap().count(), 0);
        for folder in std::fs::read_dir(base.path().join("code/packages")).unwrap() {
            let files = std::fs::read_dir(folder.unwrap().path().join("lib")).unwrap();
            assert_eq!(files.count(), FILES, "a folder is whole, acknowledged or not");
        }
    }
    assert!(acknowledged.len() >= ROUNDS * 3);
}
