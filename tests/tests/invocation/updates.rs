//! New code and configuration: in force at once for new calls, of no concern to running ones; no call is lost.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use serde_json::json;
use skiff_tests::{Package, Spec};

use crate::common::{Held, client, holding, python};

#[test]
fn a_running_call_finishes_on_the_old_code_while_new_calls_run_the_new() {
    let function = holding("['old', calls]").deploy(&client());
    assert_eq!(function.invoke(&json!({})).returned(), &json!(["old", 1]));
    thread::scope(|scope| {
        let held = Held::new(scope, &client(), &function.name);
        function.replace_code(Package::python("def main_handler(event, context): return 'new'"));
        for _ in 0..3 {
            assert_eq!(function.invoke(&json!({})).returned(), "new");
        }
        assert_eq!(held.release().returned(), &json!(["old", 2]));
    });
    assert_eq!(
        function.invoke(&json!({})).returned(),
        "new",
        "the old instance is not used again"
    );
}

#[test]
fn a_running_call_finishes_after_its_function_is_deleted() {
    let function = holding("'finished'").deploy(&client());
    let name = function.name.clone();
    thread::scope(|scope| {
        let held = Held::new(scope, &client(), &name);
        drop(function);
        let refused = client().try_invoke(&name, &json!({})).map_err(|error| error.code);
        assert_eq!(
            refused.map(|answer| answer.ret_text),
            Err("ResourceNotFound.Function".to_owned())
        );
        assert_eq!(held.release().returned(), "finished");
    });
}

#[test]
fn a_change_of_configuration_reaches_the_next_call() {
    let code = "import os\ncalls = 0\ndef main_handler(event, context):\n    global calls\n    calls += 1\n    return [calls, \
                os.environ.get('WORD'), context['memory_limit_in_mb'], context['time_limit_in_ms']]\n";
    let function = python(code);
    assert_eq!(function.invoke(&json!({})).returned(), &json!([1, null, 128, 20000]));
    assert_eq!(function.invoke(&json!({})).returned(), &json!([2, null, 128, 20000]));
    let word = json!({"Environment": {"Variables": [{"Key": "WORD", "Value": "new"}]}});
    for (change, expected) in [
        (word, json!([1, "new", 128, 20000])),
        (json!({"MemorySize": 256}), json!([1, "new", 256, 20000])),
        (json!({"Timeout": 5}), json!([1, "new", 256, 5000])),
        (json!({"Environment": {"Variables": []}}), json!([1, null, 256, 5000])),
    ] {
        function.configure(change);
        assert_eq!(function.invoke(&json!({})).returned(), &expected);
    }
}

#[test]
fn a_function_made_again_under_its_name_is_another() {
    let client = client();
    let create = |code: &str| {
        let code = json!({"ZipFile": Package::python(code).base64()});
        client
            .call(
                "CreateFunction",
                json!({"FunctionName": "again", "Runtime": "Python3", "Code": code}),
            )
            .expect("created");
    };
    create("def main_handler(event, context): return 'first'");
    assert_eq!(client.invoke("again", &json!({})).returned(), "first");
    client
        .call("DeleteFunction", json!({"FunctionName": "again"}))
        .expect("deleted");
    create("def main_handler(event, context): return 'second'");
    assert_eq!(client.invoke("again", &json!({})).returned(), "second");
    client
        .call("DeleteFunction", json!({"FunctionName": "again"}))
        .expect("deleted");
}

#[test]
fn no_call_is_lost_or_answered_by_older_code_than_was_in_force_when_it_came() {
    const UPDATES: u64 = 12;
    let version = |n: u64| Package::python(&format!("def main_handler(event, context): return {n}"));
    let function = Spec::package(version(0)).deploy(&client());
    let (in_force, done) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let (function, in_force, done) = (&function, &in_force, &done);
        let callers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(move || {
                    let mut calls = 0;
                    while !done.load(Ordering::SeqCst) {
                        let least = in_force.load(Ordering::SeqCst);
                        let ran = function.invoke(&json!({})).returned().as_u64().expect("a number");
                        assert!(ran >= least, "version {ran} ran after {least} was in force");
                        calls += 1;
                    }
                    calls
                })
            })
            .collect();
        for n in 1..=UPDATES {
            if n % 3 == 0 {
                function.configure(json!({"Timeout": 10 + n}));
            }
            function.replace_code(version(n));
            in_force.store(n, Ordering::SeqCst);
        }
        done.store(true, Ordering::SeqCst);
        let calls: u64 = callers.into_iter().map(|caller| caller.join().expect("a caller")).sum();
        assert!(calls > UPDATES, "{calls}");
    });
    assert_eq!(function.invoke(&json!({})).returned(), UPDATES);
}
