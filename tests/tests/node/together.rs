//! Several events at once in one instance.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use skiff_tests::{Answer, Credentials, Function, Mark, Package, Spec, eventually};

use crate::world::{VERSIONS, Version, client, node};

const SOON: Duration = Duration::from_secs(60);

fn spec(version: Version, concurrency: u32) -> Spec {
    let package = Package::default().file("index.js", include_bytes!("together.js"));
    let several = json!({"DynamicEnabled": "FALSE", "MaxConcurrency": concurrency});
    node(version, package).with("InstanceConcurrencyConfig", several)
}

/// Before Node 8 nobody knows what belongs to which call.
fn tells_apart(version: Version) -> bool {
    version.0 >= 8
}

/// Events that meet in one instance and then each do their deed.
fn meeting(deeds: &[&str]) -> Vec<Value> {
    let event = |(by, deed): (usize, &&str)| json!({"meet": deeds.len(), "by": by, "deed": deed});
    deeds.iter().enumerate().map(event).collect()
}

fn born(answers: &[Answer]) -> BTreeSet<String> {
    answers
        .iter()
        .map(|answer| answer.returned()["born"].to_string())
        .collect()
}

#[test]
fn fifty_events_meet_in_one_instance_and_each_has_its_answer_and_its_log() {
    const CALLS: usize = 50;
    for version in VERSIONS {
        let function = spec(version, 50).deploy(&client());
        let answers = function.invoke_together(&meeting(&["answer"; CALLS]));
        assert_eq!(born(&answers).len(), 1, "{version:?}");
        let mut lines = Vec::new();
        for (by, answer) in answers.iter().enumerate() {
            assert_eq!(
                (&answer.returned()["id"], &answer.returned()["by"]),
                (&json!(answer.request_id()), &json!(by)),
                "{version:?}"
            );
            let written = answer.written();
            if tells_apart(version) {
                assert_eq!(written.len(), 2, "{version:?} {written:?}");
                let stamp = format!("\t{}\tconsole of call {by}", answer.request_id());
                assert!(written[0].ends_with(&stamp), "{version:?} {written:?}");
                assert_eq!(written[1], format!("stream of call {by}"), "{version:?}");
            }
            lines.extend(
                written
                    .iter()
                    .map(|line| line.rsplit('\t').next().unwrap_or(line).to_owned()),
            );
        }
        if tells_apart(version) {
            assert_eq!(lines.len(), 2 * CALLS, "{version:?}");
        }
    }
}

#[test]
fn a_call_that_fails_or_takes_too_long_is_alone_with_that() {
    for version in VERSIONS {
        let mut deeds = vec!["answer", "fail", "never", "answer"];
        if tells_apart(version) {
            deeds.push("throwLater");
        }
        // Of a promise that nobody listens to these two do not know whose it is.
        if tells_apart(version) && ![12, 14].contains(&version.0) {
            deeds.push("rejectLater");
        }
        let function = spec(version, 20).with("Timeout", 3).deploy(&client());
        let answers = function.invoke_together(&meeting(&deeds));
        for (by, (answer, deed)) in answers.iter().zip(deeds).enumerate() {
            let status = match deed {
                "answer" => 200,
                "never" => 433,
                _ => 430,
            };
            assert_eq!(answer.status, status, "{version:?} {by} {deed}: {answer:?}");
            if status == 430 {
                let stack = answer.ret["stackTrace"].as_str().expect("a stack");
                assert!(
                    stack.starts_with(&format!("RangeError: of call {by}\n")) && !stack.contains("/var/runtime"),
                    "{version:?} {deed}: {stack}"
                );
            }
        }
        let before = answers[0].returned()["born"].clone();
        let after = function.invoke(&meeting(&["answer"])[0]);
        assert_ne!(
            after.returned()["born"],
            before,
            "{version:?}: nothing stops one call alone"
        );
    }
}

#[test]
fn a_call_whose_error_is_no_text_is_alone_with_that() {
    let function = spec(VERSIONS[6], 20).deploy(&client());
    let born = function.invoke(&meeting(&["answer"])[0]).returned()["born"].clone();
    for (deed, begins) in [
        ("half", "\u{fffd} of call 0"),
        ("throwHalfLater", "RangeError: \u{fffd} of call 0\n    at "),
        ("rejectHalfLater", "RangeError: \u{fffd} of call 0\n    at "),
    ] {
        let events = meeting(&[deed, "wait", "wait", "wait"]);
        let others = thread::scope(|scope| {
            let others = scope.spawn(|| function.invoke_together(&events[1..]));
            let answer = function.invoke(&events[0]);
            assert_eq!(answer.status, 430, "{deed}: {answer:?}");
            let stack = answer.ret["stackTrace"].as_str().expect("a stack");
            assert!(stack.starts_with(begins), "{deed}: {stack}");
            let release = function.invoke(&meeting(&["release"])[0]);
            assert_eq!(release.returned()["born"], born, "{deed}");
            others.join().expect("answers")
        });
        for (by, answer) in others.iter().enumerate() {
            assert_eq!(answer.returned(), &json!({"born": born, "by": by + 1}), "{deed}");
        }
    }
}

#[test]
fn what_ends_an_instance_ends_all_its_calls() {
    for version in VERSIONS {
        for (deed, status) in [("eat", 434), ("exit", 439), ("lie", 439)] {
            let function = spec(version, 20).deploy(&client());
            let mut events = meeting(&[deed, "never", "never", "never"]);
            events[0]["meet"] = json!(4);
            for answer in function.invoke_together(&events) {
                assert_eq!(answer.status, status, "{version:?} {deed}: {answer:?}");
            }
            let after = function.invoke(&meeting(&["answer"])[0]);
            assert_eq!(after.status, 200, "{version:?} {deed}");
        }
    }
}

