//! One server, and functions of it that bring their own runtime.

use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};
use skiff_tests::{Answer, Client, Function, Package, Server, Settings, Spec};

static SERVER: LazyLock<Server> = LazyLock::new(|| Settings::default().flag("--pool-min", "1").start());

/// The shared server's client.
pub(crate) fn client() -> Client {
    SERVER.client()
}

/// A function whose `bootstrap` is this text.
pub(crate) fn custom(bootstrap: &str) -> Spec {
    Spec::package(Package::default().program("bootstrap", bootstrap.as_bytes())).with("Runtime", "CustomRuntime")
}

/// Deploys a shell script, after its first line.
pub(crate) fn shell(script: &str) -> Function {
    custom(&format!("#!/bin/sh\n{script}")).deploy(&client())
}

/// Deploys the program of `bootstrap.py`.
pub(crate) fn program() -> Function {
    custom(include_str!("bootstrap.py")).deploy(&client())
}

/// Runs a case of `bootstrap.py`, on a function that the tests share.
pub(crate) fn run(case: &str, mut event: Value) -> Answer {
    static FUNCTION: LazyLock<Arc<Function>> = LazyLock::new(|| Arc::new(program()));
    event["case"] = json!(case);
    FUNCTION.invoke(&event)
}

/// Calls a program for AWS Lambda that answers what it was told of its call.
pub(crate) fn told(function: &Function, calls: u32) {
    let event = json!({"case": "echo", "text": "ü", "number": 1.5});
    let answer = function.invoke(&event);
    let told = answer.returned();
    assert_eq!(told["echo"], event);
    assert_eq!(told["id"], json!(answer.request_id()));
    assert_eq!((&told["left"], &told["calls"]), (&json!(true), &json!(calls)), "{told}");
    let arn = told["arn"].as_str().expect("text");
    assert!(
        arn.starts_with("arn:aws:lambda:") && arn.ends_with(&format!(":function:{}:$LATEST", function.name)),
        "{arn}"
    );
    assert!(answer.log.contains(&format!("call {calls}\n")), "{}", answer.log);
}
