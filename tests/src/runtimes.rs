//! Runtimes that the product itself installs for tests, kept in the build folder between runs, and servers that have them.

use std::fmt::Debug;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::server::{Server, Settings, binary};

/// The first user id of sandboxes.
const UID_FIRST: u32 = 1_900_000_000;

/// The data dir of this name in the build folder.
pub fn kept_data_dir(name: &str) -> PathBuf {
    let build = binary()
        .parent()
        .and_then(Path::parent)
        .expect("target/PROFILE")
        .to_owned();
    let folder = build.join(name);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Whether a runtime is installed in a data dir.
pub fn is_installed(data_dir: &Path, name: &str) -> bool {
    data_dir.join("runtimes").join(name).join("manifest.json").exists()
}

/// `skiff runtime …` on a data dir, with what it said.
pub fn runtime(data_dir: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(binary())
        .args(["--output", "json", "runtime"])
        .args(arguments)
        .arg("--data-dir")
        .arg(data_dir)
        .env_remove("SKIFF_ENDPOINT")
        .output()
        .expect("the binary runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

/// A server of its own data that has the runtimes of this data dir. There are many: one stem cell of each is enough.
pub fn server_with_runtimes(of: &Path) -> Server {
    let data = tempfile::Builder::new()
        .prefix("skiff-test-")
        // The server closes an empty folder itself; this one is not.
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .expect("a folder");
    symlink(of.join("runtimes"), data.path().join("runtimes")).expect("a link");
    Settings::default().on(&Arc::new(data)).flag("--pool-min", "1").start()
}

/// Checks that a process with this `/proc/self/status` has the walls around it that every runtime has.
#[track_caller]
pub fn assert_walled_in(status: &str, who: &dyn Debug) {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
        line.map(|value| value.split_whitespace().next().unwrap_or_default().to_owned())
    };
    for (name, value) in [
        ("Seccomp", "2"),
        ("NoNewPrivs", "1"),
        ("CapEff", "0000000000000000"),
        ("CapBnd", "0000000000000000"),
        ("Groups", ""),
    ] {
        assert_eq!(field(name).as_deref(), Some(value), "{who:?} {name}");
    }
    let uid: u32 = field("Uid").expect("a user").parse().expect("a number");
    assert!(uid >= UID_FIRST, "{who:?} {uid}");
}