#[test]
fn calls_of_an_instance_that_reads_no_more_end_before_their_time() {
    for version in VERSIONS {
        let function = spec(version, 20).with("Timeout", 60).deploy(&client());
        let deaf = function.invoke(&meeting(&["deafen"])[0]);
        assert_eq!(deaf.status, 200, "{version:?}: {deaf:?}");
        eventually(SOON, "an instance that reads", || {
            let after = function.invoke(&meeting(&["answer"])[0]);
            assert!([200, 439].contains(&after.status), "{version:?}: {after:?}");
            (after.status == 200).then_some(())
        });
    }
}

#[test]
fn an_error_of_nobody_knows_which_call_ends_all_that_run() {
    for (index, deed) in [(0, "throwLater"), (3, "rejectLater"), (4, "rejectLater")] {
        let version = VERSIONS[index];
        let function = spec(version, 20).deploy(&client());
        for answer in function.invoke_together(&meeting(&["never", deed, "never"])) {
            assert_eq!(answer.status, 430, "{version:?}: {answer:?}");
            assert_eq!(answer.result["ErrMsg"], json!("RangeError: of call 1"), "{version:?}");
        }
    }
}

/// A call on its way through the gateway, to be given up.
fn call(function: &Function, event: &Value) -> TcpStream {
    let client = client();
    let Credentials { secret_id, secret_key } = &client.credentials;
    let basic = STANDARD.encode(format!("{secret_id}:{secret_key}"));
    let (name, event) = (&function.name, event.to_string());
    let mut stream = TcpStream::connect(client.gateway.trim_start_matches("http://")).expect("the gateway");
    write!(
        stream,
        "POST /2018-04-16/functions/default/{name}/invocations HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {basic}\r\n\
         Content-Length: {}\r\n\r\n{event}",
        event.len()
    )
    .expect("sent");
    stream
}

#[test]
fn who_gives_a_call_up_leaves_the_others_of_its_instance_to_finish() {
    let function = spec(VERSIONS[6], 20).deploy(&client());
    let (mark, abandoned) = (Mark::default(), Mark::default());
    let hold = |mark: &Mark| json!({"meet": 1, "deed": "hold", "mark": mark.as_str()});
    thread::scope(|scope| {
        let others = scope.spawn(|| function.invoke_together(&vec![hold(&mark); 2]));
        eventually(SOON, "two that run", || (mark.bearers().len() == 2).then_some(()));
        let first = function.invoke(&meeting(&["answer"])[0]).returned()["born"].clone();
        let gone = call(&function, &hold(&abandoned));
        abandoned.appeared();
        drop(gone);
        eventually(SOON, "another instance", || {
            let born = function.invoke(&meeting(&["answer"])[0]).returned()["born"].clone();
            (born != first).then_some(())
        });
        assert_eq!(mark.bearers().len(), 2, "they run on");
        mark.release();
        let answers = others.join().expect("answers");
        assert!(answers.iter().all(|answer| answer.returned()["born"] == first));
    });
    // The instance ends after them.
    abandoned.vanished();
}

#[test]
fn calls_that_never_answer_end_with_null_when_nothing_is_left_to_happen() {
    for version in VERSIONS {
        let function = spec(version, 20).deploy(&client());
        for round in 0..2 {
            for answer in function.invoke_together(&meeting(&["nothing"; 3])) {
                assert_eq!(answer.returned(), &Value::Null, "{version:?} {round}");
            }
        }
        let answers = function.invoke_together(&meeting(&["answer"; 3]));
        assert_eq!(born(&answers).len(), 1, "{version:?}: it goes on");
    }
}

#[test]
fn with_a_concurrency_of_one_an_instance_runs_one_event_at_a_time() {
    for version in [VERSIONS[0], VERSIONS[VERSIONS.len() - 1]] {
        let function = spec(version, 1).with("Handler", "index.alone").deploy(&client());
        for answer in function.invoke_together(&vec![json!({}); 4]) {
            assert_eq!(answer.returned()["most"], json!(1), "{version:?}");
        }
    }
}

#[test]
fn an_update_loses_no_call_of_instances_that_several_share() {
    const UPDATES: u64 = 6;
    let version = VERSIONS[6];
    let code = |n: u64| {
        let text =
            format!("exports.main_handler = (event) => new Promise((resolve) => setTimeout(() => resolve({n}), 5));");
        Package::default().file("index.js", text.as_bytes())
    };
    let function = node(version, code(0))
        .with(
            "InstanceConcurrencyConfig",
            json!({"DynamicEnabled": "FALSE", "MaxConcurrency": 4}),
        )
        .deploy(&client());
    let (in_force, done) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let (function, in_force, done) = (&function, &in_force, &done);
        for _ in 0..8 {
            scope.spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    let least = in_force.load(Ordering::SeqCst);
                    let ran = function.invoke(&json!({})).returned().as_u64().expect("a number");
                    assert!(ran >= least, "version {ran} ran after {least} was in force");
                }
            });
        }
        for n in 1..=UPDATES {
            if n % 3 == 0 {
                let several = json!({"DynamicEnabled": "FALSE", "MaxConcurrency": 4 + n});
                function.configure(json!({"InstanceConcurrencyConfig": several}));
            }
            function.replace_code(code(n));
            in_force.store(n, Ordering::SeqCst);
        }
        done.store(true, Ordering::SeqCst);
    });
    assert_eq!(function.invoke(&json!({})).returned(), &json!(UPDATES));
}
