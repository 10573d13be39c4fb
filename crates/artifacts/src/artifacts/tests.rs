mod stacks;

use std::collections::HashSet;

use futures::TryStreamExt;
use object_store::local::LocalFileSystem;

use super::*;
use crate::error::BadPackage;
use crate::zips::{LINK, Raw, honest, raw};
use crate::{Collected, OpenError};

/// Packages in a folder of their own, which can be closed and opened again.
struct Shelf {
    base: tempfile::TempDir,
    artifacts: Artifacts,
}

impl Shelf {
    async fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        let artifacts = open_in(base.path(), "boot 1").await.unwrap();
        Self { base, artifacts }
    }

    async fn reopen(self, boot: &str) -> Self {
        let Self { base, artifacts } = self;
        drop(artifacts);
        let artifacts = open_in(base.path(), boot).await.unwrap();
        Self { base, artifacts }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.base.path().join(path)
    }

    /// What is kept of all packages: folders, folders being made, blobs.
    async fn kept(&self) -> [usize; 3] {
        let count = |folder: &str| std::fs::read_dir(self.path(folder)).unwrap().count();
        let blobs: Vec<_> = self.artifacts.inner.blobs.list(None).try_collect().await.unwrap();
        [count("code/packages"), count("code/staging"), blobs.len()]
    }
}

async fn open_in(base: &Path, boot: &str) -> Result<Artifacts, OpenError> {
    let blobs = base.join("blobs");
    std::fs::create_dir_all(&blobs).unwrap();
    let blobs = LocalFileSystem::new_with_prefix(blobs).unwrap().with_fsync(true);
    open::open(&base.join("code"), Arc::new(blobs), boot.to_owned()).await
}

fn hello(text: &str) -> Bytes {
    honest(&[("index.py", text.as_bytes()), ("lib/util.py", b"x = 1")])
}

#[tokio::test]
async fn a_package_is_unpacked_under_its_digest_and_read_back() {
    let shelf = Shelf::new().await;
    let zip = hello("print(1)");
    let package = shelf.artifacts.admit(zip.clone()).await.unwrap();
    assert_eq!(package.digest, CodeDigest::of(&zip));
    assert_eq!(package.zip_bytes, zip.len() as u64);
    assert_eq!(
        *package.folder,
        shelf.path("code/packages").join(package.digest.to_string())
    );
    assert_eq!(std::fs::read(package.folder.join("lib/util.py")).unwrap(), b"x = 1");
    assert_eq!(shelf.artifacts.zip(package.digest).await.unwrap(), zip);
    assert_eq!(shelf.kept().await, [1, 0, 1]);
}

#[tokio::test]
async fn the_same_content_is_unpacked_once_also_when_it_comes_many_times_at_once() {
    let shelf = Shelf::new().await;
    let admits = (0..8).map(|_| shelf.artifacts.admit(hello("print(1)")));
    let packages = futures::future::try_join_all(admits).await.unwrap();
    let inode = |package: &Package| std::os::unix::fs::MetadataExt::ino(&package.folder.metadata().unwrap());
    let inodes: HashSet<u64> = packages.iter().map(inode).collect();
    assert_eq!(inodes.len(), 1);
    assert_eq!(shelf.kept().await, [1, 0, 1]);
}

#[tokio::test]
async fn a_refused_package_says_why_by_its_code_and_leaves_nothing() {
    let shelf = Shelf::new().await;
    let bomb = honest(&[("zeros", &vec![0; 40 << 20])]);
    let mut damaged = Raw::file("b.py");
    damaged.crc ^= 1;
    for (zip, says) in [
        (Bytes::from_static(b"no zip"), "not a zip"),
        (bomb, "zip bomb"),
        (raw(&[Raw::file("../index.py")]), "leads out of the package"),
        (
            raw(&[Raw::file("a.py"), Raw::link("l", "../x")]),
            "leads out of the package",
        ),
        // Found only after a file was written.
        (raw(&[Raw::file("a.py"), damaged]), "is damaged"),
    ] {
        let error = shelf.artifacts.admit(zip).await.unwrap_err();
        assert_eq!(error.code(), "InvalidParameterValue.ZipFile");
        assert!(
            error.to_string().starts_with("ZipFile ") && error.to_string().contains(says),
            "{error}"
        );
        assert_eq!(shelf.kept().await, [0, 0, 0], "{says}");
        assert!(shelf.artifacts.inner.slots.digests().is_empty());
    }
    let error = shelf
        .artifacts
        .admit(vec![0; ZIP_BYTES_MAX + 1].into())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "InvalidParameterValue.InlineZipFile");
}

