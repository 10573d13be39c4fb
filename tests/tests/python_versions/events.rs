//! Events in, results out, and what lives between two calls.

use serde_json::{Value, json};

use crate::world::{Cases, deploy, python, run, versions};
use crate::world::{Version, client};

#[test]
fn every_json_value_passes_through_every_python_unchanged() {
    let values = [
        Value::Null,
        json!(true),
        json!(-1.5e-7),
        json!(9_007_199_254_740_993_u64),
        json!("snow \u{2603}, clef \u{1d11e}, nul \u{0}, line \u{2028}"),
        json!([[], {}, [null, {"": "empty", "ключ": "значение"}]]),
    ];
    for version in versions() {
        for value in &values {
            let answer = run(*version, Cases::Common, "echo", json!({ "value": value }));
            assert_eq!(answer.returned(), value, "{version:?}");
        }
    }
}

#[test]
fn events_and_results_of_nearly_6_mb_pass_through_every_python_and_larger_results_are_refused() {
    let long = json!("é".repeat(2_900_000));
    for version in versions() {
        let answer = run(*version, Cases::Common, "echo", json!({ "value": long }));
        assert_eq!(answer.returned(), &long, "{version:?}");
        let answer = run(*version, Cases::Common, "large", json!({"length": 6_300_000}));
        assert_eq!(answer.status, 407, "{version:?}");
        let answer = run(*version, Cases::Common, "echo", json!({"value": 1}));
        assert_eq!(answer.returned(), &json!(1), "{version:?}");
    }
}

#[test]
fn globals_are_kept_and_the_context_is_the_documented_one_in_every_python() {
    for version in versions() {
        let function = python(*version, Cases::Common.package()).deploy(&client());
        for call in 1..=3 {
            let answer = function.invoke(&json!({"case": "count"}));
            assert_eq!(answer.returned(), &json!(call), "{version:?}");
        }
        let answer = function.invoke(&json!({"case": "about"}));
        let context = answer.returned().as_object().expect("an object");
        let mut keys: Vec<&str> = context.keys().map(String::as_str).collect();
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
        assert_eq!(context["request_id"], json!(answer.request_id()), "{version:?}");
    }
}

#[test]
fn children_threads_signals_and_sockets_work_in_every_python() {
    for version in versions() {
        let child = run(*version, Cases::Common, "child", json!({"text": "seven.."}));
        let own = format!("{}.{}", version.major, version.minor);
        let expected = json!(["/bin/sh /var/user\nqcloud\n", own, 7]);
        assert_eq!(child.returned(), &expected, "{version:?}");
        for (case, expected) in [
            ("threads", json!([0, 1, 4, 9, 16, 25, 36, 49])),
            ("signals", json!([10, 14])),
            ("local_server", json!("across")),
        ] {
            let answer = run(*version, Cases::Common, case, json!({}));
            assert_eq!(answer.returned(), &expected, "{version:?} {case}");
        }
    }
}

#[test]
fn coroutines_pools_and_texts_of_every_kind_work_in_every_python_3() {
    for version in versions().iter().filter(|version| version.major == 3) {
        for (case, expected) in [
            ("awaiting", json!([[40, 0, 2, 4], "async"])),
            ("pools", json!([[0, 1, 4, 9, 16], true, 0])),
            (
                "words",
                json!({"窗": ["窗.txt"], "bytes": [0xe7, 0xaa, 0x97], "arg": "1.10", "key": {"1": null}}),
            ),
            ("traced", json!([true, 1])),
        ] {
            let answer = run(*version, Cases::Modern, case, json!({}));
            assert_eq!(answer.returned(), &expected, "{version:?} {case}");
            if case == "words" {
                assert!(
                    answer.log.contains("ünïcödé 窗 \u{1d11e}\n"),
                    "{version:?} {}",
                    answer.log
                );
            }
        }
    }
}

#[test]
fn stdout_stderr_and_children_keep_their_order_in_every_python() {
    let expected = [
        "out 1",
        "err 1",
        "out 2",
        "child",
        "written",
        "WARNING:root:logged",
        "窗 in part err 2",
        "end",
    ];
    for version in versions() {
        let answer = run(*version, Cases::Common, "output", json!({}));
        assert_eq!(answer.returned(), &Value::Null, "{version:?}");
        let lines: Vec<&str> = answer
            .log
            .lines()
            .skip_while(|line| !line.starts_with("Event "))
            .skip(1)
            .take_while(|line| !line.starts_with("END "))
            .collect();
        assert_eq!(lines, expected, "{version:?}");
    }
}

#[test]
fn a_handler_may_stand_in_a_package_of_every_python() {
    let code = "import index\n\ndef run(event, context):\n    return [__name__, index.WORD]\n";
    for version in versions() {
        let package = skiff_tests::Package::python("WORD = 'beside'\n")
            .file("jobs/__init__.py", b"")
            .file("jobs/daily.py", code.as_bytes());
        let function = python(*version, package)
            .with("Handler", "jobs.daily.run")
            .deploy(&client());
        assert_eq!(
            function.invoke(&json!({})).returned(),
            &json!(["jobs.daily", "beside"]),
            "{version:?}"
        );
    }
}

#[test]
fn two_instances_draw_different_numbers_in_every_python() {
    let two = |version: Version, cases: Cases, case: &str| {
        // Both are forks of one process.
        let functions = [(); 2].map(|()| python(version, cases.package()).deploy(&client()));
        functions.map(|function| function.invoke(&json!({"case": case})).returned().clone())
    };
    for version in versions() {
        let [one, other] = two(*version, Cases::Common, "draws");
        let names = one.as_object().expect("an object").keys();
        let same: Vec<_> = names.filter(|name| one[*name] == other[*name]).collect();
        assert!(same.is_empty(), "{version:?} {same:?}: {one}");
        if version.major == 3 {
            let [one, other] = two(*version, Cases::Modern, "token");
            assert_ne!(one, other, "{version:?}");
        }
    }
}

#[test]
fn a_function_over_its_time_and_one_without_its_handler_are_told_so_in_every_python() {
    for version in versions() {
        let code = "import time\n\ndef main_handler(event, context):\n    time.sleep(60)\n";
        let function = python(*version, skiff_tests::Package::python(code))
            .with("Timeout", 1)
            .deploy(&client());
        assert_eq!(function.invoke(&json!({})).status, 433, "{version:?}");
        let function = deploy(*version, "def other(event, context):\n    pass\n");
        let answer = function.invoke(&json!({}));
        assert_eq!(answer.status, 437, "{version:?} {answer:?}");
        let function = deploy(*version, "main_handler = 7\n");
        assert_eq!(function.invoke(&json!({})).status, 437, "{version:?}");
    }
}
