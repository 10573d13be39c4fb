//! Functions that speak the runtime's part: what they say harms nobody but themselves.

use serde_json::json;

use crate::arena::{Attacker, attack, strike};

#[test]
fn garbage_instead_of_an_answer_ends_the_call_and_its_instance() {
    for (lie, statuses) in [
        ("a length without end", &[407, 439][..]),
        ("a length just too large", &[407, 439]),
        ("an unknown kind", &[439]),
        ("kind zero", &[439]),
        ("a kind out of place", &[439]),
        ("another sequence", &[439]),
        ("noise", &[407, 439]),
        ("a result that is not JSON", &[439]),
        ("a result that is not text", &[439]),
        ("a size that is none", &[407, 439]),
    ] {
        let answer = strike(attack("lies").with("Timeout", 10), &json!({ "lie": lie }));
        assert!(statuses.contains(&answer.status), "{lie}: {}", answer.ret_text);
    }
}

#[test]
fn a_fault_that_is_told_badly_is_told_as_well_as_can_be() {
    for (lie, told) in [
        ("a fault that is none", "[]"),
        ("a fault of half a character", "half \u{fffd} of \u{fffd}"),
    ] {
        let answer = strike(attack("lies").with("Timeout", 10), &json!({ "lie": lie }));
        assert_eq!((answer.status, &answer.result["ErrMsg"]), (430, &json!(told)), "{lie}");
    }
}

#[test]
fn an_answer_that_comes_in_dribbles_runs_into_the_time_limit() {
    let answer = strike(attack("answers_in_part").with("Timeout", 1), &json!({}));
    assert_eq!(answer.status, 433);
}

#[test]
fn a_forged_answer_is_never_the_answer_of_the_next_call() {
    for forgeries in [1, 3, 1000] {
        let attacker = Attacker::new(attack("answers_twice").with("Timeout", 5));
        attacker.strikes(&json!({"n": 1, "lie": forgeries}));
        for n in 2..5 {
            let next = attacker.strikes(&json!({ "n": n }));
            assert!(
                next.status != 200 || next.ret == n,
                "{forgeries}: call {n} was answered {}",
                next.ret_text
            );
        }
        assert_eq!(attacker.strikes(&json!({"n": 9})).returned(), 9);
    }
}

#[test]
fn a_child_that_answers_later_forges_for_its_own_function_alone() {
    let attacker = Attacker::new(attack("leaves_a_forger").with("Timeout", 5));
    assert_eq!(attacker.strikes(&json!({"n": 0})).returned(), 0);
    attacker.strikes(&json!({"n": 1}));
    for n in 2..5 {
        let next = attacker.strikes(&json!({ "n": n }));
        assert!(
            next.status != 200 || next.ret == n,
            "call {n} was answered {}",
            next.ret_text
        );
    }
    assert_eq!(attacker.strikes(&json!({"n": 9})).returned(), 9);
}

#[test]
fn a_child_that_takes_the_next_event_away_costs_that_call_at_most() {
    let attacker = Attacker::new(attack("leaves_a_thief").with("Timeout", 1));
    assert_eq!(attacker.strikes(&json!({"n": 0})).returned(), 0);
    let mut robbed = 0;
    for n in 1..6 {
        let answer = attacker.strikes(&json!({ "n": n }));
        match answer.status {
            433 => robbed += 1,
            _ => assert_eq!(answer.returned(), n),
        }
    }
    // Whoever reads first has it. With the robbed call its instance goes, and the thief with it.
    assert!(robbed <= 1, "{robbed}");
}

#[test]
fn a_handler_that_returns_in_two_processes_answers_once() {
    let attacker = Attacker::new(attack("forks_and_both_return"));
    for n in 0..20 {
        assert_eq!(attacker.strikes(&json!({ "n": n })).returned(), n);
    }
}

#[test]
fn a_handler_that_reads_its_own_requests_waits_for_its_time_limit() {
    assert_eq!(
        strike(attack("reads_its_requests").with("Timeout", 1), &json!({})).status,
        433
    );
}
