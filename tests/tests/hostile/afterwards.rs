//! What outlives a call does not outlive its instance, computes for nobody, and is gone with the server.

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::json;
use skiff_tests::{Function, Mark, Sandboxed, Server, cgroups, eventually, exists, sandboxed};

use crate::arena::{Attacker, all_is_well, attack, witness, witnessed};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn a_process_left_behind_ends_with_its_function() {
    for handler in ["leaves_a_process", "leaves_a_daemon"] {
        let mark = Mark::default();
        let attacker = Attacker::new(attack(handler));
        assert_eq!(attacker.strikes(&json!({ "mark": mark.as_str() })).returned(), "left");
        let left = mark.appeared();
        assert!(exists(left));
        drop(attacker);
        mark.vanished();
        all_is_well();
    }
}

#[test]
fn a_process_left_behind_ends_with_its_instance_when_a_call_runs_out_of_time() {
    let mark = Mark::default();
    let function = Attacker::new(attack("leaves_a_process"));
    function.strikes(&json!({ "mark": mark.as_str() }));
    mark.appeared();
    // Another event of the same instance, which it cannot answer.
    let answer = function.strikes(&json!({}));
    assert_eq!(answer.status, 430, "an event without a mark is an error");
    function.function().configure(json!({"Timeout": 5}));
    mark.vanished();
}

#[test]
fn an_instance_that_runs_out_of_memory_while_idle_is_replaced() {
    let mark = Mark::default();
    let attacker = Attacker::new(attack("eats_while_idle").with("MemorySize", 64));
    assert_eq!(attacker.strikes(&json!({"n": 0, "mark": mark.as_str()})).returned(), 0);
    // It may be frozen before it has eaten enough, and a call may reach what is about to end: then the next goes on.
    let replaced = || {
        let answer = attacker.strikes(&json!({"n": 1}));
        assert!(
            matches!(answer.status, 434 | 439) || answer.ret == 1,
            "{}",
            answer.ret_text
        );
        mark.bearers().is_empty().then_some(())
    };
    eventually(SOON, "the instance to end", replaced);
    assert_eq!(attacker.strikes(&json!({"n": 2})).returned(), 2);
}

#[test]
fn what_computes_between_calls_is_frozen_and_goes_on_with_the_next() {
    let mark = Mark::default();
    let attacker = Attacker::new(attack("leaves_a_computation"));
    assert_eq!(attacker.strikes(&json!({ "mark": mark.as_str() })).returned(), "left");
    let thief = mark.appeared();
    eventually(SOON, "the instance to be frozen", || is_frozen(thief).then_some(()));
    assert_eq!(
        attacker.strikes(&json!({})).returned(),
        &json!(null),
        "it still runs, as nobody killed it"
    );
    eventually(SOON, "the instance to be frozen again", || {
        is_frozen(thief).then_some(())
    });
    drop(attacker);
    eventually(SOON, "a frozen process to end with its function", || {
        (!exists(thief)).then_some(())
    });
}

/// Whether a control group of the process is frozen, on version 1 or 2.
fn is_frozen(pid: u32) -> bool {
    cgroups(pid).iter().any(|folder| {
        let says = |file: &str, text: &str| {
            fs::read_to_string(format!("{folder}/{file}")).is_ok_and(|content| content.lines().any(|line| line == text))
        };
        says("freezer.state", "FROZEN") || says("cgroup.events", "frozen 1")
    })
}

#[test]
fn a_stopped_server_leaves_nothing_of_its_hostile_functions_behind() {
    let server = Server::start();
    let client = server.client();
    let witness = witness(&client);
    let mark = Mark::default();
    let bomb = attack("fork_bomb").with("Timeout", 2).deploy(&client);
    let attackers: Vec<(Function, serde_json::Value)> = vec![
        (
            attack("leaves_a_process").deploy(&client),
            json!({ "mark": mark.as_str() }),
        ),
        (
            attack("leaves_a_daemon").deploy(&client),
            json!({ "mark": mark.as_str() }),
        ),
        (
            attack("leaves_a_computation").deploy(&client),
            json!({ "mark": mark.as_str() }),
        ),
        (attack("floods_for_ever").deploy(&client), json!({"n": 0})),
        (attack("signals_others").deploy(&client), json!({"pids": []})),
        (attack("listens").deploy(&client), json!({})),
    ];
    thread::scope(|scope| {
        scope.spawn(|| bomb.invoke(&json!({})));
        for (function, event) in &attackers {
            function.invoke(event);
            witnessed(&server, &witness);
        }
    });
    witnessed(&server, &witness);
    let marked = mark.bearers();
    assert!(marked.len() >= 3, "{marked:?}");
    let inside = sandboxed(server.pid());
    assert!(
        inside.iter().any(|one| one.host_interface.is_some()),
        "some have a cable to the host"
    );
    let is_grouped = |pid: &u32| inside.iter().any(|one| one.pid == *pid && !one.cgroups.is_empty());
    assert!(
        marked.iter().all(is_grouped),
        "what was left behind is in control groups"
    );
    let pid = server.pid();
    let (status, data) = server.stop();
    assert!(status.success(), "{status}");
    inside.iter().for_each(Sandboxed::vanished);
    assert!(marked.iter().all(|pid| !exists(*pid)), "what was left behind is gone");
    assert!(!exists(pid));
    let mounts = fs::read_to_string("/proc/self/mounts").expect("/proc");
    assert!(!mounts.contains(data.path().to_str().expect("text")), "{mounts}");
}
