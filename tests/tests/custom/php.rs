//! PHP functions, on 7.4 and 8 of Debian's suites, installed by the product itself.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::{Value, json};
use skiff_tests::{
    Answer, Client, Function, Package, Server, Spec, is_installed, kept_data_dir, runtime, server_with_runtimes,
};

pub(crate) const VERSIONS: [&str; 2] = ["Php7.4", "Php8.0"];

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let installed = kept_data_dir(".php-runtimes");
    for name in VERSIONS {
        if !is_installed(&installed, name) {
            let added = runtime(&installed, &["add", name]);
            assert!(added.is_ok(), "{name}: {added:?}");
        }
    }
    server_with_runtimes(&installed)
});

pub(crate) fn client() -> Client {
    SERVER.client()
}

fn of_package(version: &str, package: Package) -> Spec {
    Spec::package(package).with("Runtime", version)
}

/// A function of this text.
pub(crate) fn spec(version: &str, code: &str) -> Spec {
    of_package(version, Package::default().file("index.php", code.as_bytes()))
}

fn deploy(version: &str, code: &str) -> Function {
    spec(version, code).deploy(&client())
}

/// Runs a case of `cases.php` on a version.
fn run(version: &'static str, case: &str, mut event: Value) -> Answer {
    static FUNCTIONS: LazyLock<Mutex<BTreeMap<&str, Arc<Function>>>> = LazyLock::new(Mutex::default);
    let function = {
        let mut functions = FUNCTIONS.lock().expect("nobody panicked");
        let deploy = || Arc::new(deploy(version, include_str!("cases.php")));
        Arc::clone(functions.entry(version).or_insert_with(deploy))
    };
    event["case"] = json!(case);
    function.invoke(&event)
}

#[test]
fn php_7_and_8_get_events_and_contexts_as_objects_and_answer_any_json() {
    for version in VERSIONS {
        let found = run(version, "version", json!({}));
        let found = found.returned().as_str().expect("a version");
        assert!(
            found.starts_with(if version == "Php7.4" { "7.4." } else { "8." }),
            "{version} is {found}"
        );
        let event = json!({"list": [1, 2.0, null, true, {"a": {}}], "text": "ü/\u{1F600}", "empty": {}, "case": ""});
        let mut answer = run(version, "echo", event.clone()).returned().clone();
        answer["case"] = json!("");
        assert_eq!(answer, event, "{version}");
        let answer = run(version, "context", json!({}));
        let context = answer.returned();
        assert_eq!(context["request_id"], json!(answer.request_id()), "{version}");
        assert_eq!(context["memory_limit_in_mb"], json!(128), "{version}");
        assert_eq!(run(version, "nothing", json!({})).returned(), &Value::Null);
        let all = json!({"curl": true, "mbstring": true, "json": true, "xml": true, "zip": true, "mysqli": true});
        assert_eq!(run(version, "extensions", json!({})).returned(), &all);
    }
}

#[test]
fn php_keeps_its_globals_and_what_a_file_declares_is_global() {
    for version in VERSIONS {
        let function = deploy(version, include_str!("cases.php"));
        for (calls, kept) in [(1, json!(3)), (2, json!("yes"))] {
            let answer = function.invoke(&json!({"case": "count"}));
            let wanted = json!({"calls": calls, "global": "of the file", "kept": kept});
            assert_eq!(answer.returned(), &wanted, "{version}");
        }
    }
}

#[test]
fn a_copy_that_php_forks_answers_nothing_and_the_instance_lives_on() {
    for version in VERSIONS {
        let function = deploy(version, include_str!("cases.php"));
        for (calls, case) in [(1, "fork"), (2, "fork"), (3, "fork and throw"), (4, "fork")] {
            let answer = function.invoke(&json!({"case": case}));
            match case {
                "fork" => assert_eq!(answer.returned(), calls, "{version}"),
                _ => assert_eq!(answer.status, 430, "{version}"),
            }
        }
    }
}

