//! Code that attacks while it is compiled or loaded.

use serde_json::json;
use skiff_tests::{Package, Spec};

use crate::arena::{Attacker, all_is_well, client, strike};

/// Code that does something before there is any event.
fn loads(code: &str) -> Spec {
    Spec::python(&format!(
        "{code}\ndef main_handler(event, context):\n    return event\n"
    ))
}

#[test]
fn code_that_misbehaves_while_it_loads_has_its_own_status() {
    for (code, statuses) in [
        ("import sys; sys.exit(3)", &[439][..]),
        ("import os; os._exit(0)", &[439]),
        ("import os; os.kill(os.getpid(), 9)", &[439]),
        ("import os; os.close(4)", &[439]),
        ("import os; os.write(4, b'x' * 100)", &[439]),
        ("k = []\nwhile True: k.append(b'x' * (1 << 20))", &[434]),
        ("raise KeyboardInterrupt", &[439, 443]),
        ("import os\nfor _ in range(512): os.write(1, b'x' * 65536)", &[200]),
        (
            "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()",
            &[200],
        ),
        ("import os\nif os.fork() == 0:\n    while True: pass", &[200]),
        ("import sys; sys.stdout = sys.stderr = None", &[200]),
        ("import json; json.dumps = json.loads = None", &[200]),
        (
            "import builtins; builtins.len = builtins.str = builtins.bytes = None",
            &[200, 430, 439, 443],
        ),
        ("import os; os.write = os.read = os._exit = os.getpid = None", &[200]),
    ] {
        let answer = strike(loads(code), &json!("event"));
        assert!(
            statuses.contains(&answer.status),
            "{code}: {} {}",
            answer.ret_text,
            answer.log
        );
        if answer.status == 200 {
            assert_eq!(answer.ret, "event", "{code}");
        }
    }
}

#[test]
fn code_that_never_finishes_loading_runs_into_the_init_timeout() {
    let answer = strike(loads("while True: pass").with("InitTimeout", 1), &json!({}));
    assert_eq!(
        (answer.status, answer.error_message()),
        (450, "Initialising function timed out after 1 seconds")
    );
}

#[test]
fn sources_that_attack_the_compiler_are_deployed_and_fail_when_they_run() {
    let deep = format!("x = {}{}", "(".repeat(100_000), ")".repeat(100_000));
    let signs = format!("x = {}1", "-".repeat(500_000));
    let power = "x = 9 ** 9 ** 9".to_owned();
    let long = format!("x = '{}' * 1000000000", "y".repeat(100));
    for source in [deep, signs, power, long] {
        let package = Package::python("def main_handler(event, context):\n    import victim\n    return 1\n")
            .file("victim.py", source.as_bytes());
        let attacker = Attacker::new(Spec::package(package).with("Timeout", 2));
        all_is_well();
        let answer = attacker.strikes(&json!({}));
        assert!(
            matches!(answer.status, 430 | 433 | 434 | 439),
            "{:.40}: {}",
            source,
            answer.ret_text
        );
    }
}

#[test]
fn compiled_files_a_package_brings_along_do_not_reach_another_function() {
    let planted = Package::python("def main_handler(event, context):\n    return 'honest'\n")
        .file("__pycache__/index.cpython-311.pyc", b"not byte code at all")
        .file("__pycache__/index.cpython-312.pyc", &[0; 64]);
    let answer = strike(Spec::package(planted), &json!({}));
    assert_eq!(answer.returned(), "honest");
    // A link where the compiler writes.
    let linked = Package::python("def main_handler(event, context):\n    return 'honest'\n")
        .file("elsewhere/kept", b"kept")
        .symlink("__pycache__", "elsewhere");
    let function = Spec::package(linked).deploy(&client());
    assert_eq!(function.invoke(&json!({})).returned(), "honest");
    all_is_well();
}
