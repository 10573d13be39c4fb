//! A machine that runs out of something that all share: who is served already stays served, and all heals afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::json;
use skiff_tests::{Function, Server, Spec, children, eventually, exists, with_argument};

/// More than the stem cells that are kept ready.
const CALLS_AT_ONCE: usize = 24;
const SOON: Duration = Duration::from_secs(60);

/// Runs a program for as long as it is told.
const SLEEPER: &str = r"
import subprocess

def main_handler(event, context):
    subprocess.run(['sleep', event['s']])
    return 1
";

/// A group that takes no further process, made for a test.
struct FullGroup {
    folder: PathBuf,
}

impl FullGroup {
    /// With these processes in it. `None` on version 2, where no group has them alone.
    fn of(pids: &[u32]) -> Option<Self> {
        let tree = Path::new("/sys/fs/cgroup/pids");
        if !tree.join("cgroup.procs").exists() {
            return None;
        }
        let folder = tree.join(format!("skiff-test-full-{}", std::process::id()));
        fs::create_dir(&folder).expect("a group");
        fs::write(folder.join("pids.max"), "0").expect("a limit");
        for pid in pids {
            fs::write(folder.join("cgroup.procs"), pid.to_string()).expect("moved");
        }
        Some(Self { folder })
    }
}

impl Drop for FullGroup {
    fn drop(&mut self) {
        let inside = fs::read_to_string(self.folder.join("cgroup.procs")).unwrap_or_default();
        let outside = self.folder.with_file_name("cgroup.procs");
        for pid in inside.lines() {
            drop(fs::write(&outside, pid));
        }
        drop(fs::remove_dir(&self.folder));
    }
}

/// The processes that bear a server's instances: those of its children that live in the host's process namespace.
fn zygotes(server: &Server) -> Vec<u32> {
    let own = fs::read_link("/proc/self/ns/pid").expect("own namespace");
    let of_the_host = |pid: &u32| fs::read_link(format!("/proc/{pid}/ns/pid")).is_ok_and(|namespace| namespace == own);
    children(server.pid()).into_iter().filter(of_the_host).collect()
}

/// The statuses of many calls at once.
fn storm(sleeper: &Function) -> Vec<u16> {
    thread::scope(|scope| {
        let call = || sleeper.invoke(&json!({"s": "1"})).status;
        let calls: Vec<_> = (0..CALLS_AT_ONCE).map(|_| scope.spawn(call)).collect();
        calls.into_iter().map(|call| call.join().expect("a thread")).collect()
    })
}

/// All are served again, from where they were before.
fn heals(sleeper: &Function) {
    eventually(SOON, "room for all again", || {
        storm(sleeper).iter().all(|status| *status == 200).then_some(())
    });
}

#[test]
fn a_machine_with_no_process_left_loses_no_instance_and_heals() {
    let server = Server::start();
    let sleeper = Spec::python(SLEEPER).deploy(&server.client());
    assert_eq!(sleeper.invoke(&json!({"s": "0"})).returned(), 1);
    let before = zygotes(&server);
    assert!(!before.is_empty());
    // Long enough for the storm; the number tells its process from others.
    let long = format!("6.{}", std::process::id());
    let stormed = thread::scope(|scope| {
        let running = scope.spawn(|| sleeper.invoke(&json!({ "s": long })));
        eventually(SOON, "the call to run", || {
            (!with_argument(&long).is_empty()).then_some(())
        });
        let full = FullGroup::of(&before)?;
        let statuses = storm(&sleeper);
        let answer = running.join().expect("a thread");
        assert_eq!(answer.returned(), 1, "who runs keeps running");
        drop(full);
        Some(statuses)
    });
    let Some(statuses) = stormed else {
        println!("version 2 has no group of the zygotes alone");
        return;
    };
    assert!(
        statuses.iter().all(|status| [200, 449].contains(status)),
        "{statuses:?}"
    );
    assert!(statuses.contains(&449), "there was room for all: {statuses:?}");
    for zygote in &before {
        assert!(
            exists(*zygote),
            "a zygote has ended, and all its instances with it:\n{}",
            server.log()
        );
    }
    heals(&sleeper);
    assert_eq!(zygotes(&server), before);
}

/// Instances, stem cells and what waits to become one.
fn sandboxes(server: &Server) -> u64 {
    let metrics = server.client().get("/metrics").expect("metrics");
    let line = metrics
        .body
        .lines()
        .find_map(|line| line.strip_prefix("skiff_sandboxes "));
    line.expect("the number of sandboxes").trim().parse().expect("a number")
}

#[test]
fn a_server_with_no_descriptor_left_loses_no_sandbox_and_heals() {
    /// Four stem cells of Python and eight kits, of the network mode of functions and of that of the compiler; and four of
    /// each runtime for programs of a package's own.
    const AT_REST: u64 = 32;
    let server = Server::start();
    let client = server.client();
    let sleeper = Spec::python(SLEEPER).deploy(&client);
    assert_eq!(sleeper.invoke(&json!({"s": "0"})).returned(), 1);
    let pid = i32::try_from(server.pid()).ok().and_then(Pid::from_raw);
    let allow = |limit: Rlimit| prlimit(pid, Resource::Nofile, limit).expect("root");
    for room in [40, 70, 100] {
        let open = fs::read_dir(format!("/proc/{}/fd", server.pid()))
            .expect("its descriptors")
            .count() as u64;
        let before = allow(Rlimit {
            current: Some(open + room),
            ..getrlimit(Resource::Nofile)
        });
        // What becomes of these is not the point; some may not even be taken.
        let event = json!({"FunctionName": sleeper.name, "ClientContext": "{\"s\": \"1\"}"});
        thread::scope(|scope| {
            (0..CALLS_AT_ONCE).for_each(|_| drop(scope.spawn(|| client.try_call("Invoke", &event).is_ok())));
        });
        allow(before);
    }
    heals(&sleeper);
    drop(sleeper);
    eventually(SOON, "every sandbox to be given back", || {
        (sandboxes(&server) <= AT_REST).then_some(())
    });
}
