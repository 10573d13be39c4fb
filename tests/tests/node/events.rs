//! Events in, results out, and what lives between two calls.

use serde_json::{Value, json};
use skiff_tests::Package;

use crate::world::{VERSIONS, client, deploy, node, run, with_promises};

#[test]
fn every_version_answers_by_its_callback_now_or_later() {
    for version in VERSIONS {
        for (case, result) in [
            ("later", json!("later")),
            ("never", Value::Null),
            ("nothing", Value::Null),
            ("twice", json!("first")),
            ("done", json!("by done")),
            ("contextual", json!({"same": true})),
        ] {
            assert_eq!(run(version, case, json!({})).returned(), &result, "{version:?} {case}");
        }
    }
}

#[test]
fn every_json_value_passes_through_every_version_unchanged() {
    let values = [
        Value::Null,
        json!(true),
        json!(-1.5e-7),
        json!(9_007_199_254_740_991_u64),
        json!("snow \u{2603}, clef \u{1d11e}, nul \u{0}, line \u{2028}"),
        json!([[], {}, [null, {"": "empty"}]]),
        json!({"__proto__": {"a": 1}, "constructor": 2}),
    ];
    for version in VERSIONS {
        for value in &values {
            let answer = run(version, "echo", json!({ "value": value }));
            assert_eq!(answer.returned(), value, "{version:?}");
        }
    }
}

#[test]
fn events_and_results_of_nearly_6_mb_pass_and_larger_results_are_refused() {
    for version in VERSIONS {
        let long = "é".repeat(2_900_000);
        assert_eq!(
            run(version, "echo", json!({ "value": long })).returned(),
            &json!(long),
            "{version:?}"
        );
        assert_eq!(
            run(version, "large", json!({"length": 6_300_000})).status,
            407,
            "{version:?}"
        );
        assert_eq!(
            run(version, "echo", json!({"value": 1})).returned(),
            &json!(1),
            "{version:?}"
        );
    }
}

#[test]
fn globals_are_kept_and_the_context_is_the_documented_one() {
    for version in VERSIONS {
        let function = deploy(version, include_str!("cases.js"));
        for call in 1..=3 {
            assert_eq!(
                function.invoke(&json!({"case": "count"})).returned(),
                &json!(call),
                "{version:?}"
            );
        }
        let answer = function.invoke(&json!({"case": "context"}));
        let context = answer.returned();
        let mut keys: Vec<&str> = context
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect();
        let mut expected = vec![
            "memory_limit_in_mb",
            "time_limit_in_ms",
            "request_id",
            "environment",
            "environ",
            "function_version",
            "function_name",
            "namespace",
            "tencentcloud_region",
            "tencentcloud_appid",
            "tencentcloud_uin",
        ];
        keys.sort_unstable();
        expected.sort_unstable();
        assert_eq!(keys, expected, "{version:?}");
        assert_eq!(context["request_id"], json!(answer.request_id()));
    }
}

#[test]
fn a_promise_is_the_answer_from_node_8_on_and_the_callback_is_then_ignored() {
    let code = "
        const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
        exports.main_handler = async (event, context, callback) => {
            callback(null, 'by callback');
            await wait(5);
            if (event.fail) throw new TypeError('by promise');
            if (event.reject) return Promise.reject('a text');
            if (event.hangs) return new Promise(() => undefined);
            return event.value;
        };";
    for version in with_promises() {
        let function = deploy(version, code);
        assert_eq!(
            function.invoke(&json!({"value": {"a": [1]}})).returned(),
            &json!({"a": [1]}),
            "{version:?}"
        );
        assert_eq!(function.invoke(&json!({})).returned(), &Value::Null, "{version:?}");
        assert_eq!(
            function.invoke(&json!({"hangs": true})).returned(),
            &Value::Null,
            "{version:?}"
        );
        let failed = function.invoke(&json!({"fail": true}));
        assert_eq!(failed.status, 430, "{version:?}");
        let stack = failed.ret["stackTrace"].as_str().expect("a stack");
        assert!(
            stack.starts_with("TypeError: by promise\n    at ") && stack.contains("/var/user/index.js:6"),
            "{version:?} {stack}"
        );
        let rejected = function.invoke(&json!({"reject": true}));
        assert_eq!(rejected.ret["stackTrace"], json!("a text"), "{version:?}");
    }
}

#[test]
fn the_example_greets() {
    let function = deploy(VERSIONS[6], include_str!("../../../examples/hello-node/index.js"));
    let answer = function.invoke(&json!({"name": "you"}));
    assert_eq!(answer.returned()["message"], json!("Hello, you!"));
    assert!(answer.log.contains("\tgreeting you\n"), "{}", answer.log);
}

#[test]
fn on_node_6_what_a_handler_returns_means_nothing() {
    let code = "exports.main_handler = (event, context, callback) =>
        Promise.resolve().then(() => callback(null, 'by callback')).then(() => 'by promise');";
    let function = deploy(VERSIONS[0], code);
    assert_eq!(function.invoke(&json!({})).returned(), &json!("by callback"));
}

#[test]
fn children_servers_and_files_work_in_every_version() {
    for version in VERSIONS {
        let child = run(version, "child", json!({}));
        let child = child.returned();
        assert_eq!(child["said"], json!("/bin/sh /var/user\nqcloud\n"), "{version:?}");
        let source = include_str!("cases.js").chars().count();
        assert_eq!(child["bytes"], json!(source), "{version:?}");
        let fork = run(version, "fork", json!({}));
        assert_eq!(fork.returned()["child"], fork.returned()["own"], "{version:?}");
        assert_eq!(
            run(version, "server", json!({})).returned(),
            &json!("from a server"),
            "{version:?}"
        );
        let bytes = include_str!("cases.js").len();
        assert_eq!(
            run(version, "files", json!({})).returned(),
            &json!(bytes),
            "{version:?}"
        );
    }
}

#[test]
fn a_handler_may_stand_in_a_folder_and_be_a_method() {
    let package = || {
        let code = b"class Service { constructor() { this.word = 'mine'; } run(event, context, done) { done(null, this.word); } }
            module.exports = new Service();";
        Package::default().file("src/service.js", code)
    };
    for version in VERSIONS {
        let function = node(version, package())
            .with("Handler", "src/service.run")
            .deploy(&client());
        assert_eq!(function.invoke(&json!({})).returned(), &json!("mine"), "{version:?}");
    }
}
