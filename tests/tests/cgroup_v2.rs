//! The walls under cgroup version 2: a kernel in user mode boots on this file system, read-only, mounts version 2 alone
//! and runs the hostile functions against a server of its own. Where there is no such kernel to install, as on Ubuntu, the
//! machine has to have version 2 itself: all hostile functions then meet it.
//!
//! Its kernel has no address translation, so functions there are private ones. It is several times slower than the
//! host's, so only what the version of cgroups has a part in is run again.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// Debian's kernel in user mode; `./skiffw test` installs it where it can be had.
const KERNEL: &str = "/usr/bin/linux.uml";
/// What version 2 has to offer here, where it is mounted alone.
const OWN_CONTROLLERS: &str = "/sys/fs/cgroup/cgroup.controllers";
/// The tests that go through what differs between the versions, limits, accounting, freezing and killing, and through
/// the walls around them.
const RUN: &[&str] = &[
    "files::",
    "processes::",
    "resources::a_fork_bomb",
    "resources::memory",
    "resources::no_function_raises",
    "resources::open_files",
    "resources::the_private_disk_ends",
    "afterwards::a_process_left_behind",
    "afterwards::what_computes",
    "kernel::a_function_is_nobody",
    "kernel::mounting",
    "endings::a_handler_that_kills_itself",
];
/// Fewer than these would mean that the walls were not attacked.
const PASSED_MIN: usize = 18;
/// Longest run, as `timeout` takes it.
const RUN_SECONDS_MAX: &str = "600";

#[test]
fn hostile_functions_meet_the_same_walls_under_cgroup_version_2() {
    if !Path::new(KERNEL).exists() {
        let own = fs::read_to_string(OWN_CONTROLLERS).unwrap_or_default();
        assert!(
            ["cpu", "memory", "pids"]
                .iter()
                .all(|name| own.split_whitespace().any(|own| own == *name)),
            "{KERNEL} is missing: apt-get install user-mode-linux, or run ./skiffw test"
        );
        return;
    }
    let tests = newest_test_binary("hostile");
    let mut script = tempfile::Builder::new()
        .prefix("skiff-uml-")
        .tempfile_in(env!("CARGO_TARGET_TMPDIR"))
        .expect("a file for the script");
    script
        .write_all(boot_script(&tests).as_bytes())
        .expect("room for a script");
    let booted = Command::new("timeout")
        .args([
            "--kill-after=5",
            RUN_SECONDS_MAX,
            KERNEL,
            "rootfstype=hostfs",
            "rootflags=/",
            "ro",
            "mem=3G",
            "quiet",
        ])
        .args(["con=null", "con0=fd:0,fd:1", "init=/bin/sh"])
        .arg("--")
        .arg(script.path())
        .stdin(Stdio::null())
        .output()
        .expect("timeout and a kernel");
    let console = String::from_utf8_lossy(&booted.stdout).into_owned();
    let passed = console.lines().find_map(passed_and_failed);
    let complete = matches!(passed, Some((passed, 0)) if passed >= PASSED_MIN);
    assert!(
        complete,
        "{passed:?} passed and failed under cgroup version 2; the console says:\n{console}"
    );
    assert!(
        console.contains("controllers: cpu io memory pids"),
        "version 2 was there with its controllers:\n{console}"
    );
}

/// What the kernel's first process does.
fn boot_script(tests: &Path) -> String {
    let run = RUN.join(" ");
    format!(
        "export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp SKIFF_TESTS_PRIVATE=1
        mount -t proc proc /proc
        mount -t sysfs sysfs /sys
        mount --bind '{root}' /mnt
        mount -t tmpfs tmpfs /tmp
        # Where the project lies below /tmp, it is hidden by that.
        [ -d '{root}' ] || {{ mkdir -p '{root}' && mount --bind /mnt '{root}'; }}
        mount -t tmpfs tmpfs /run
        mount -t cgroup2 cgroup2 /sys/fs/cgroup
        echo controllers: $(cat /sys/fs/cgroup/cgroup.controllers)
        ip link set lo up
        cd '{folder}' && '{tests}' --test-threads 2 {run} 2>&1
        poweroff -f
        echo o > /proc/sysrq-trigger
        sleep 60",
        folder = env!("CARGO_MANIFEST_DIR"),
        root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("a workspace")
            .display(),
        tests = tests.display(),
    )
}

/// The test binary of this name that was built last: beside this one.
fn newest_test_binary(name: &str) -> PathBuf {
    let own = env::current_exe().expect("own path");
    let folder = own.parent().expect("target/PROFILE/deps");
    let built = |path: &PathBuf| fs::metadata(path).and_then(|file| file.modified()).ok();
    fs::read_dir(folder)
        .expect("own folder")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_none())
        .filter(|path| {
            path.file_name()
                .and_then(|file| file.to_str())
                .is_some_and(|file| is_build_of(file, name))
        })
        .max_by_key(built)
        .unwrap_or_else(|| panic!("no {name} test is built: run `cargo test -p skiff-tests --no-run`"))
}

/// `hostile-0123456789abcdef` is a build of `hostile`.
fn is_build_of(file: &str, name: &str) -> bool {
    file.strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|hash| !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// From the runner's closing line, `test result: ok. 57 passed; 0 failed; …`.
fn passed_and_failed(line: &str) -> Option<(usize, usize)> {
    let (_, result) = line.split_once("test result: ")?;
    let number = |word: &str| result.split(word).next()?.split_whitespace().last()?.parse().ok();
    Some((number(" passed")?, number(" failed")?))
}