#[tokio::test]
async fn what_was_admitted_is_there_after_a_restart_without_unpacking_again() {
    let shelf = Shelf::new().await;
    let digest = shelf.artifacts.admit(hello("print(1)")).await.unwrap().digest;
    let shelf = shelf.reopen("boot 1").await;
    assert!(shelf.artifacts.is_unpacked(&digest));
    assert!(shelf.artifacts.contains(&digest, "index.py"));
}

#[tokio::test]
async fn after_a_reboot_folders_are_not_trusted_and_unpacked_again_from_the_blob() {
    let shelf = Shelf::new().await;
    let digest = shelf.artifacts.admit(hello("print(1)")).await.unwrap().digest;
    // What a power cut leaves of a file that never reached the disk.
    std::fs::write(shelf.path(&format!("code/packages/{digest}/index.py")), "").unwrap();
    let shelf = shelf.reopen("boot 2").await;
    assert!(!shelf.artifacts.is_unpacked(&digest));
    let folder = shelf.artifacts.folder(digest).await.unwrap();
    assert_eq!(std::fs::read(folder.join("index.py")).unwrap(), b"print(1)");
    assert!(shelf.artifacts.is_unpacked(&digest));
}

#[tokio::test]
async fn what_a_crash_left_half_unpacked_is_removed_when_opened() {
    let shelf = Shelf::new().await;
    std::fs::create_dir_all(shelf.path("code/staging/half/lib")).unwrap();
    std::fs::write(shelf.path("code/staging/half/lib/a.py"), "x").unwrap();
    let shelf = shelf.reopen("boot 1").await;
    assert_eq!(shelf.kept().await, [0, 0, 0]);
}

#[tokio::test]
async fn a_folder_left_by_a_caller_that_went_away_is_replaced() {
    let shelf = Shelf::new().await;
    let zip = hello("print(1)");
    let left = shelf.path("code/packages").join(CodeDigest::of(&zip).to_string());
    std::fs::create_dir_all(left.join("old")).unwrap();
    let package = shelf.artifacts.admit(zip).await.unwrap();
    assert!(package.folder.join("index.py").exists() && !package.folder.join("old").exists());
}

#[tokio::test]
async fn a_package_nobody_stored_or_whose_blob_is_damaged_has_no_folder() {
    let shelf = Shelf::new().await;
    let digest = CodeDigest::of(b"never admitted");
    assert!(matches!(shelf.artifacts.folder(digest).await, Err(FolderError::Missing(missing)) if missing == digest));
    let blob = PutPayload::from_static(b"something else");
    shelf
        .artifacts
        .inner
        .blobs
        .put(&blob_path(&digest), blob)
        .await
        .unwrap();
    assert!(matches!(
        shelf.artifacts.folder(digest).await,
        Err(FolderError::Damaged(_))
    ));
    assert_eq!(shelf.kept().await, [0, 0, 1]);
}

#[tokio::test]
async fn only_regular_files_inside_the_package_are_seen() {
    let shelf = Shelf::new().await;
    let zip = raw(&[
        Raw::new("index.py", "main", 0o100_644),
        Raw::new("lib/a.py", "a", 0o100_644),
        Raw::new("alias.py", "lib/a.py", LINK),
    ]);
    let digest = shelf.artifacts.admit(zip).await.unwrap().digest;
    for (path, content) in [
        ("index.py", Some("main")),
        ("lib/a.py", Some("a")),
        ("alias.py", Some("a")),
    ] {
        assert!(shelf.artifacts.contains(&digest, path), "{path}");
        let read = shelf.artifacts.read(&digest, path, 100);
        assert_eq!(read.as_deref(), content.map(str::as_bytes), "{path}");
    }
    std::fs::write(shelf.path("code/packages/outside"), "secret").unwrap();
    for path in [
        "",
        ".",
        "lib",
        "lib/",
        "nothing.py",
        "../outside",
        "lib/../../outside",
        "/etc/passwd",
        "a\0b",
    ] {
        assert!(!shelf.artifacts.contains(&digest, path), "{path:?}");
        assert_eq!(shelf.artifacts.read(&digest, path, 100), None, "{path:?}");
    }
    assert_eq!(
        shelf.artifacts.read(&digest, "index.py", 3),
        None,
        "longer than asked for"
    );
    assert!(!shelf.artifacts.contains(&CodeDigest::of(b"another"), "index.py"));
}

