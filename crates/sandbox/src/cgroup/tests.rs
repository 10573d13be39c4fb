//! Real groups on this machine, as root: limits limit, the killed are dead, the removed are gone.

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::*;

const MIB: u64 = 1 << 20;
const ROOMY: Limits = Limits {
    memory_bytes: 256 * MIB,
    cpu_millis: 4000,
    cpu_weight: 100,
    pids: 128,
};
const SPIN: &str = "while :; do :; done";

/// A name no other test and no server has.
fn name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn open() -> Cgroups {
    let cgroups = Cgroups::open(&name()).expect("root, and a machine with cgroups");
    println!("cgroup version {}", cgroups.version());
    cgroups
}

/// Runs a shell script that puts itself into the group first.
fn spawn(group: &Cgroup, script: &str) -> Child {
    spawning(group, script).spawn().expect("a shell")
}

fn spawning(group: &Cgroup, script: &str) -> Command {
    let own = std::process::id();
    // Open until the test is over: the shell opens them again by name.
    let joins = Box::leak(Box::new(group.join_files().expect("a group")));
    let files: Vec<String> = joins
        .iter()
        .map(|file| format!("/proc/{own}/fd/{}", file.as_raw_fd()))
        .collect();
    let script = format!(
        "for file in {}; do echo 0 > $file || exit 99; done\n{script}",
        files.join(" ")
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).stdin(Stdio::null());
    command
}

/// Uses that much memory at once. Killed by the kernel where it may not.
fn hog(group: &Cgroup, bytes: u64) -> std::process::ExitStatus {
    let script = format!("exec python3 -I -S -c 'b\"x\" * {bytes}'");
    spawn(group, &script).wait().expect("waited for")
}

#[track_caller]
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Every folder of that server, in every tree.
fn folders_of(server: &str) -> Vec<PathBuf> {
    let trees = match Host::look().expect("cgroups") {
        Host::V1(trees) => trees,
        Host::V2(tree) => vec![tree],
    };
    trees
        .iter()
        .flat_map(|tree| tree::named(&tree.mount, &format!("{PREFIX}{server}")))
        .collect()
}

