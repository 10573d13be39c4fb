//! When a call ends: with its answer, or with all that it began.

use std::time::Duration;

use serde_json::{Value, json};
use skiff_tests::{Function, Mark, eventually};

use crate::world::{VERSIONS, deploy};

fn ask(function: &Function, case: &str, waits: bool) -> Value {
    function
        .invoke(&json!({"case": case, "waits": waits}))
        .returned()
        .clone()
}

#[test]
fn before_node_10_a_call_lasts_until_nothing_is_left_unless_it_says_otherwise() {
    for version in VERSIONS.into_iter().filter(|version| version.0 < 10) {
        let function = deploy(version, include_str!("cases.js"));
        assert_eq!(
            ask(&function, "leave", true),
            json!(0),
            "{version:?}: the answer is that of the callback"
        );
        assert_eq!(
            ask(&function, "left", false),
            json!(1),
            "{version:?}: the timer had gone off when it was given"
        );
    }
}

#[test]
fn from_node_10_on_the_answer_ends_a_call_and_what_is_left_goes_on() {
    for version in VERSIONS.into_iter().filter(|version| version.0 >= 10) {
        let function = deploy(version, include_str!("cases.js"));
        assert_eq!(ask(&function, "leave", true), json!(0), "{version:?}");
        // Each look is a call that stops the loop again, so only one that waits is sure to see it.
        let seen = eventually(Duration::from_secs(30), "the timer to go off", || {
            let left = ask(&function, "leftSoon", false);
            (left != json!(0)).then_some(left)
        });
        assert_eq!(seen, json!(1), "{version:?}");
    }
}

#[test]
fn what_a_call_leaves_that_does_not_wait_stands_still_until_the_next() {
    for version in VERSIONS {
        let function = deploy(version, include_str!("cases.js"));
        assert_eq!(ask(&function, "leave", false), json!(0), "{version:?}");
        assert_eq!(
            ask(&function, "leftSoon", false),
            json!(1),
            "{version:?}: it went on in the next call"
        );
    }
}

#[test]
fn a_process_that_exits_between_two_calls_is_replaced_and_fails_none() {
    let code = "
        const childProcess = require('child_process');
        let calls = 0;
        exports.main_handler = (event, context, callback) => {
            if (event.mark) {
                childProcess.spawn('/bin/sleep', [event.mark], { stdio: 'ignore' });
                setTimeout(() => process.exit(0), 50);
            }
            callback(null, (calls += 1));
        };";
    for version in VERSIONS.into_iter().filter(|version| version.0 >= 10) {
        let function = deploy(version, code);
        // What it started ends with it.
        let mark = Mark::default();
        function.invoke(&json!({"mark": mark.as_str()})).returned();
        mark.vanished();
        assert_eq!(function.invoke(&json!({})).returned(), &json!(1), "{version:?}");
    }
}

#[test]
fn events_come_while_what_was_left_goes_on() {
    let code = "
        let ticks = 0;
        setInterval(() => { ticks += 1; }, 1);
        exports.main_handler = (event, context, callback) => { callback(null, ticks); };";
    for version in VERSIONS.into_iter().filter(|version| version.0 >= 10) {
        let function = deploy(version, code);
        let first = function.invoke(&json!({})).returned().as_u64().expect("a number");
        eventually(Duration::from_secs(30), "the interval to go on", || {
            let now = function.invoke(&json!({})).returned().as_u64().expect("a number");
            (now > first + 5).then_some(())
        });
    }
}