#[test]
fn the_errors_of_php_come_with_the_users_frames_and_no_other() {
    for version in VERSIONS {
        let answer = run(version, "throw", json!({}));
        assert_eq!(
            (answer.status, answer.error_message()),
            (430, "user code exception caught")
        );
        let stack = answer.ret["stackTrace"].as_str().expect("a stack");
        let lines: Vec<&str> = stack.lines().collect();
        assert_eq!(
            lines[0], "RangeException: too deep: ü in /var/user/index.php:13",
            "{version}"
        );
        assert!(
            lines[1].starts_with("#0 /var/user/index.php(") && lines[1].ends_with(": deeper()"),
            "{stack}"
        );
        assert_eq!(lines.len(), 2, "{version} {stack}");
        assert_eq!(answer.result["ErrMsg"], json!("RangeException: too deep: ü"));
        let answer = run(version, "error", json!({}));
        let stack = answer.ret["stackTrace"].as_str().expect("a stack");
        assert!(
            stack.starts_with("Error: Call to undefined function nothing_of_the_name()"),
            "{stack}"
        );
        let answer = run(version, "not json", json!({}));
        let stack = answer.ret["stackTrace"].as_str().expect("a stack");
        assert!(
            stack.starts_with("The handler's result is not JSON: Malformed UTF-8"),
            "{stack}"
        );
        // What PHP gives up for ends the process, and is the code's error all the same.
        let answer = run(version, "fatal", json!({}));
        assert_eq!(answer.status, 430, "{version} {}", answer.ret_text);
        let stack = answer.ret["stackTrace"].as_str().expect("a stack");
        assert!(
            stack.starts_with("PHP Fatal error: Cannot declare class Counter"),
            "{stack}"
        );
        let answer = run(version, "warning", json!({}));
        assert_eq!(answer.returned(), &json!(""), "{version}");
        assert!(answer.log.contains("ndefined variable"), "{version} {}", answer.log);
    }
}

#[test]
fn die_is_an_end_of_the_process_with_all_it_wrote() {
    for version in VERSIONS {
        let function = deploy(version, include_str!("cases.php"));
        let answer = function.invoke(&json!({"case": "die"}));
        assert_eq!(
            (answer.status, answer.error_message()),
            (439, "User process exit when running")
        );
        assert!(answer.log.contains("before\nthe end\n"), "{version} {}", answer.log);
        assert_eq!(function.invoke(&json!({"case": "count"})).returned()["calls"], json!(1));
    }
}

#[test]
fn output_of_php_keeps_its_order_and_what_is_buffered_is_of_its_call() {
    for version in VERSIONS {
        let answer = run(version, "output", json!({}));
        let written = "by echo\nto stderr\nof a child\nby error_log\nArray\n(\n    [0] => 1\n)\n";
        assert!(answer.log.contains(written), "{version} {}", answer.log);
    }
}

#[test]
fn limits_of_php_functions_are_those_of_all() {
    for version in VERSIONS {
        let text = "x".repeat((6 << 20) - 100);
        let answer = run(version, "echo", json!({ "text": text }));
        assert_eq!(answer.returned()["text"], Value::from(text), "{version}");
        assert_eq!(run(version, "size", json!({"bytes": 6 << 20})).status, 407, "{version}");
        assert_eq!(run(version, "hoard", json!({})).status, 434, "{version}");
        let slow = spec(version, include_str!("cases.php"));
        let slow = slow.with("Timeout", 1).deploy(&client());
        assert_eq!(slow.invoke(&json!({"case": "sleep"})).status, 433, "{version}");
    }
}

