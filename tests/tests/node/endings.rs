//! How calls fail, and what is said of it.

use serde_json::json;
use skiff_tests::{Answer, Package};

use crate::world::{VERSIONS, Version, client, deploy, node, run};

fn stack(answer: &Answer, version: Version) -> &str {
    assert_eq!(
        (answer.status, answer.error_message()),
        (430, "user code exception caught"),
        "{version:?} {answer:?}"
    );
    answer.ret["stackTrace"].as_str().expect("a stack")
}

#[test]
fn what_a_handler_throws_comes_with_its_stack_and_without_the_platforms_frames() {
    for version in VERSIONS {
        let answer = run(version, "throwing", json!({}));
        let stack = stack(&answer, version);
        let lines: Vec<&str> = stack.lines().collect();
        assert_eq!(lines[0], "RangeError: too deep: ü", "{version:?}");
        assert!(
            lines[1].starts_with("    at deeper (/var/user/index.js:"),
            "{version:?} {stack}"
        );
        for line in &lines[1..] {
            assert!(line.contains("/var/user/index.js:"), "{version:?} {stack}");
        }
        assert_eq!(answer.result["ErrMsg"], json!("RangeError: too deep: ü"), "{version:?}");
    }
}

#[test]
fn every_way_to_fail_is_the_users_error_and_the_instance_lives_on() {
    for version in VERSIONS {
        for (case, begins, contains) in [
            ("error", "TypeError: by callback\n", "/var/user/index.js"),
            ("text", "only a text", ""),
            ("object", "{\"code\":7}", ""),
            ("failing", "by fail", ""),
            ("circular", "The handler's result is not JSON:\nTypeError: ", "ircular"),
            ("uncaught", "RangeError: too deep", "/var/user/index.js"),
            ("unhandled", "RangeError: nobody listens", "/var/user/index.js"),
        ] {
            let answer = run(version, case, json!({}));
            let stack = stack(&answer, version);
            assert!(
                stack.starts_with(begins) && stack.contains(contains),
                "{version:?} {case}: {stack}"
            );
            assert!(!stack.contains("/var/runtime"), "{version:?} {case}: {stack}");
        }
        assert_eq!(
            run(version, "listened", json!({})).returned(),
            &json!("too deep: ü"),
            "{version:?}"
        );
    }
}

#[test]
fn an_error_that_is_no_text_is_the_users_with_what_can_be_told_and_the_instance_lives_on() {
    for version in VERSIONS {
        let function = deploy(version, include_str!("cases.js"));
        for (failed, (case, begins)) in [
            ("halfThrown", "RangeError: half \u{fffd} of 😀\n    at "),
            ("halfCalledBack", "RangeError: half \u{fffd} of 😀\n    at "),
            ("halfText", "half \u{fffd} of 😀"),
            ("halfUncaught", "RangeError: half \u{fffd} of 😀\n    at "),
            ("halfUnhandled", "RangeError: half \u{fffd} of 😀\n    at "),
            ("speechless", "undefined"),
        ]
        .into_iter()
        .enumerate()
        {
            let answer = function.invoke(&json!({ "case": case }));
            let stack = stack(&answer, version);
            assert!(stack.starts_with(begins), "{version:?} {case}: {stack}");
            let calls = function.invoke(&json!({"case": "count"}));
            assert_eq!(calls.returned(), &json!(failed + 1), "{version:?} {case}");
        }
    }
}

#[test]
fn a_process_that_exits_is_439_with_all_it_wrote_and_the_next_call_is_answered() {
    for version in VERSIONS {
        let function = deploy(version, include_str!("cases.js"));
        let answer = function.invoke(&json!({"case": "exit"}));
        assert_eq!(answer.status, 439, "{version:?} {answer:?}");
        assert!(answer.log.contains("exit code 3"), "{version:?} {}", answer.log);
        let flood = function.invoke(&json!({"case": "flood"}));
        assert_eq!(flood.status, 439, "{version:?}");
        assert!(flood.log.contains("line 1999 xxx"), "{version:?} {}", flood.log);
        assert_eq!(
            function.invoke(&json!({"case": "count"})).returned(),
            &json!(1),
            "{version:?}"
        );
    }
}

#[test]
fn a_call_over_its_time_is_433_whatever_it_waits_for() {
    for version in VERSIONS {
        for body in ["while (true);", "setInterval(() => undefined, 10);"] {
            let code = format!("exports.main_handler = (event, context, callback) => {{ {body} }};");
            let function = node(version, Package::default().file("index.js", code.as_bytes())).with("Timeout", 1);
            let answer = function.deploy(&client()).invoke(&json!({}));
            assert_eq!(answer.status, 433, "{version:?} {body} {answer:?}");
        }
    }
}

#[test]
fn what_is_wrong_with_a_module_is_said_when_it_is_loaded() {
    for version in VERSIONS {
        for (code, status, contains) in [
            ("exports.other = 1;", 437, "index.js has no function main_handler"),
            (
                "exports.main_handler = 1;",
                437,
                "index.js has something that is no function: main_handler",
            ),
            ("module.exports = null;", 437, "index.js has no function main_handler"),
            ("require('./missing');", 443, "Cannot find module './missing'"),
            ("throw new TypeError('loading');", 443, "TypeError: loading"),
            (
                "throw new TypeError('half \\ud83d of \\ud83d\\ude00');",
                443,
                "TypeError: half \u{fffd} of 😀\\n    at ",
            ),
            ("exports.main_handler = () => {{;", 443, "SyntaxError"),
        ] {
            let answer = deploy(version, code).invoke(&json!({}));
            let said = answer.ret.to_string();
            assert_eq!(answer.status, status, "{version:?} {code}: {answer:?}");
            assert!(said.contains(contains), "{version:?} {code}: {said}");
            assert!(!said.contains("/var/runtime/node"), "{version:?} {code}: {said}");
        }
    }
}
