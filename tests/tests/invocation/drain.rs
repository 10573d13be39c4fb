//! SIGTERM: running calls are answered, new ones refused, then the server ends.

use std::process::Command;
use std::thread;

use serde_json::json;
use skiff_tests::{Server, eventually};

use crate::common::{Held, SOON, holding};

#[test]
fn a_drain_answers_what_runs_refuses_what_comes_and_ends_with_success() {
    let mut server = Server::start();
    let client = server.client();
    let function = holding("'finished'").deploy(&client);
    function.invoke(&json!({})).returned();
    thread::scope(|scope| {
        let held: Vec<_> = (0..3).map(|_| Held::new(scope, &client, &function.name)).collect();
        server.terminate();
        eventually(SOON, "the server to say that it is not ready", || {
            (!server.is_ready()).then_some(())
        });
        // A refusal, or nobody who listens: nothing new is run.
        let mut marked = json!({"FunctionName": function.name, "ClientContext": "{}"});
        marked["LogType"] = json!("Tail");
        if let Ok(Ok(answer)) = client.try_call("Invoke", &marked) {
            assert_ne!(answer["Result"]["InvokeResult"], 0, "{answer}");
        }
        for held in held {
            assert_eq!(held.release().returned(), "finished");
        }
    });
    let status = server.wait();
    assert!(status.success(), "{status}");
}

#[test]
fn a_second_signal_ends_what_a_first_one_waits_for_with_the_code_of_the_signal() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let mut server = Server::start();
        let client = server.client();
        let function = holding("'finished'").deploy(&client);
        thread::scope(|scope| {
            let mark = skiff_tests::Mark::default();
            let params =
                json!({"FunctionName": function.name, "ClientContext": json!({"mark": mark.as_str()}).to_string()});
            let caller = client.clone();
            let call = scope.spawn(move || caller.try_call("Invoke", &params));
            mark.appeared();
            server.terminate();
            eventually(SOON, "the server to say that it is not ready", || {
                (!server.is_ready()).then_some(())
            });
            let sent = Command::new("kill")
                .args(["-s", signal, &server.pid().to_string()])
                .status();
            assert!(sent.expect("kill").success());
            assert_eq!(server.wait().code(), Some(code), "SIG{signal}");
            mark.vanished();
            drop(call.join().expect("the call's thread"));
        });
    }
}
