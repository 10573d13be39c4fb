//! Results that are none: too large, too deep, not JSON.

use serde_json::json;

use crate::arena::{Attacker, attack};

#[test]
fn a_result_that_is_not_json_is_the_users_error_and_costs_no_instance() {
    let attacker = Attacker::new(attack("returns_oddly").with("MemorySize", 256));
    for (what, error) in [
        ("set", "TypeError: Object of type set is not JSON serializable"),
        ("object", "TypeError: Object of type NotJson is not JSON serializable"),
        ("bytes", "TypeError"),
        ("complex", "TypeError"),
        ("generator", "TypeError"),
        ("tuple key", "TypeError"),
        ("circle", "ValueError"),
        ("nan", "ValueError"),
        ("infinity", "ValueError"),
        ("surrogate", "UnicodeEncodeError"),
        ("deep", "RecursionError"),
    ] {
        let answer = attacker.strikes(&json!({ "what": what }));
        assert_eq!(
            (answer.status, answer.error_message()),
            (430, "user code exception caught"),
            "{what}"
        );
        let trace = answer.ret["stackTrace"].as_str().unwrap_or_default();
        assert!(
            trace.starts_with("The handler's result is not JSON:\n") && !trace.contains("bootstrap.py"),
            "{what}: {trace}"
        );
        assert!(
            trace.lines().last().is_some_and(|line| line.starts_with(error)),
            "{what}: {trace}"
        );
        assert_eq!(attacker.strikes(&json!({"what": "nothing odd"})).returned(), "plain");
    }
}

#[test]
fn a_result_over_6_mb_is_refused_and_the_instance_lives_on() {
    let attacker = Attacker::new(attack("returns_much").with("MemorySize", 1024));
    // Two quotes come on top.
    let most = 6 * 1024 * 1024 - 2;
    assert_eq!(
        attacker
            .strikes(&json!({ "bytes": most }))
            .returned()
            .as_str()
            .map(str::len),
        Some(most)
    );
    for bytes in [most + 1, 64 << 20] {
        let answer = attacker.strikes(&json!({ "bytes": bytes }));
        let expected = (407, "size of response exceeds the upper limit (6MB)");
        assert_eq!((answer.status, answer.error_message()), expected, "{bytes}");
        assert_eq!(attacker.strikes(&json!({"bytes": 1})).returned(), "x");
    }
}
