//! Handlers that end in every way but by returning, and those that never end.

use serde_json::json;

use crate::arena::{Attacker, attack, strike};

/// What the platform says of a process that ended under it.
const EXITED: (u16, &str) = (439, "User process exit when running");

#[test]
fn a_handler_that_exits_is_an_exit_of_its_process_with_its_code() {
    for (handler, code) in [("exits", 0), ("exits", 3), ("exits_at_once", 0), ("exits_at_once", 5)] {
        let answer = strike(attack(handler), &json!({ "code": code }));
        assert_eq!((answer.status, answer.error_message()), EXITED, "{handler} {code}");
        assert_eq!(answer.result["InvokeResult"], -1);
        assert!(answer.log.contains(&format!("exit code {code}")), "{}", answer.log);
    }
    let answer = strike(attack("exits_in_a_thread"), &json!({}));
    assert_eq!((answer.status, answer.error_message()), EXITED);
}

#[test]
fn what_was_written_before_an_exit_is_in_the_log() {
    let answer = strike(attack("exits_at_once"), &json!({"code": 1}));
    assert!(answer.log.contains("\nlast words\n"), "{}", answer.log);
}

#[test]
fn a_handler_that_becomes_another_program_ends_with_it() {
    let answer = strike(attack("becomes_another_program"), &json!({"program": ["/bin/true"]}));
    assert_eq!((answer.status, answer.error_message()), EXITED);
    let sleep = json!({"program": ["/bin/sleep", "600"]});
    assert_eq!(
        strike(attack("becomes_another_program").with("Timeout", 1), &sleep).status,
        433
    );
}

#[test]
fn a_handler_that_kills_itself_is_an_exit_whatever_the_signal() {
    // HUP, QUIT, ILL, ABRT, BUS, FPE, KILL, USR1, SEGV, USR2, PIPE, ALRM, TERM, and one of the real-time ones.
    for signal in [1, 3, 4, 6, 7, 8, 9, 10, 11, 12, 14, 15, 40] {
        let answer = strike(attack("kills_itself"), &json!({ "signal": signal }));
        assert_eq!((answer.status, answer.error_message()), EXITED, "signal {signal}");
        assert!(
            answer.log.contains(&format!("signal {signal}")),
            "signal {signal}: {}",
            answer.log
        );
    }
    // Python makes an exception of this one, which no handler catches.
    assert_eq!(strike(attack("kills_itself"), &json!({"signal": 2})).status, 439);
    assert_eq!(strike(attack("segfaults"), &json!({})).status, 439);
}

#[test]
fn a_handler_that_stops_itself_runs_into_its_time_limit() {
    // STOP, TSTP, TTIN.
    for signal in [19, 20, 21] {
        let answer = strike(attack("kills_itself").with("Timeout", 1), &json!({ "signal": signal }));
        assert_eq!(
            (answer.status, answer.error_message()),
            (433, "Invoking task timed out after 1 seconds")
        );
    }
}

#[test]
fn a_handler_that_never_returns_is_ended_at_its_time_limit_and_its_instance_with_it() {
    for event in [json!({}), json!({"sleeps": true})] {
        let answer = strike(attack("never_returns").with("Timeout", 1), &event);
        assert_eq!(
            (answer.status, answer.error_message()),
            (433, "Invoking task timed out after 1 seconds")
        );
        assert!(answer.log.contains("\nbefore the end of days\n"), "{}", answer.log);
        assert_eq!(answer.result["BillDuration"], 1000);
    }
}

#[test]
fn exceptions_that_are_no_errors_do_not_reach_the_platform() {
    for (what, status) in [("base", 439), ("exit", 439), ("generator", 430), ("unruly", 430)] {
        assert_eq!(
            strike(attack("raises"), &json!({ "what": what })).status,
            status,
            "{what}"
        );
    }
}

#[test]
fn an_error_with_a_huge_text_is_still_an_answer() {
    let answer = strike(attack("raises_a_huge_error").with("MemorySize", 1024), &json!({}));
    assert!(matches!(answer.status, 430 | 407), "{}", answer.status);
}

#[test]
fn recursion_without_end_is_the_functions_own_end() {
    let answer = strike(attack("recurses"), &json!({}));
    assert_eq!(answer.status, 430);
    assert!(
        answer.ret["stackTrace"]
            .as_str()
            .is_some_and(|trace| trace.contains("RecursionError")),
        "{}",
        answer.ret
    );
    for handler in ["recurses", "recurses_natively"] {
        let answer = strike(attack(handler).with("Timeout", 10), &json!({"without_limit": true}));
        assert!(
            matches!(answer.status, 430 | 434 | 439),
            "{handler}: {}",
            answer.ret_text
        );
    }
}

#[test]
fn a_handler_that_closes_its_pipes_hurts_itself_alone() {
    // The runtime's own: requests, responses. Then everything there is.
    for (descriptors, statuses) in [
        (vec![3], &[200, 439][..]),
        (vec![4], &[439]),
        (vec![3, 4], &[439]),
        ((0..5).collect(), &[439]),
    ] {
        let attacker = Attacker::new(attack("closes").with("Timeout", 5));
        let answer = attacker.strikes(&json!({"descriptors": descriptors, "n": 1}));
        assert!(
            statuses.contains(&answer.status),
            "{descriptors:?}: {}",
            answer.ret_text
        );
        // The instance ends by it, and takes an event along that reached it meanwhile.
        let next = attacker.strikes(&json!({"descriptors": [], "n": 2}));
        assert!(
            next.status == 439 || next.ret == 2,
            "{descriptors:?}: {}",
            next.ret_text
        );
        assert_eq!(
            attacker.strikes(&json!({"descriptors": [], "n": 3})).returned(),
            3,
            "{descriptors:?}"
        );
    }
    // Its output may go: what it says afterwards is lost, what it returns is not.
    let attacker = Attacker::new(attack("closes"));
    assert_eq!(
        attacker.strikes(&json!({"descriptors": [0, 1, 2], "n": 1})).returned(),
        1
    );
    assert_eq!(attacker.strikes(&json!({"descriptors": [], "n": 2})).returned(), 2);
}
