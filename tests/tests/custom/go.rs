//! Go: programs of SCF's published library as `Go1`, and one of AWS Lambda's as a custom runtime.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value, json};
use skiff_tests::{Answer, Function, Package, Spec, binary, eventually, repository};

use crate::world::{client, told};

/// The programs of `tests/programs/go`, built by the machine's own Go.
fn program(name: &str) -> Vec<u8> {
    static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = binary().parent().expect("target/PROFILE").join("go-programs");
        let built = Command::new("go")
            .args(["build", "-trimpath", "-o"])
            .arg(format!("{}/", folder.display()))
            .arg("./...")
            .current_dir(repository().join("tests/programs/go"))
            .env("CGO_ENABLED", "0")
            .env("GOFLAGS", "-buildvcs=false")
            .output()
            .expect("Go, which `./skiffw test` installs");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        folder
    });
    std::fs::read(BUILT.join(name)).expect("a program")
}

fn go1() -> Spec {
    Spec::package(Package::default().program("main", &program("event")))
        .with("Runtime", "Go1")
        .with("Handler", "main")
}

/// A function of Go's that the tests share.
fn run(event: &Value) -> Answer {
    static FUNCTION: LazyLock<Function> = LazyLock::new(|| go1().deploy(&client()));
    FUNCTION.invoke(event)
}

#[test]
fn a_go_program_gets_events_with_their_context_and_keeps_its_globals() {
    let function = go1()
        .with("MemorySize", 256)
        .with("Environment", json!({"Variables": [{"Key": "MINE", "Value": "ü"}]}))
        .deploy(&client());
    for calls in 1..=3 {
        let answer = function.invoke(&json!({"text": "処理"}));
        let result = answer.returned();
        assert_eq!(
            (&result["text"], &result["calls"], &result["left"]),
            (&json!("処理"), &json!(calls), &json!(true))
        );
        let context = &result["told"];
        for (key, value) in [
            ("RequestID", json!(answer.request_id())),
            ("FunctionName", json!(function.name)),
            ("FunctionVersion", json!("$LATEST")),
            ("Namespace", json!("default")),
            ("MemoryLimitInMb", json!(256)),
            ("TimeLimitInMs", json!(20_000)),
        ] {
            assert_eq!(context[key], value, "{key}");
        }
        assert_eq!(
            result["env"],
            json!({"MINE": "ü", "SCF_RUNTIME": "Go1", "FUNCTION_NAME": function.name, "HOME": "/home/qcloud", "PWD": "/var/user"})
        );
        assert!(answer.log.contains(&format!("call {calls}\n")), "{}", answer.log);
        assert_eq!(answer.log.contains("starting\n"), calls == 1, "{}", answer.log);
    }
}

#[test]
fn events_and_results_of_a_go_program_may_have_6_mb() {
    let text = "x".repeat((6 << 20) - 100);
    let answer = run(&json!({"case": "text", "text": text}));
    assert_eq!(answer.returned(), &Value::from(text));
    // With its quotes it is one byte too many.
    let answer = run(&json!({"case": "size", "size": (6 << 20) - 1}));
    assert_eq!(answer.status, 407, "{}", answer.error_message());
    assert_eq!(run(&json!({"case": "size", "size": 3})).returned(), &json!("xxx"));
}

#[test]
fn a_go_error_is_the_users_and_a_panic_comes_with_its_stack_and_ends_the_instance() {
    let function = go1().deploy(&client());
    let answer = function.invoke(&json!({"case": "error", "text": "ü"}));
    assert_eq!(
        (answer.status, answer.error_message()),
        (430, "user code exception caught")
    );
    assert_eq!(answer.ret["stackTrace"], json!("it broke: ü"));
    assert_eq!(function.invoke(&json!({})).returned()["calls"], json!(2));
    let answer = function.invoke(&json!({"case": "panic"}));
    assert_eq!(answer.status, 430, "{}", answer.ret_text);
    let stack = answer.ret["stackTrace"].as_str().expect("a stack");
    assert!(
        stack.starts_with("panic: assignment to entry in nil map\n") && stack.contains("\n    handle ("),
        "{stack}"
    );
    assert!(!stack.contains("cloudfunction"), "{stack}");
    assert_eq!(function.invoke(&json!({})).returned()["calls"], json!(1));
}

#[test]
fn a_go_program_that_exits_or_takes_too_long_is_told_apart() {
    let function = go1().with("Timeout", 1).deploy(&client());
    let answer = function.invoke(&json!({"case": "exit"}));
    assert_eq!(
        (answer.status, answer.error_message()),
        (439, "User process exit when running")
    );
    assert!(
        answer.log.contains("leaving\n") && answer.log.contains("exit code 3"),
        "{}",
        answer.log
    );
    assert_eq!(function.invoke(&json!({"case": "sleep"})).status, 433);
    assert_eq!(function.invoke(&json!({})).returned()["calls"], json!(1));
}

#[test]
fn what_is_no_program_of_the_library_fails_to_start() {
    let function = |text: &str| {
        Spec::package(Package::default().program("main", text.as_bytes()))
            .with("Runtime", "Go1")
            .with("Handler", "main")
            .with("InitTimeout", 3)
            .deploy(&client())
    };
    assert_eq!(function("#!/bin/sh\nexit 3\n").invoke(&json!({})).status, 439);
    assert_eq!(function("#!/bin/sh\nexec sleep 60\n").invoke(&json!({})).status, 450);
    assert_eq!(function("no program").invoke(&json!({})).status, 405);
    let other = "#!/usr/bin/python3\nimport socket, time\nserver = socket.create_server(('127.0.0.1', 28902))\n\
                 connection, _ = server.accept()\nconnection.sendall(b'HTTP/1.1 400 Bad Request\\r\\n' * 9)\ntime.sleep(60)\n";
    let answer = function(other).invoke(&json!({}));
    assert_eq!(answer.status, 439, "{}", answer.ret_text);
    assert!(answer.log.contains("no gob"), "{}", answer.log);
    let refused = Spec::package(Package::default().program("main", b""))
        .with("Runtime", "Golang1")
        .with("Handler", "other")
        .try_deploy(&client());
    assert_eq!(refused.expect_err("no such file").code, "InvalidParameterValue.Handler");
}

#[test]
fn a_go_program_of_aws_lambda_is_a_custom_runtime() {
    let function = Spec::package(Package::default().program("bootstrap", &program("lambda")))
        .with("Runtime", "CustomRuntime")
        .deploy(&client());
    told(&function, 1);
    told(&function, 2);
    let answer = function.invoke(&json!({"case": "error"}));
    assert_eq!(answer.status, 430, "{}", answer.ret_text);
    assert_eq!(answer.ret["stackTrace"], json!("errorString: it broke"));
    eventually(Duration::from_secs(30), "an answer", || {
        (function.invoke(&json!({})).status == 200).then_some(())
    });
}
