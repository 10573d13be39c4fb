//! Functions that attack: the walls around every version, and the runtime, which is in the same process.

use std::time::Duration;

use serde_json::{Value, json};
use skiff_tests::{Function, Package, assert_walled_in, eventually};

use crate::world::{Cases, Version, client, deploy, python, run, versions};

/// Names of what cannot be done, and what came of trying.
const ATTEMPTS: &str = r#"
import ctypes, errno, os

def attempt(what, *arguments):
    try:
        return str(what(*arguments))
    except (IOError, OSError) as error:
        return errno.errorcode.get(error.errno, str(error))

def write(path):
    with open(path, "w") as file:
        file.write("x")

born = os.urandom(8)

def main_handler(event, context):
    if event.get("exit"):
        os._exit(3)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.unshare(0x10000000)
    new_user = errno.errorcode[ctypes.get_errno()]
    libc.mount(b"x", b"/tmp", b"tmpfs", 0, None)
    return {
        "born": repr(born),
        "status": open("/proc/self/status").read(),
        "own": open("/proc/self/environ").read(),
        "descriptors": sorted(attempt(os.readlink, "/proc/self/fd/" + name) for name in os.listdir("/proc/self/fd")),
        "processes": len([name for name in os.listdir("/proc") if name.isdigit()]),
        "init": attempt(os.listdir, "/proc/1/fd"),
        "root id": attempt(os.setuid, 0),
        "namespace": new_user,
        "mount": errno.errorcode[ctypes.get_errno()],
        "writes": [attempt(write, path) for path in (
            "/x", "/etc/x", "/var/user/x", "/var/runtime/python/bootstrap.py", "/var/lang/x", "/usr/x", "/proc/sys/kernel/hostname"
        )],
    }
"#;

#[test]
fn every_python_stands_behind_the_same_walls() {
    for version in versions() {
        let function = deploy(*version, ATTEMPTS);
        assert_walls(function.invoke(&json!({})).returned(), version);
    }
}

#[test]
fn an_instance_of_what_was_kept_stands_behind_the_same_walls() {
    let variables = json!({"Variables": [{"Key": "SKIFF_SNAPSHOT", "Value": "on"}]});
    for version in versions() {
        let function = python(*version, Package::python(ATTEMPTS))
            .with("Environment", variables.clone())
            .deploy(&client());
        let mut last = function.invoke(&json!({})).returned()["born"].clone();
        let found = eventually(Duration::from_secs(60), "instances of what was kept", || {
            assert_eq!(function.invoke(&json!({"exit": true})).status, 439);
            let found = function.invoke(&json!({})).returned().clone();
            (std::mem::replace(&mut last, found["born"].clone()) == found["born"]).then_some(found)
        });
        assert_walls(&found, version);
    }
}

fn assert_walls(found: &Value, version: &Version) {
    let status = found["status"].as_str().expect("text");
    assert_walled_in(status, version);
    let own = found["own"].as_str().expect("text");
    let known =
        |entry: &str| ["", "LC_ALL=C.UTF-8"].contains(&entry) || entry.starts_with("LD_LIBRARY_PATH=/var/user:/opt");
    assert!(own.split('\0').all(known), "{version:?} {own}");
    for descriptor in found["descriptors"].as_array().expect("a list") {
        let descriptor = descriptor.as_str().expect("text");
        let harmless = ["pipe:", "/dev/null", "/proc/", "ENOENT", "/dev/urandom"];
        assert!(
            harmless.iter().any(|kind| descriptor.starts_with(kind)),
            "{version:?} {descriptor}"
        );
    }
    assert!(found["processes"].as_u64() <= Some(3), "{version:?} {found}");
    assert_eq!(
        (&found["init"], &found["root id"]),
        (&json!("EACCES"), &json!("EPERM")),
        "{version:?}"
    );
    assert_eq!(
        (&found["namespace"], &found["mount"]),
        (&json!("EPERM"), &json!("EPERM")),
        "{version:?}"
    );
    for write in found["writes"].as_array().expect("a list") {
        let refused = ["EROFS", "EACCES", "ENOENT", "EPERM"].contains(&write.as_str().expect("text"));
        assert!(refused, "{version:?} {found}");
    }
}

#[test]
fn what_a_function_does_to_its_own_python_hurts_itself_alone() {
    let attacks = [
        "json.loads = json.dumps = json.JSONEncoder.encode = lambda *_, **__: 'broken'",
        "os.read = os.write = os.getpid = os._exit = os.environ = None",
        "struct.pack = struct.unpack_from = struct.Struct = None",
        "sys.modules.clear()",
        "sys.path[:] = sys.meta_path[:] = sys.path_hooks[:] = []",
        "sys.stdout = sys.stderr = None",
        "sys.stdout.close()",
        "__import__('__main__').__dict__.clear()",
        "traceback.format_exception = traceback.format_exception_only = None; raise ValueError('x')",
        "sys.setrecursionlimit(60)",
        "(lambda f: f(f))(lambda f: f(f))",
        "threading.Thread(target=os.read, args=(3, 65536)).start()",
        "threading.Thread(target=os._exit, args=(3,)).start(); time.sleep(1)",
        "os.fork()",
        "signal.signal(signal.SIGALRM, lambda *_: 1 / 0); signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)",
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "os.close(3)",
        "os.close(4)",
        "os.closerange(0, 64)",
        "os.write(4, b'no frame at all, no frame at all')",
        "os.write(4, b'\\xff' * 12)",
    ];
    // The oldest, its successor and the newest: each has its own ways inside.
    let all = versions();
    let chosen = [&all[..2], &all[all.len() - 1..]].concat();
    for version in chosen {
        for attack in attacks {
            let code = format!(
                "import json, os, signal, struct, sys, threading, time, traceback\n\n\
                 def main_handler(event, context):\n    if event.get('attack'):\n        {attack}\n    return 'mine'\n"
            );
            let function = python(version, Package::python(&code))
                .with("Timeout", 2)
                .deploy(&client());
            for event in [json!({"attack": true}), json!({}), json!({})] {
                let answer = function.invoke(&event);
                let own = answer.status == 200 && answer.ret == json!("mine");
                let ended = [430, 433, 437, 439].contains(&answer.status);
                assert!(own || ended, "{version:?} {attack}: {answer:?}");
            }
            assert!(
                is_well(&function),
                "{version:?} {attack}: the function does not recover"
            );
        }
        let answer = run(version, Cases::Common, "echo", json!({"value": 1}));
        assert_eq!(answer.returned(), &json!(1), "{version:?}");
    }
}

/// A new instance takes the place of one that broke itself: at the latest when that one is replaced.
fn is_well(function: &Function) -> bool {
    function.configure(json!({"Timeout": 20}));
    function.invoke(&json!({})).ret == json!("mine")
}
