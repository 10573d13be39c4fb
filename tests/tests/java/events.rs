//! Events in, results out, and what lives between two calls.

use serde_json::json;

use crate::world::{deploy, run, versions};

#[test]
fn an_instance_keeps_its_class_and_its_object() {
    for &version in versions() {
        let function = deploy(version, "Cases::main");
        for call in 1..=3 {
            assert_eq!(
                function.invoke(&json!({"case": "count"})).returned(),
                &json!([1, call]),
                "{version:?}"
            );
        }
        let answer = function.invoke(&json!({"case": "context"}));
        assert_eq!(
            answer.returned(),
            &json!([answer.request_id(), 20_000, 256]),
            "{version:?}"
        );
    }
}

#[test]
fn events_and_results_of_nearly_6_mb_pass_and_larger_results_are_refused_in_java() {
    for &version in versions() {
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
fn lambdas_streams_threads_children_encodings_and_tls_work_in_every_version() {
    for &version in versions() {
        let answer = run(version, "language", json!({}));
        let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let expected = json!([
            1_001_000,
            "later",
            digest,
            "%C3%BC+%26",
            true,
            "tmp",
            36,
            "1.50",
            "2026-01-31"
        ]);
        assert_eq!(answer.returned(), &expected, "{version:?}");
    }
}

#[test]
fn what_a_call_does_to_its_thread_ends_with_it() {
    for &version in versions() {
        assert_eq!(
            run(version, "interrupted", json!({})).returned(),
            &json!(true),
            "{version:?}"
        );
        assert_eq!(
            run(version, "isInterrupted", json!({})).returned(),
            &json!(false),
            "{version:?}"
        );
    }
}
