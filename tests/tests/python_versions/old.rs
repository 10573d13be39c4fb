//! What is Python 2's own.

use serde_json::{Value, json};
use skiff_tests::{Answer, Spec};

use crate::world::{Cases, Version, client, run, versions};

fn two() -> Option<Version> {
    versions().iter().copied().find(|version| version.major == 2)
}

fn case(case: &str, event: Value) -> Option<Answer> {
    Some(run(two()?, Cases::Old, case, event))
}

#[test]
fn texts_of_an_event_are_unicode_and_bytes_of_a_result_utf8_in_python_2() {
    let Some(answer) = case("words", json!({"name": "窗"})) else {
        return;
    };
    let long: Value = serde_json::from_str("1180591620717411303424").expect("a number");
    let expected = json!({
        "type": "unicode", "keys": ["case", "name"], "same": true, "bytes": "窗", "unicode": "窗", "long": long,
        "parts": ["ü", "ü"], "3": null,
    });
    assert_eq!(answer.returned(), &expected);
    assert!(
        answer.ret_text.contains("窗"),
        "as it is, not escaped: {}",
        answer.ret_text
    );
    let said = "said 窗\nünïcödé 窗\nto stderr\nWARNING:root:gewarnt\n";
    assert!(answer.log.contains(said), "{}", answer.log);
}

#[test]
fn what_python_2_alone_has_works_as_it_did() {
    for (name, expected) in [
        ("shell", json!([768, "1"])),
        ("decode", json!(["窗窗", "窗"])),
        ("divide", json!([3, [0, 1, 4], false, "%C3%BC"])),
    ] {
        if let Some(answer) = case(name, json!({})) {
            assert_eq!(answer.returned(), &expected, "{name}");
        }
    }
}

#[test]
fn whatever_python_2_raises_is_the_users_error_in_its_words() {
    for (name, last) in [("old_class", "Old: <__main__.Old"), ("chinese", "ValueError: 错误")] {
        let Some(answer) = case(name, json!({})) else {
            return;
        };
        let stack = answer.ret["stackTrace"].as_str().expect("a stack");
        let line = stack.lines().last().expect("a line");
        let begins = last.replace("__main__", "index");
        assert!(answer.status == 430 && line.starts_with(&begins), "{name} {answer:?}");
        assert!(!stack.contains("/var/runtime"), "{stack}");
    }
    if let Some(answer) = case("no_utf8", json!({})) {
        let stack = answer.ret["stackTrace"].as_str().expect("a stack");
        assert!(
            stack.starts_with("The handler's result is not JSON:\nUnicodeDecodeError"),
            "{answer:?}"
        );
    }
    if let Some(answer) = case("exits", json!({})) {
        assert_eq!(answer.status, 439, "{answer:?}");
    }
}

#[test]
fn a_function_of_no_runtime_is_one_of_python_2() {
    let Some(two) = two() else {
        return;
    };
    let code = "def main_handler(event, context):\n    print 'old'\n    return `1`\n";
    let function = Spec::python(code).without("Runtime").deploy(&client());
    assert_eq!(function.describe()["Runtime"], json!(two.runtime()));
    assert_eq!(function.invoke(&json!({})).returned(), &json!("1"));
}
