//! How calls fail, and what is said of it.

use serde_json::json;
use skiff_tests::Answer;

use crate::world::{Cases, Version, client, deploy, python, run, versions};

fn stack(answer: &Answer, version: Version) -> &str {
    assert_eq!(
        (answer.status, answer.error_message()),
        (430, "user code exception caught"),
        "{version:?} {answer:?}"
    );
    answer.ret["stackTrace"].as_str().expect("a stack")
}

#[test]
fn exceptions_come_with_their_trace_and_without_the_platforms_frames_in_every_python() {
    for version in versions() {
        let answer = run(*version, Cases::Common, "throwing", json!({}));
        let stack = stack(&answer, *version);
        assert!(
            stack.starts_with("Traceback (most recent call last):\n"),
            "{version:?} {stack}"
        );
        assert!(stack.ends_with("\nKeyError: 7"), "{version:?} {stack}");
        let frames: Vec<&str> = stack.lines().filter(|line| line.starts_with("  File ")).collect();
        assert_eq!(frames.len(), 3, "{version:?} {stack}");
        for (frame, function) in frames.iter().zip(["main_handler", "throwing", "deeper"]) {
            let whole = frame.starts_with("  File \"/var/user/index.py\", line ") && frame.ends_with(function);
            assert!(whole, "{version:?} {stack}");
        }
        assert!(stack.contains("\n    return {}[number]\n"), "{version:?} {stack}");
        assert_eq!(answer.result["ErrMsg"], json!("KeyError: 7"), "{version:?}");
    }
}

#[test]
fn causes_are_told_in_every_python_3() {
    for version in versions().iter().filter(|version| version.major == 3) {
        let answer = run(*version, Cases::Modern, "chained", json!({}));
        let stack = stack(&answer, *version);
        for part in [
            "KeyError: 'first'\n",
            "The above exception was the direct cause of the following exception:",
            "RuntimeError: zweitens: ü",
        ] {
            assert!(stack.contains(part), "{version:?} {stack}");
        }
        assert!(!stack.contains("/var/runtime"), "{version:?} {stack}");
    }
}

#[test]
fn what_a_handler_raises_beyond_exceptions_is_its_error_too_and_the_instance_lives_on_in_every_python_3() {
    for version in versions().iter().filter(|version| version.major == 3) {
        // Its own, as other tests would take the instance away.
        let function = python(*version, Cases::Modern.package()).deploy(&client());
        let process = || function.invoke(&json!({"case": "process"}));
        let before = process().returned().clone();
        for (kind, ends) in [
            ("cancelled", "CancelledError"),
            ("generator", "GeneratorExit: beyond"),
            ("own", "Own: beyond"),
        ] {
            let answer = function.invoke(&json!({"case": "beyond", "kind": kind}));
            assert!(stack(&answer, *version).ends_with(ends), "{version:?} {answer:?}");
        }
        assert_eq!(process().returned(), &before, "{version:?}");
    }
}

#[test]
fn an_error_that_is_no_text_is_the_users_with_what_can_be_told_and_the_instance_lives_on_in_every_python_3() {
    for version in versions().iter().filter(|version| version.major == 3) {
        // Its own, as other tests would take the instance away.
        let function = python(*version, Cases::Modern.package()).deploy(&client());
        let process = || function.invoke(&json!({"case": "process"}));
        let before = process().returned().clone();
        for (event, ends) in [
            // An event may name half of a surrogate pair.
            (
                r#"{"case": "half", "text": "half \ud83d of \ud83d\ude00"}"#,
                "\nValueError: half \u{fffd} of 😀",
            ),
            (
                r#"{"case": "undecoded"}"#,
                "\nOSError: cannot convert r\u{fffd}sum\u{fffd}.pdf",
            ),
        ] {
            let params = json!({"FunctionName": function.name, "ClientContext": event, "LogType": "Tail"});
            let answer = Answer::read(&client().call("Invoke", params).expect("an answer"));
            let stack = stack(&answer, *version);
            assert!(
                stack.starts_with("Traceback (most recent call last):\n") && stack.ends_with(ends),
                "{version:?} {stack}"
            );
            assert_eq!(process().returned(), &before, "{version:?}");
        }
        let loading = deploy(*version, "raise ValueError('half \\ud83d')\n").invoke(&json!({}));
        let stack = loading.ret["stackTrace"].as_str().expect("a stack");
        assert_eq!(loading.status, 443, "{version:?} {loading:?}");
        assert!(
            stack.contains("line 1, in <module>") && stack.ends_with("\nValueError: half \u{fffd}"),
            "{version:?} {stack}"
        );
    }
}

#[test]
fn what_is_no_json_and_what_does_not_load_is_the_users_error_in_every_python() {
    for version in versions() {
        let answer = run(*version, Cases::Common, "no_json", json!({}));
        let text = stack(&answer, *version).to_owned();
        assert!(
            text.starts_with("The handler's result is not JSON:\nTypeError: "),
            "{version:?} {text}"
        );
        assert_eq!(
            run(*version, Cases::Common, "echo", json!({"value": 1})).returned(),
            &json!(1)
        );
        for (code, begins, contains) in [
            (
                "def main_handler(event, context)\n",
                "SyntaxError",
                "index.py\", line 1",
            ),
            ("import absent\n", "", "absent"),
            (
                "def f():\n    raise ValueError('early')\n\nf()\n",
                "ValueError: early",
                "line 4, in <module>",
            ),
            (
                "class Own(BaseException):\n    pass\n\nraise Own('early')\n",
                "",
                "Own: early",
            ),
        ] {
            let answer = deploy(*version, code).invoke(&json!({}));
            let text = answer.ret["stackTrace"].as_str().expect("a stack");
            let last = text.lines().last().expect("a line");
            assert!(
                last.starts_with(begins) && text.contains(contains),
                "{version:?} {answer:?}"
            );
            assert!(
                !text.contains("/var/runtime") && !text.contains("importlib"),
                "{version:?} {text}"
            );
        }
    }
}

#[test]
fn a_process_that_exits_is_439_with_what_it_wrote_in_every_python() {
    for version in versions() {
        let answer = run(*version, Cases::Common, "leaving", json!({}));
        assert_eq!(answer.status, 439, "{version:?} {answer:?}");
        assert!(answer.log.contains("last words\n"), "{version:?} {}", answer.log);
        assert_eq!(
            run(*version, Cases::Common, "echo", json!({"value": 1})).returned(),
            &json!(1)
        );
    }
}