#[tokio::test]
async fn a_path_with_a_star_means_the_first_regular_file_of_that_ending_in_that_folder() {
    let shelf = Shelf::new().await;
    let zip = raw(&[
        Raw::new("index.py", "main", 0o100_644),
        Raw::new("lib/b.jar", "b", 0o100_644),
        Raw::new("lib/a.jar", "../index.py", LINK),
        Raw::new("lib/deep/c.jar", "c", 0o100_644),
        Raw::new("empty/x.jar/file", "x", 0o100_644),
    ]);
    let digest = shelf.artifacts.admit(zip).await.unwrap().digest;
    for (path, found) in [
        ("index.py", Some("index.py")),
        ("*.py", Some("index.py")),
        ("lib/*.jar", Some("lib/a.jar")),
        ("lib/deep/*.jar", Some("lib/deep/c.jar")),
        ("*.jar", None),
        ("empty/*.jar", None),
        ("nowhere/*.jar", None),
        ("index.py/*.jar", None),
        ("../*", None),
        ("/etc/*", None),
        ("lib/*.zip", None),
    ] {
        assert_eq!(shelf.artifacts.find(&digest, path).as_deref(), found, "{path}");
    }
}

#[test]
fn compiled_files_of_one_package_are_written_by_one_at_a_time() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        // What was begun before is through when the next piece of work is.
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        let shelf = Shelf::new().await;
        let package = shelf.artifacts.admit(raw(&[Raw::file("index.py")])).await.unwrap();
        let path = "__pycache__/index.cpython-311.pyc";
        let files = vec![(path.to_owned(), Bytes::from_static(b"compiled"))];
        let other = Arc::clone(&shelf.artifacts.inner.slots.of(package.digest).gate);
        let other = other.lock_owned().await;
        let mut adding = std::pin::pin!(shelf.artifacts.add_compiled(package.digest, files));
        assert!(futures::poll!(adding.as_mut()).is_pending());
        tokio::task::spawn_blocking(|| ()).await.unwrap();
        assert!(!package.folder.join(path).exists(), "another is writing");
        drop(other);
        adding.await.unwrap();
        assert!(package.folder.join(path).exists());
    });
}

#[tokio::test]
async fn compiled_files_go_into_cache_folders_or_beside_their_source_and_nowhere_else() {
    let shelf = Shelf::new().await;
    let zip = raw(&[
        Raw::file("index.py"),
        Raw::file("lib/a.py"),
        Raw::file("lib/m.wasm"),
        Raw::link("linked", "lib"),
        Raw::link("linked.py", "index.py"),
        Raw::link("trap/__pycache__", "../lib"),
    ]);
    let package = shelf.artifacts.admit(zip).await.unwrap();
    let add = async |path: &str| {
        let files = vec![(path.to_owned(), Bytes::from_static(b"compiled"))];
        shelf.artifacts.add_compiled(package.digest, files).await
    };
    for path in [
        "__pycache__/index.cpython-311.pyc",
        "lib/__pycache__/a.cpython-311.pyc",
        "__pycache__/index.cpython-311.skiff-compiled",
        "index.pyc",
        "lib/a.pyc",
        "lib/m.wasm.skiff-compiled",
    ] {
        add(path).await.unwrap();
        add(path).await.expect("again replaces");
        assert_eq!(std::fs::read(package.folder.join(path)).unwrap(), b"compiled");
    }
    for path in [
        "index.py",
        "other.pyc",
        "linked.pyc",
        "linked/a.pyc",
        ".pyc",
        "lib/a.py",
        "../__pycache__/a.pyc",
        "__pycache__/../index.pyc",
        "/__pycache__/a.pyc",
        "missing/__pycache__/a.pyc",
        "linked/__pycache__/b.pyc",
        "trap/__pycache__/a.pyc",
        "__pycache__/a.py",
        "__pycache__/",
        "m.wasm.skiff-compiled",
        "linked/m.wasm.skiff-compiled",
        "lib/.skiff-compiled",
    ] {
        assert!(add(path).await.is_err(), "{path}");
    }
    for (cache, files) in [("__pycache__", 2), ("lib/__pycache__", 1)] {
        let cache = package.folder.join(cache);
        assert_eq!(std::fs::read_dir(cache).unwrap().count(), files, "no leftovers");
    }
    assert!(!package.folder.parent().unwrap().join("__pycache__").exists());
}

