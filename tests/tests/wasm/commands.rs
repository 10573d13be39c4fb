//! Commands: what they are given, what they give, and how they end.

use serde_json::json;

use crate::world::{TARGETS, ask, client, command, commands, failed, parsed};

#[test]
fn an_event_is_the_input_of_a_command_and_what_it_writes_its_result() {
    for (target, function) in commands() {
        let event = json!({"text": "处理 ü", "list": [1, 2.5, null]});
        let answer = function.invoke(&event);
        assert_eq!(parsed(&answer), event, "{target}");
        let bytes = serde_json::to_vec(&event).expect("JSON").len();
        assert!(
            answer.log.contains(&format!("{bytes} bytes came\n")),
            "{target} {}",
            answer.log
        );
        // Whatever it writes, JSON or not.
        let answer = ask(function, "surroundings");
        let told = r#"["main.wasm"] true Ok("ü")"#;
        assert_eq!((answer.status, answer.ret_text.as_str()), (200, told), "{target}");
        let answer = ask(function, "context");
        let context = parsed(&answer);
        assert_eq!(context["request_id"], json!(answer.request_id()), "{target}");
        assert_eq!(context["function_name"], json!(function.name), "{target}");
        assert_eq!(ask(function, "write 0").ret_text, "", "{target}");
    }
}

#[test]
fn events_and_results_of_a_command_may_have_6_mb() {
    for (target, function) in commands() {
        let text = "x".repeat((6 << 20) - 100);
        let answer = function.invoke(&json!(text));
        assert_eq!(
            (answer.status, answer.ret_text.len()),
            (200, text.len() + 2),
            "{target}"
        );
        assert_eq!(ask(function, &format!("write {}", 6 << 20)).status, 200, "{target}");
        let answer = ask(function, &format!("write {}", (6 << 20) + 1));
        assert_eq!(answer.status, 407, "{target} {answer:?}");
        assert!(answer.log.contains("6291457 bytes"), "{target} {}", answer.log);
    }
}

#[test]
fn a_trap_of_a_command_is_the_users_error_with_its_stack_and_the_next_event_is_answered() {
    for (target, function) in commands() {
        let answer = ask(function, "trap four");
        let (status, stack) = failed(&answer);
        assert_eq!(status, 430, "{target} {answer:?}");
        assert!(
            stack.starts_with("wasm trap: wasm `unreachable` instruction executed\n"),
            "{target} {stack}"
        );
        for named in ["]::inner\n", "]::outer\n", "command.rs:"] {
            assert!(stack.contains(named), "{target} {named}: {stack}");
        }
        assert_eq!(ask(function, "still").ret_text, "\"still\"", "{target}");
    }
}

#[test]
fn a_command_that_exits_with_a_status_has_failed_unless_it_is_0() {
    for (target, function) in commands() {
        assert_eq!(ask(function, "exit 0").status, 200, "{target}");
        let answer = ask(function, "exit 3");
        // WASI 0.2 knows success and failure alone.
        let status = if target == "wasm32-wasip1" { 3 } else { 1 };
        let message = format!("the program exited with status {status}");
        assert_eq!(failed(&answer), (430, message.as_str()), "{target} {answer:?}");
    }
}

#[test]
fn a_command_that_takes_more_memory_or_time_than_it_has_is_stopped() {
    for target in TARGETS {
        let function = command(target)
            .with("MemorySize", 64)
            .with("Timeout", 2)
            .deploy(&client());
        let statuses = ["hog", "loop", "still"].map(|what| ask(&function, what).status);
        assert_eq!(statuses, [434, 433, 200], "{target}");
    }
}
