//! How programs fail to start, fail in a call, and end between calls.

use std::thread;

use serde_json::json;
use skiff_tests::{Mark, Package, Spec};

use crate::world::{client, custom, program, shell};

#[test]
fn a_package_without_a_bootstrap_is_refused() {
    let error = Spec::package(Package::default().file("index.py", b""))
        .with("Runtime", "customruntime")
        .try_deploy(&client())
        .expect_err("no bootstrap");
    assert_eq!(error.code, "InvalidParameterValue.Handler");
    assert!(error.message.contains("bootstrap"), "{error:?}");
}

#[test]
fn a_bootstrap_that_is_not_marked_executable_is_refused_when_it_is_deployed() {
    let inert = || Package::default().file("bootstrap", b"#!/bin/sh\n");
    let refused = |error: skiff_tests::ApiError| {
        assert_eq!(error.code, "InvalidParameterValue.Handler");
        assert!(error.message.contains("chmod 755 bootstrap"), "{error:?}");
    };
    let spec = Spec::package(inert()).with("Runtime", "CustomRuntime");
    refused(spec.try_deploy(&client()).expect_err("created"));
    let function = shell("exit 3");
    let update = json!({"FunctionName": function.name, "Handler": "x", "Code": {"ZipFile": inert().base64()}});
    refused(client().call("UpdateFunctionCode", update).expect_err("updated"));
}

#[test]
fn a_bootstrap_that_cannot_be_executed_says_why() {
    for (package, why) in [
        (
            Package::default().program("bootstrap", b"#!/bin/sh\r\n"),
            "line feed alone",
        ),
        (
            Package::default().program("bootstrap", b"echo\n"),
            "no program of this machine",
        ),
    ] {
        let function = Spec::package(package)
            .with("Runtime", "CustomRuntime")
            .deploy(&client());
        let answer = function.invoke(&json!({}));
        assert_eq!(answer.status, 405, "{}", answer.ret_text);
        assert!(answer.error_message().contains(why), "{}", answer.ret_text);
        assert_eq!(answer.result["InvokeResult"], json!(1));
    }
}

#[test]
fn a_program_that_ends_or_is_silent_while_it_starts_has_its_own_status_and_its_output() {
    let answer = shell("echo of the start; exit 3").invoke(&json!({}));
    assert_eq!(
        (answer.status, answer.error_message()),
        (439, "User process exit when initialising")
    );
    assert!(
        answer.log.contains("of the start\n") && answer.log.contains("exit code 3"),
        "{}",
        answer.log
    );
    // It asks for an event and has not said that it is ready.
    let silent = "echo before; exec curl -s http://$SCF_RUNTIME_API:$SCF_RUNTIME_API_PORT/runtime/invocation/next";
    let function = custom(&format!("#!/bin/sh\n{silent}"))
        .with("InitTimeout", 3)
        .deploy(&client());
    let answer = function.invoke(&json!({}));
    assert_eq!(answer.status, 450, "{}", answer.ret_text);
    assert!(answer.log.contains("before\n"), "{}", answer.log);
}

#[test]
fn a_call_that_is_not_answered_in_time_ends_with_its_instance() {
    let function = custom(include_str!("bootstrap.py"))
        .with("Timeout", 1)
        .deploy(&client());
    let answer = function.invoke(&json!({"case": "sleep"}));
    assert_eq!(
        (answer.status, answer.error_message()),
        (433, "Invoking task timed out after 1 seconds")
    );
    assert!(answer.log.contains("asleep\n"), "{}", answer.log);
    assert_eq!(function.invoke(&json!({"case": "count"})).returned(), &json!(1));
    // One that never fetches it, too.
    let idle = custom("#!/bin/sh\ncurl -s -X POST -d ' ' http://127.0.0.1:19001/runtime/init/ready\nexec sleep 600\n")
        .with("Timeout", 1)
        .deploy(&client());
    assert_eq!(idle.invoke(&json!({})).status, 433);
}

#[test]
fn a_program_that_ends_in_a_call_or_between_calls_is_started_again() {
    let function = program();
    let answer = function.invoke(&json!({"case": "exit", "code": 7}));
    assert_eq!(
        (answer.status, answer.error_message()),
        (439, "User process exit when running")
    );
    assert!(answer.log.contains("exit code 7"), "{}", answer.log);
    assert_eq!(function.invoke(&json!({"case": "exit after"})).ret_text, "answered");
    assert_eq!(function.invoke(&json!({"case": "count"})).returned(), &json!(1));
}

#[test]
fn an_event_that_a_program_had_not_fetched_when_it_ended_is_given_to_another_one() {
    let (function, mark) = (program(), Mark::default());
    let answered = function.invoke(&json!({"case": "exit later", "mark": mark.as_str()}));
    assert_eq!(answered.ret_text, "answered");
    mark.appeared();
    let answer = thread::scope(|scope| {
        let next = scope.spawn(|| function.invoke(&json!({"case": "count"})));
        client().until_one_runs(&function.name);
        mark.release();
        next.join().expect("the call's thread")
    });
    assert_eq!(answer.returned(), &json!(1));
    let told = "[skiff] an instance ended before it had read the event, which was given to another one: exit code 3\n";
    assert!(answer.log.contains(told), "{}", answer.log);
}

#[test]
fn a_program_that_takes_more_memory_than_it_has_is_stopped() {
    let answer = program().invoke(&json!({"case": "hoard"}));
    assert_eq!(answer.status, 434, "{}", answer.ret_text);
}