#[tokio::test]
async fn an_unused_package_is_collected_and_a_used_or_held_one_stays() {
    let shelf = Shelf::new().await;
    let [used, held, unused] = ["used", "held", "unused"].map(hello);
    let used = shelf.artifacts.admit(used).await.unwrap().digest;
    let held = shelf.artifacts.admit(held).await.unwrap();
    let unused = shelf.artifacts.admit(unused).await.unwrap().digest;
    let is_used = |digest: &CodeDigest| *digest == used;
    assert_eq!(
        shelf.artifacts.collect(is_used).await,
        Collected { removed: 1, failed: 0 }
    );
    assert_eq!(shelf.kept().await, [2, 0, 2]);
    assert!(matches!(
        shelf.artifacts.folder(unused).await,
        Err(FolderError::Missing(_))
    ));
    drop(held);
    assert_eq!(
        shelf.artifacts.collect(is_used).await,
        Collected { removed: 1, failed: 0 }
    );
    assert_eq!(shelf.kept().await, [1, 0, 1]);
    assert!(shelf.artifacts.folder(used).await.is_ok());
}

#[tokio::test]
async fn a_blob_that_no_function_came_to_use_is_collected_after_a_restart() {
    let shelf = Shelf::new().await;
    drop(shelf.artifacts.admit(hello("print(1)")).await.unwrap());
    let shelf = shelf.reopen("boot 2").await;
    assert_eq!(shelf.kept().await, [0, 0, 1]);
    assert_eq!(
        shelf.artifacts.collect(|_| false).await,
        Collected { removed: 1, failed: 0 }
    );
    assert_eq!(shelf.kept().await, [0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_package_taken_in_while_it_is_being_collected_is_whole_afterwards() {
    let shelf = Shelf::new().await;
    for round in 0..50 {
        let zip = hello("the same each time");
        let collecting = shelf.artifacts.clone();
        let collector = tokio::spawn(async move { collecting.collect(|_| false).await });
        let package = shelf.artifacts.admit(zip).await.unwrap();
        let more = shelf.artifacts.collect(|_| false).await;
        collector.await.unwrap();
        assert_eq!(more.removed, 0, "round {round}: it is held");
        assert_eq!(
            std::fs::read(package.folder.join("lib/util.py")).unwrap(),
            b"x = 1",
            "round {round}"
        );
        assert!(shelf.artifacts.zip(package.digest).await.is_ok(), "round {round}");
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_nothing_that_is_not_collected() {
    let shelf = Shelf::new().await;
    let zip = honest(&[("a.bin", &vec![7; 4 << 20])]);
    // Dropped after a few polls each, in every phase it may be in.
    for polls in 0..40 {
        let mut admit = Box::pin(shelf.artifacts.admit(zip.clone()));
        for _ in 0..polls {
            if futures::poll!(&mut admit).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(admit);
    }
    // The blocking part may still be running: it ends by itself.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        shelf.artifacts.collect(|_| false).await;
        if shelf.kept().await == [0, 0, 0] {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{:?} is kept", shelf.kept().await);
        tokio::task::spawn_blocking(std::thread::yield_now).await.unwrap();
    }
    assert!(shelf.artifacts.admit(zip).await.is_ok());
}

#[tokio::test]
async fn a_blob_store_that_fails_leaves_no_folder() {
    let shelf = Shelf::new().await;
    // A file where the blob's folder would be.
    std::fs::write(shelf.path("blobs/code"), "").unwrap();
    let error = shelf.artifacts.admit(hello("print(1)")).await.unwrap_err();
    assert_eq!(error.code(), "InternalError.System");
    assert_eq!(
        error.to_string(),
        "the package could not be stored",
        "no path of the server's"
    );
    assert_eq!(std::fs::read_dir(shelf.path("code/packages")).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(shelf.path("code/staging")).unwrap().count(), 0);
}

#[test]
fn a_full_disk_is_told_from_other_failures_wherever_it_is_found() {
    let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
    let in_blobs = object_store::Error::Generic {
        store: "LocalFileSystem",
        source: Box::new(full()),
    };
    for error in [StorageError::Disk(full()), StorageError::Blobs(in_blobs)] {
        assert_eq!(AdmitError::from(error).code(), "FailedOperation.InsufficientResources");
    }
    let denied = StorageError::Disk(std::io::ErrorKind::PermissionDenied.into());
    assert_eq!(AdmitError::from(denied).code(), "InternalError.System");
}

#[test]
fn every_refusal_tells_the_user_what_to_do_in_one_line() {
    for bad in [
        BadPackage::Empty,
        BadPackage::PathOut("../a".to_owned()),
        BadPackage::Encrypted("a".to_owned()),
        BadPackage::Duplicate("a".to_owned()),
    ] {
        let text = AdmitError::from(bad).to_string();
        assert!(
            text.starts_with("ZipFile ") && text.contains(": ") && !text.contains('\n'),
            "{text}"
        );
    }
}