#[test]
fn the_environment_of_php_is_the_documented_one_and_nothing_of_the_platforms_is_global() {
    for version in VERSIONS {
        let function = spec(version, include_str!("cases.php"))
            .with("Environment", json!({"Variables": [{"Key": "MINE", "Value": "ü"}]}))
            .deploy(&client());
        let answer = function.invoke(&json!({"case": "environment"}));
        let found = answer.returned();
        let folder = if version == "Php7.4" { "php74" } else { "php80" };
        for (key, value) in [
            ("PHP_INI_SCAN_DIR", "/var/user/php_extension:/opt/php_extension"),
            ("_", &format!("/var/lang/{folder}/bin/php")),
            ("MINE", "ü"),
            ("SCF_RUNTIME", version),
            ("HOME", "/home/qcloud"),
        ] {
            assert_eq!(found["getenv"][key], json!(value), "{version} {key}");
            assert_eq!(found["env"][key], json!(value), "{version} {key}");
        }
        assert_eq!((&found["server"], &found["folder"]), (&json!("ü"), &json!("/var/user")));
        let globals = found["globals"].as_array().expect("names");
        let own = |name: &&Value| !name.as_str().expect("a name").starts_with('_') && *name != "GLOBALS";
        assert_eq!(
            globals.iter().filter(own).collect::<Vec<_>>(),
            [&json!("global")],
            "{version}"
        );
    }
}

#[test]
fn what_is_wrong_with_a_php_file_is_said_when_it_is_loaded() {
    for version in VERSIONS {
        for (code, status, message) in [
            (
                "<?php function other() {}",
                437,
                "index.php has no function main_handler (Handler is index.main_handler)",
            ),
            (
                "<?php function main_handler() { return 1 }",
                443,
                "ParseError: syntax error",
            ),
            ("<?php throw new LogicException('ü');", 443, "LogicException: ü"),
            (
                "<?php require 'missing.php';",
                443,
                "ailed opening required 'missing.php'",
            ),
            (
                "<?php echo 'said'; exit(3);",
                439,
                "User process exit when initialising",
            ),
        ] {
            let answer = deploy(version, code).invoke(&json!({}));
            assert_eq!(answer.status, status, "{version} {code} {}", answer.ret_text);
            assert!(
                answer.error_message().contains(message),
                "{version} {}",
                answer.ret_text
            );
        }
    }
}

#[test]
fn settings_of_php_extension_are_read_and_those_of_the_platform_stay() {
    for version in VERSIONS {
        let package = Package::default()
            .file("index.php", include_bytes!("cases.php"))
            .file("php_extension/mine.ini", b"precision=5\nmemory_limit=1M\n");
        let function = of_package(version, package).deploy(&client());
        let answer = function.invoke(&json!({"case": "settings"}));
        assert_eq!(answer.returned(), &json!(["5", "-1", false]), "{version}");
        assert_eq!(function.invoke(&json!({"case": "count"})).returned()["calls"], json!(2));
    }
}

#[test]
fn a_php_without_pcntl_says_so_where_settings_are_brought_and_runs_what_brings_none() {
    let installed = kept_data_dir(".php-runtimes");
    drop(client());
    // The same files, with one more among the settings.
    let folder = tempfile::tempdir_in(installed.parent().expect("a folder")).expect("a folder");
    let runtimes = folder.path().join("runtimes");
    std::fs::create_dir(&runtimes).expect("a folder");
    let copied = Command::new("cp")
        .arg("-al")
        .arg(installed.join("runtimes/Php8.0"))
        .arg(&runtimes)
        .status();
    assert!(copied.expect("cp starts").success());
    let versions = std::fs::read_dir(runtimes.join("Php8.0/root/etc/php")).expect("settings");
    for version in versions.flatten() {
        let own = version.path().join("cli/conf.d/99-none.ini");
        std::fs::write(own, "disable_functions=pcntl_exec\n").expect("a file");
    }
    let server = server_with_runtimes(folder.path());
    let package = || Package::default().file("index.php", include_bytes!("cases.php"));
    let brings = package().file("php_extension/mine.ini", b"precision=5\n");
    let answer = of_package("Php8.0", brings)
        .deploy(&server.client())
        .invoke(&json!({"case": "settings"}));
    assert_eq!(answer.status, 443, "{}", answer.ret_text);
    assert!(
        answer.error_message().contains("This PHP has no pcntl"),
        "{}",
        answer.ret_text
    );
    let brings_none = of_package("Php8.0", package()).deploy(&server.client());
    assert_eq!(
        brings_none.invoke(&json!({"case": "count"})).returned()["calls"],
        json!(1)
    );
}
