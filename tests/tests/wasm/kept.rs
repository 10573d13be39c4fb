//! Components that are called for each event, and keep what is in their memory.

use serde_json::json;
use skiff_tests::Function;

use crate::world::{ask, client, example, failed, kept, module, parsed};

fn counts(function: &Function) -> String {
    let answer = ask(function, "count");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.ret_text
}

#[test]
fn a_component_is_called_for_each_event_and_keeps_its_globals() {
    let function = kept().deploy(&client());
    assert_eq!([1, 2, 3].map(|_| counts(&function)), ["1", "2", "3"]);
    let event = json!({"text": "处理 ü"});
    assert_eq!(parsed(&function.invoke(&event)), event);
    let answer = ask(&function, "x");
    let context = parsed(&answer);
    assert_eq!(context["request_id"], json!(answer.request_id()));
    let answer = ask(&function, "f");
    assert_eq!(failed(&answer), (430, "it broke: ü"), "{answer:?}");
    // An error is an answer like any other.
    assert_eq!(counts(&function), "4");
}

#[test]
fn events_and_results_of_a_kept_component_may_have_6_mb() {
    let function = kept().deploy(&client());
    let text = "y".repeat((6 << 20) - 100);
    for _ in 0..2 {
        let answer = function.invoke(&json!(text));
        assert_eq!((answer.status, answer.ret_text.len()), (200, text.len() + 2));
    }
}

#[test]
fn a_trap_of_a_kept_component_comes_with_its_stack_and_ends_the_instance() {
    let function = kept().deploy(&client());
    assert_eq!(counts(&function), "1");
    let answer = ask(&function, "t");
    let (status, stack) = failed(&answer);
    assert_eq!(status, 430, "{answer:?}");
    for named in ["wasm trap: wasm `unreachable` instruction executed", "!inner", "!outer"] {
        assert!(stack.contains(named), "{named}: {stack}");
    }
    assert_eq!(counts(&function), "1");
    // An exit is the end of the process, as it is everywhere.
    let answer = ask(&function, "q");
    assert_eq!(answer.status, 439, "{answer:?}");
    assert!(answer.log.contains("exit code 1"), "{}", answer.log);
    assert_eq!(counts(&function), "1");
}

#[test]
fn a_kept_component_that_takes_more_memory_or_time_than_it_has_is_stopped() {
    let function = kept().with("MemorySize", 64).with("Timeout", 2).deploy(&client());
    assert_eq!(
        ["h", "l", "count"].map(|what| ask(&function, what).status),
        [434, 433, 200]
    );
}

#[test]
fn the_example_is_built_as_it_says_and_greets_by_name() {
    let function = module(&example()).deploy(&client());
    for calls in 1..=2 {
        let answer = function.invoke(&json!({"name": "处理"}));
        assert_eq!(
            parsed(&answer),
            json!({"greeting": "Hello, 处理", "calls": calls}),
            "{answer:?}"
        );
        assert!(answer.log.contains("greeting 处理\n"), "{}", answer.log);
    }
    let answer = function.invoke(&json!(["no", "name"]));
    assert_eq!(answer.status, 430, "{answer:?}");
}
