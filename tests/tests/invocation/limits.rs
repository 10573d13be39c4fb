//! Quotas: calls beyond them are answered at once, with the documented status.

use std::thread;

use serde_json::json;
use skiff_tests::{Mark, Settings, Spec};

use crate::common::{Held, holding};

#[test]
fn a_call_beyond_the_functions_concurrency_is_throttled_and_the_next_is_not() {
    let server = Settings::default().flag("--function-concurrency", "2").start();
    let client = server.client();
    let function = holding("calls").deploy(&client);
    let other = holding("calls").deploy(&client);
    thread::scope(|scope| {
        let held = [(); 2].map(|()| Held::new(scope, &client, &function.name));
        for _ in 0..3 {
            let answer = function.invoke(&json!({}));
            let message = format!(
                "Function [{}] concurrency exceeded reserved quota 256 MB",
                function.name
            );
            assert_eq!((answer.status, answer.error_message()), (432, message.as_str()));
            assert_eq!(answer.result["InvokeResult"], -1);
            let keys: Vec<_> = answer.ret.as_object().expect("an object").keys().cloned().collect();
            assert_eq!(keys, ["errorCode", "errorMessage", "requestId", "statusCode"]);
            let refused = client.gateway_invoke(&function.name, b"{}");
            assert_eq!(refused.status, 429, "{refused:?}");
        }
        assert_eq!(other.invoke(&json!({})).returned(), 1, "another function has its own");
        for held in held {
            assert_eq!(held.release().returned(), 1);
            function.invoke(&json!({})).returned();
        }
    });
}

#[test]
fn a_call_beyond_the_accounts_memory_is_throttled_whatever_the_function() {
    let server = Settings::default().flag("--concurrency-memory", "256").start();
    let client = server.client();
    let small = holding("calls").deploy(&client);
    let large = holding("calls").with("MemorySize", 256).deploy(&client);
    thread::scope(|scope| {
        let held = Held::new(scope, &client, &small.name);
        let answer = large.invoke(&json!({}));
        let message = format!(
            "Function [{}] concurrency exceeded region unreserved quota 256 MB",
            large.name
        );
        assert_eq!((answer.status, answer.error_message()), (432, message.as_str()));
        assert_eq!(small.invoke(&json!({})).returned(), 1, "there is room for a small one");
        held.release().returned();
        assert_eq!(large.invoke(&json!({})).returned(), 1);
    });
}

#[test]
fn an_instance_has_the_memory_of_its_own_function_whatever_the_last_one_had() {
    let server = Settings::default()
        .flag("--pool-min", "1")
        .flag("--pool-max", "2")
        .start();
    let client = server.client();
    let takes = |mb: u32| format!("def main_handler(event, context):\n    return len(b'x' * ({mb} << 20)) >> 20\n");
    let small = || Spec::python(&takes(150)).with("MemorySize", 64).deploy(&client);
    let large = || Spec::python(&takes(150)).with("MemorySize", 256).deploy(&client);
    // More of each than there are stem cells that were born before it.
    for _ in 0..2 {
        for _ in 0..3 {
            assert_eq!(small().invoke(&json!({})).status, 434);
        }
        for _ in 0..3 {
            assert_eq!(large().invoke(&json!({})).returned(), 150);
        }
    }
}

#[test]
fn events_beyond_their_memory_are_throttled_and_what_was_let_in_is_served() {
    let server = Settings::default().flag("--event-memory", "8").start();
    let client = server.client();
    let (function, other) = (holding("calls").deploy(&client), holding("calls").deploy(&client));
    let filled = "x".repeat(5 << 20);
    let large = json!({"filled": filled});
    let mark = Mark::default();
    let event = json!({"mark": mark.as_str(), "filled": filled});
    thread::scope(|scope| {
        let held = scope.spawn(|| function.invoke(&event));
        mark.appeared();
        let answer = other.invoke(&large);
        let size = large.to_string().len();
        let message = format!(
            "No room for an event of {size} bytes: those of the calls under way may take 8 MB in all; try again later"
        );
        assert_eq!((answer.status, answer.error_message()), (429, message.as_str()));
        let refused = client.gateway_invoke(&other.name, large.to_string().as_bytes());
        assert_eq!(
            (refused.status, &refused.json()["code"]),
            (429, &json!("ResourceLimit"))
        );
        assert_eq!(other.invoke(&json!({})).returned(), 1, "a small one is let in");
        mark.release();
        assert_eq!(held.join().expect("the call's thread").returned(), 1);
        assert_eq!(other.invoke(&large).returned(), 2, "there is room again");
    });
}

#[test]
fn where_all_sandboxes_are_in_use_what_waits_for_nobody_gives_way() {
    let server = Settings::default().flag("--sandboxes-max", "4").start();
    let client = server.client();
    let public = json!({"PublicNetStatus": "ENABLE", "EipConfig": {"EipStatus": "DISABLE"}});
    let within = [
        ("PublicNetConfig", public),
        (
            "PublicNetConfig",
            json!({"PublicNetStatus": "DISABLE", "EipConfig": {"EipStatus": "DISABLE"}}),
        ),
        ("VpcConfig", json!({"VpcId": "none", "SubnetId": ""})),
    ];
    // Each network's stem cells, and what is ready for them to be made of, would take all there are.
    let functions = within.map(|(name, network)| {
        let spec = Spec::python("def main_handler(event, context): return 'served'").with(name, network);
        spec.deploy(&client)
    });
    for _ in 0..2 {
        for function in &functions {
            assert_eq!(function.invoke(&json!({})).returned(), "served");
        }
    }
}
