//! Hogs: processes, memory, disk, inodes, descriptors, processor. Each meets its limit; nobody else notices.

use std::thread;

use serde_json::json;

use crate::arena::{Attacker, all_is_well, attack, outcomes, strike};

#[test]
fn a_fork_bomb_ends_with_its_call_and_meanwhile_others_are_answered() {
    for bomb in ["fork_bomb", "shell_fork_bomb"] {
        let attacker = Attacker::new(attack(bomb).with("Timeout", 3));
        let answer = thread::scope(|scope| {
            let running = scope.spawn(|| attacker.strikes(&json!({})));
            while !running.is_finished() {
                all_is_well();
            }
            running.join().expect("the attack's thread")
        });
        // The shell may be the one that finds no process left, and gives up.
        assert!(
            matches!(answer.status, 200 | 430 | 433 | 434 | 439),
            "{bomb}: {}",
            answer.ret_text
        );
    }
}

#[test]
fn processes_and_threads_of_an_instance_are_limited_to_1024() {
    for (handler, what) in [("counts_processes", "processes"), ("counts_threads", "threads")] {
        let answer = strike(attack(handler).with("MemorySize", 3072).with("Timeout", 60), &json!({}));
        let counted = answer.returned()[what].as_u64().expect("a number");
        assert!((1000..=1024).contains(&counted), "{what}: {counted}");
        assert_eq!(answer.returned()["stopped by"], "EAGAIN");
    }
}

#[test]
fn memory_beyond_the_limit_is_its_own_status_however_it_is_taken() {
    for way in [
        "memory",
        "a child's memory",
        "files in /tmp",
        "a memory file",
        "shared memory",
        "segments",
    ] {
        let attacker = Attacker::new(attack("takes_memory").with("MemorySize", 64).with("Timeout", 120));
        let answer = attacker.strikes(&json!({ "as": way }));
        assert_eq!(
            (answer.status, answer.error_message()),
            (434, "Memory limit of 64 MB reached"),
            "{way}"
        );
        assert_eq!(answer.result["InvokeResult"], -1);
    }
}

#[test]
fn the_private_disk_ends_at_512_mb_and_the_function_lives_on() {
    let attacker = Attacker::new(attack("fills_the_disk").with("MemorySize", 1024).with("Timeout", 60));
    for _ in 0..2 {
        let answer = attacker.strikes(&json!({}));
        assert_eq!(answer.returned()["stopped by"], "ENOSPC");
        let bytes = answer.returned()["bytes"].as_u64().expect("a number");
        assert!((500 << 20..=512 << 20).contains(&bytes), "{bytes}");
    }
}

#[test]
fn the_private_disk_holds_65536_files() {
    let answer = strike(
        attack("fills_the_inodes").with("MemorySize", 1024).with("Timeout", 60),
        &json!({}),
    );
    assert_eq!(answer.returned()["stopped by"], "ENOSPC");
    let files = answer.returned()["files"].as_u64().expect("a number");
    assert!((65_000..=65_536).contains(&files), "{files}");
}

#[test]
fn open_files_of_a_process_are_limited_to_1024_and_can_all_be_taken() {
    let attacker = Attacker::new(attack("hogs_descriptors"));
    let answer = attacker.strikes(&json!({}));
    let taken = answer.returned()["descriptors"].as_u64().expect("a number");
    assert!((1000..=1024).contains(&taken), "{taken}");
    for (what, stopped) in answer.returned()["stopped by"].as_object().expect("an object") {
        assert_eq!(stopped, "EMFILE", "{what}");
    }
    assert_ne!(answer.returned()["more"], "done");
    // The runtime needs none to answer the next.
    attacker.strikes(&json!({})).returned();
}

#[test]
fn functions_that_compute_without_end_leave_others_their_share() {
    let attacker = Attacker::new(attack("computes").with("Timeout", 3));
    let answer = thread::scope(|scope| {
        let running = scope.spawn(|| attacker.strikes(&json!({})));
        while !running.is_finished() {
            all_is_well();
        }
        running.join().expect("the attack's thread")
    });
    assert_eq!(answer.status, 433);
}

#[test]
fn no_function_raises_its_own_limits() {
    for (what, outcome) in outcomes(&strike(attack("raises_its_limits"), &json!({}))) {
        assert_ne!(outcome, "done", "{what}");
    }
}