/// Runs one test of this binary in a process of its own, because it moves the process.
fn alone(test: &str) {
    let me = std::env::current_exe().expect("this binary");
    let output = Command::new(me)
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .output()
        .expect("this binary again");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn memory_past_the_limit_kills_and_is_counted() {
    let group = open().create().expect("a group");
    group
        .limit(&Limits {
            memory_bytes: 48 * MIB,
            ..ROOMY
        })
        .expect("limits");
    let status = hog(&group, 96 * MIB);
    assert_eq!(status.signal(), Some(9), "{status}");
    let usage = group.usage();
    assert!(usage.oom_kills >= 1, "{usage:?}");
    assert!((16 * MIB..=48 * MIB).contains(&usage.memory_peak_bytes), "{usage:?}");
}

#[test]
fn memory_limits_can_be_lowered_and_raised() {
    let group = open().create().expect("a group");
    for (limit_mib, hog_mib, survives) in [
        (128, 64, true),
        (48, 64, false),
        (48, 8, true),
        (128, 64, true),
        (32, 64, false),
        (256, 192, true),
    ] {
        group
            .limit(&Limits {
                memory_bytes: limit_mib * MIB,
                ..ROOMY
            })
            .expect("limits");
        let status = hog(&group, hog_mib * MIB);
        assert_eq!(status.success(), survives, "{hog_mib} MiB of {limit_mib}: {status}");
    }
}

#[test]
fn a_killed_grandchild_is_counted_though_its_parent_ends_well() {
    let cgroups = open();
    if cgroups.version() != 1 {
        println!("on version 2 the whole group goes: see the next test");
        return;
    }
    let group = cgroups.create().expect("a group");
    group
        .limit(&Limits {
            memory_bytes: 48 * MIB,
            ..ROOMY
        })
        .expect("limits");
    let mut parent = spawn(
        &group,
        &format!("python3 -I -S -c 'b\"x\" * {}' 2>/dev/null; exit 0", 96 * MIB),
    );
    assert!(parent.wait().expect("waited for").success());
    assert!(group.usage().oom_kills >= 1);
}

#[test]
fn out_of_memory_ends_a_whole_group_of_version_2() {
    let cgroups = open();
    if cgroups.version() != 2 {
        println!("version 1 kills one process at a time");
        return;
    }
    let group = cgroups.create().expect("a group");
    group
        .limit(&Limits {
            memory_bytes: 48 * MIB,
            ..ROOMY
        })
        .expect("limits");
    let mut parent = spawn(&group, &format!("python3 -I -S -c 'b\"x\" * {}'; sleep 600", 96 * MIB));
    assert_eq!(parent.wait().expect("waited for").signal(), Some(9));
    assert!(group.usage().oom_kills >= 1);
}

#[test]
fn the_memory_peak_can_begin_anew() {
    let group = open().create().expect("a group");
    group.limit(&ROOMY).expect("limits");
    assert!(hog(&group, 64 * MIB).success());
    let before = group.usage().memory_peak_bytes;
    assert!(before >= 64 * MIB, "{before}");
    match group.restart_peak() {
        Ok(()) => assert!(group.usage().memory_peak_bytes < 64 * MIB, "{:?}", group.usage()),
        Err(error) => println!("this kernel cannot: {error}"),
    }
}

#[test]
fn all_cells_together_leave_half_of_the_hosts_processes() {
    let server = name();
    let cgroups = Cgroups::open(&server).expect("root, and a machine with cgroups");
    let group = cgroups.create().expect("a group");
    let limits: Vec<u64> = folders_of(&server)
        .iter()
        .filter_map(|home| fs::read_to_string(home.join(FUNCTIONS).join("pids.max")).ok())
        .map(|text| text.trim().parse().expect("a number"))
        .collect();
    let kernel = fs::read_to_string("/proc/sys/kernel/pid_max").expect("/proc");
    let kernel: u64 = kernel.trim().parse().expect("a number");
    assert!(
        matches!(limits.as_slice(), [one] if (1..=kernel / 2).contains(one)),
        "{limits:?} of {kernel}"
    );
    drop(group);
}

#[test]
fn all_cells_together_are_limited_by_every_group_above() {
    let top = std::env::temp_dir().join(format!("skiff-{}", name()));
    let base = top.join("slice/service");
    fs::create_dir_all(&base).expect("a folder");
    fs::write(top.join("slice/pids.max"), "600\n").expect("written");
    fs::write(base.join("pids.max"), "max\n").expect("written");
    assert_eq!(host::processes_of_all_cells(&base, &top), 300);
    fs::remove_dir_all(&top).expect("removed");
}

#[test]
fn what_tcp_holds_is_limited_from_the_first_byte_on() {
    const UNREAD: &str = r"
import socket
listener = socket.socket()
listener.bind(('127.0.0.1', 0))
listener.listen()
kept, sent = [], 0
for _ in range(64):
    sender = socket.create_connection(listener.getsockname())
    kept += [sender, listener.accept()[0]]
    sender.setblocking(False)
    try:
        while True:
            sent += sender.send(bytes(65536))
    except BlockingIOError:
        pass
print(sent)
";
    let cgroups = open();
    let group = cgroups.create().expect("a group");
    for (memory_mib, sent_mib_max) in [(64, 32), (256, 128)] {
        let limits = Limits {
            memory_bytes: memory_mib * MIB,
            ..ROOMY
        };
        group.limit(&limits).expect("limits");
        let output = spawning(&group, &format!("exec python3 -I -S -c \"{UNREAD}\""))
            .stdout(Stdio::piped())
            .output()
            .expect("a shell");
        // On version 2 sockets are memory, and too many of them the end.
        if cgroups.version() == 1 || output.status.success() {
            let sent = String::from_utf8_lossy(&output.stdout);
            let sent: u64 = sent.trim().parse().expect("a number");
            assert!((MIB..sent_mib_max * MIB).contains(&sent), "{sent} of {memory_mib} MiB");
        }
    }
}

#[test]
fn processes_past_the_limit_are_refused() {
    let group = open().create().expect("a group");
    group.limit(&Limits { pids: 8, ..ROOMY }).expect("limits");
    let mut parent = spawn(
        &group,
        "i=0; while [ $i -lt 20 ]; do sleep 600 & i=$((i+1)); done 2>/dev/null; exit 0",
    );
    let status = parent.wait().expect("waited for");
    assert!(!status.success(), "twenty processes were forked");
    let count = group.processes().expect("counted");
    assert!((1..=8).contains(&count), "{count}");
}

#[test]
fn cpu_time_past_the_quota_is_refused() {
    let group = open().create().expect("a group");
    group
        .limit(&Limits {
            cpu_millis: 100,
            ..ROOMY
        })
        .expect("limits");
    let folder = group
        .folders()
        .iter()
        .find(|folder| folder.join("cpu.stat").exists())
        .expect("cpu")
        .clone();
    let mut child = spawn(&group, SPIN);
    let stat = |key: &str| {
        let text = fs::read_to_string(folder.join("cpu.stat")).expect("read");
        file::number_after(&text, key).expect("there")
    };
    eventually("throttled five times", || stat("nr_throttled") >= 5);
    let used = group.usage().cpu;
    // Each period of 100 ms allows 10; an overdraft of one period is taken from the next.
    let allowed = Duration::from_millis(20) * u32::try_from(stat("nr_periods") + 1).expect("few");
    assert!(used <= allowed, "{used:?} of {allowed:?}");
    group.kill_all().expect("killed");
    child.wait().expect("waited for");
}

#[test]
fn kill_all_ends_a_fork_bomb() {
    let group = open().create().expect("a group");
    group.limit(&ROOMY).expect("limits");
    let mut first = spawn(&group, "bomb() { bomb | bomb & }; while :; do bomb; done 2>/dev/null");
    eventually("the bomb has gone off", || group.processes().expect("counted") > 64);
    group.kill_all().expect("killed");
    assert_eq!(group.processes().expect("counted"), 0);
    first.wait().expect("waited for");
}

#[test]
fn a_group_takes_new_processes_after_a_kill_and_new_limits() {
    let group = open().create().expect("a group");
    group.limit(&ROOMY).expect("limits");
    group.kill_all().expect("nothing to kill");
    group.limit(&ROOMY).expect("limits");
    assert!(
        spawn(&group, "true; (true); exit 0")
            .wait()
            .expect("waited for")
            .success()
    );
}

#[test]
fn the_frozen_use_no_cpu_and_go_on_when_thawed() {
    let group = open().create().expect("a group");
    group.limit(&ROOMY).expect("limits");
    let mut child = spawn(&group, SPIN);
    eventually("it runs", || group.usage().cpu > Duration::from_millis(5));
    group.freeze().expect("frozen");
    eventually("it stands", || group.is_frozen().expect("known"));
    let before = group.usage().cpu;
    for _ in 0..1000 {
        assert_eq!(group.usage().cpu, before);
    }
    group.thaw().expect("thawed");
    eventually("it runs again", || group.usage().cpu > before);
    group.freeze().expect("frozen");
    eventually("it stands again", || group.is_frozen().expect("known"));
    group.kill_all().expect("the frozen can be killed");
    assert_eq!(child.wait().expect("waited for").signal(), Some(9));
}

#[test]
fn removal_leaves_nothing_not_even_of_a_busy_group() {
    let cgroups = open();
    for script in [None, Some(SPIN), Some("sleep 600 & sleep 600 & wait")] {
        let group = cgroups.create().expect("a group");
        let folders = group.folders().to_vec();
        group.limit(&ROOMY).expect("limits");
        let child = script.map(|script| {
            let child = spawn(&group, script);
            eventually("it is in", || group.processes().expect("counted") >= 1);
            child
        });
        group.remove().expect("removed");
        assert!(folders.iter().all(|folder| !folder.exists()), "{folders:?}");
        assert_eq!(cgroups.stuck(), 0);
        if let Some(mut child) = child {
            child.wait().expect("waited for");
        }
    }
}

#[test]
fn a_group_that_would_not_go_is_tried_again() {
    let cgroups = open();
    let group = cgroups.create().expect("a group");
    let folders = group.folders().to_vec();
    // A group inside keeps the outer one there, as a process in an unending system call would.
    let inner = folders[0].join("inner");
    fs::create_dir(&inner).expect("a group");
    group.remove().expect_err("not empty");
    assert_eq!(cgroups.stuck(), 1);
    fs::remove_dir(&inner).expect("removed");
    let next = cgroups.create().expect("a group");
    assert_eq!(cgroups.stuck(), 0);
    assert!(folders.iter().all(|folder| !folder.exists()), "{folders:?}");
    drop(next);
}

#[test]
fn closing_leaves_nothing() {
    let server = name();
    let cgroups = Cgroups::open(&server).expect("open");
    let group = cgroups.create().expect("a group");
    let mut child = spawn(&group, "sleep 600 & sleep 600");
    eventually("it is in", || group.processes().expect("counted") >= 1);
    assert!(!folders_of(&server).is_empty());
    drop(cgroups);
    assert!(!folders_of(&server).is_empty(), "a cell still lives");
    drop(group);
    child.wait().expect("waited for");
    assert_eq!(folders_of(&server), Vec::<PathBuf>::new());
}

#[test]
fn a_killed_predecessors_processes_and_groups_go() {
    let server = name();
    let former = Cgroups::open(&server).expect("open");
    let groups = [former.create().expect("a group"), former.create().expect("a group")];
    groups.iter().for_each(|group| group.limit(&ROOMY).expect("limits"));
    let mut children = [spawn(&groups[0], SPIN), spawn(&groups[1], "sleep 600 & sleep 600")];
    eventually("both are in", || {
        groups.iter().all(|group| group.processes().expect("counted") >= 1)
    });
    groups[0].freeze().expect("frozen");
    let folders: Vec<_> = groups.iter().flat_map(|group| group.folders().to_vec()).collect();
    // As after a SIGKILL: nobody tidied up.
    groups.into_iter().for_each(std::mem::forget);
    std::mem::forget(former);

    let cgroups = Cgroups::open(&server).expect("open again");
    assert!(folders.iter().all(|folder| !folder.exists()), "{folders:?}");
    for child in &mut children {
        assert_eq!(child.wait().expect("waited for").signal(), Some(9));
    }
    drop(cgroups.create().expect("a group"));
    drop(cgroups);
    assert_eq!(folders_of(&server), Vec::<PathBuf>::new());
}

#[test]
fn a_favoured_server_comes_before_all_functions() {
    alone("cgroup::tests::favoured");
}

#[test]
#[ignore = "moves the process: run by a_favoured_server_comes_before_all_functions"]
fn favoured() {
    let server = name();
    let own = || fs::read_to_string("/proc/self/cgroup").expect("read");
    let before = own();
    let cgroups = Cgroups::open(&server).expect("open");
    let group = cgroups.create().expect("a group");
    cgroups.favour_server().expect("favoured");
    assert!(own().contains(&format!("{PREFIX}{server}/{SERVER}")), "{}", own());
    let homes = folders_of(&server);
    let share = |part: &str| {
        let files = homes
            .iter()
            .flat_map(|home| ["cpu.shares", "cpu.weight"].map(|name| home.join(part).join(name)));
        let texts: Vec<_> = files.filter_map(|file| fs::read_to_string(file).ok()).collect();
        texts.first().expect("a share").trim().parse::<u64>().expect("a number")
    };
    assert!(
        share(SERVER) > share(FUNCTIONS),
        "{} and {}",
        share(SERVER),
        share(FUNCTIONS)
    );
    // A child of the server still finds its way into a cell.
    group.limit(&ROOMY).expect("limits");
    assert!(spawn(&group, "exit 0").wait().expect("waited for").success());
    // A second server started by the first one's child would go beside the first.
    let second = Cgroups::open(&name()).expect("open");
    drop(second.create().expect("a group"));
    drop(second);
    drop(group);
    // Helpers are about to end when the server closes.
    let helper = || Command::new("sleep").arg("600").spawn().expect("a helper");
    let mut helpers: Vec<Child> = (0..20).map(|_| helper()).collect();
    helpers.iter_mut().for_each(|helper| helper.kill().expect("killed"));
    drop(cgroups);
    assert_eq!(folders_of(&server), Vec::<PathBuf>::new());
    assert_eq!(own(), before);
    for helper in &mut helpers {
        helper.wait().expect("waited for");
    }
}

#[test]
fn a_server_without_a_legal_name_has_no_groups() {
    for bad in ["", "..", "a/b", "A"] {
        assert!(
            matches!(Cgroups::open(bad), Err(CgroupError::InvalidName(_))),
            "{bad:?}"
        );
    }
}
