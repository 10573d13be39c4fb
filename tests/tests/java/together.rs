//! Several events at once in one instance.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::{Value, json};
use skiff_tests::Spec;

use crate::world::{Version, client, compiled, extremes, java, package, versions};

fn spec(version: Version) -> Spec {
    static CLASSES: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
        let mut classes = compiled(&["together"], 8);
        classes.retain(|(path, _)| path.starts_with("together/"));
        classes
    });
    let several = json!({"DynamicEnabled": "FALSE", "MaxConcurrency": 50});
    java(version, package(&CLASSES), "together.Meeting::main").with("InstanceConcurrencyConfig", several)
}

/// Events that meet in one instance and then each do their deed.
fn meeting(deeds: &[&str]) -> Vec<Value> {
    let event = |(by, deed): (usize, &&str)| json!({"meet": deeds.len(), "by": by, "deed": deed});
    deeds.iter().enumerate().map(event).collect()
}

#[test]
fn fifty_events_meet_in_one_java_and_each_has_its_answer_and_its_log() {
    for &version in versions() {
        let function = spec(version).deploy(&client());
        let answers = function.invoke_together(&meeting(&["answer"; 50]));
        let mut instances = BTreeSet::new();
        for (by, answer) in answers.iter().enumerate() {
            let returned = answer.returned();
            assert_eq!(
                (&returned[1], &returned[2]),
                (&json!(answer.request_id()), &json!(by)),
                "{version:?}"
            );
            instances.insert(returned[0].to_string());
            let lines = [
                format!("before, call {by}"),
                format!("child of call {by}"),
                format!("after, call {by}"),
            ];
            assert_eq!(answer.written(), lines, "{version:?}");
        }
        assert_eq!(instances.len(), 1, "{version:?}");
    }
}

#[test]
fn a_call_that_fails_or_takes_too_long_is_alone_with_that_in_java() {
    for &version in versions() {
        let function = spec(version).with("Timeout", 4).deploy(&client());
        for interrupted in ["interrupt", "look"] {
            let answer = function.invoke(&meeting(&[interrupted])[0]);
            assert_eq!(answer.returned(), &json!(interrupted == "interrupt"), "{version:?}");
        }
        let deeds = ["answer", "fail", "sleep", "fail", "answer"];
        let mut events = meeting(&deeds);
        // Two have come before.
        events
            .iter_mut()
            .for_each(|event| event["meet"] = json!(deeds.len() + 2));
        let answers = function.invoke_together(&events);
        for (by, (answer, deed)) in answers.iter().zip(deeds).enumerate() {
            let status = match deed {
                "answer" => 200,
                "fail" => 430,
                _ => 433,
            };
            assert_eq!(answer.status, status, "{version:?} {deed}: {answer:?}");
            if deed == "fail" {
                let stack = answer.ret["stackTrace"].as_str().expect("a stack");
                let lines: Vec<&str> = stack.lines().collect();
                assert_eq!(lines[0], format!("java.lang.IllegalStateException: of call {by}"));
                assert!(
                    lines.len() == 2 && lines[1].contains("together.Meeting.main(Meeting.java:"),
                    "{version:?} {stack}"
                );
            }
        }
        let after = function.invoke(&meeting(&["answer"])[0]);
        assert_ne!(
            after.returned()[0],
            answers[0].returned()[0],
            "{version:?}: nothing stops one call alone"
        );
    }
}

#[test]
fn what_ends_a_java_ends_all_its_calls() {
    for version in extremes() {
        for (deed, status) in [("exit", 439), ("eat", 434)] {
            let function = spec(version).deploy(&client());
            for answer in function.invoke_together(&meeting(&["sleep", deed, "sleep", "sleep"])) {
                assert_eq!(answer.status, status, "{version:?} {deed}: {answer:?}");
            }
            let after = function.invoke(&meeting(&["answer"])[0]);
            assert_eq!(after.status, 200, "{version:?} {deed}");
        }
    }
}
