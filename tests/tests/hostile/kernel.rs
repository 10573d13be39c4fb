//! System calls and kernel interfaces that no function needs: refused, each and by every way.

use serde_json::json;

use crate::arena::{assert_refused, attack, outcomes, strike};

#[test]
fn mounting_namespaces_tracing_modules_keyrings_bpf_and_their_like_are_refused() {
    let answer = strike(attack("calls_the_kernel"), &json!({}));
    assert!(outcomes(&answer).len() > 50, "{}", answer.ret_text);
    // Refused at the door: an EFAULT or EINVAL would be the call's own judgement of its arguments.
    assert_refused(&answer, &["EPERM", "ENOSYS"]);
}

#[test]
fn a_function_gets_no_namespace_of_its_own_and_joins_none() {
    let answer = strike(attack("leaves_its_namespaces"), &json!({}));
    assert_refused(&answer, &["EPERM", "ENOSYS", "EACCES"]);
    // C libraries go back to clone on this error alone.
    assert_eq!(outcomes(&answer)["clone3"], "ENOSYS");
}

#[test]
fn the_numbers_of_another_architecture_open_no_way_around() {
    let answer = strike(attack("speaks_to_another_kernel"), &json!({}));
    if cfg!(target_arch = "x86_64") {
        assert_refused(&answer, &["EPERM", "ENOSYS", "killed"]);
    }
}

#[test]
fn nothing_can_be_traced() {
    assert_refused(&strike(attack("traces"), &json!({})), &["EPERM"]);
}

#[test]
fn raw_and_packet_sockets_and_families_nobody_needs_are_refused() {
    let answer = strike(attack("opens_sockets"), &json!({}));
    assert_refused(&answer, &["EPERM", "EAFNOSUPPORT", "EPROTONOSUPPORT"]);
}

#[test]
fn nothing_tells_which_of_the_hosts_programs_run() {
    assert_refused(&strike(attack("watches_folders"), &json!({})), &["EINVAL"]);
}

#[test]
fn what_a_function_has_read_of_a_request_cannot_seem_unread() {
    let answer = strike(attack("reads_and_leaves"), &json!({}));
    assert_refused(&answer, &["EPERM", "ENOSYS", "EACCES"]);
}

#[test]
fn writing_back_the_hosts_disks_is_answered_and_not_done() {
    let answer = strike(attack("writes_everything_back"), &json!({}));
    assert!(
        outcomes(&answer).values().all(|outcome| outcome == "done"),
        "{}",
        answer.ret_text
    );
}

#[test]
fn a_function_cannot_change_its_network() {
    let answer = strike(attack("changes_its_network"), &json!({}));
    for (command, code) in answer.returned().as_object().expect("an object") {
        assert_ne!(code, 0, "ip {command}");
    }
}

#[test]
fn a_function_is_nobody_with_no_capability_behind_a_filter() {
    let answer = strike(attack("tells_who_it_is"), &json!({}));
    let told = answer.returned();
    for ids in ["Uid", "Gid"] {
        let ids = told[ids].as_array().expect("four ids");
        assert!(
            ids.iter().all(|id| *id == ids[0] && *id != "0" && *id != "65534"),
            "{ids:?}"
        );
    }
    assert_eq!(told["Groups"], json!([]));
    for capabilities in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(told[capabilities], json!(["0000000000000000"]), "{capabilities}");
    }
    assert_eq!((&told["NoNewPrivs"], &told["Seccomp"]), (&json!(["1"]), &json!(["2"])));
    let own = json!({"0": "/dev/null", "1": "pipe", "2": "pipe", "3": "pipe", "4": "pipe"});
    assert_eq!(told["descriptors"], own, "nothing else is open");
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("/proc");
    assert_ne!(told["hostname"], host.trim());
}

#[test]
fn no_way_to_be_root_or_a_neighbour() {
    let answer = strike(attack("becomes_root").with("Timeout", 60), &json!({}));
    let told = answer.returned();
    assert!(
        told["programs"].as_u64().expect("a number") > 0,
        "the host has programs with the set-uid bit"
    );
    assert_ne!(told["own copy"], "0");
    assert_ne!(told["su"], "0");
    for way in ["setuid", "setgid", "setgroups", "neighbour"] {
        assert_eq!(told[way], "EPERM", "{way}");
    }
}

#[test]
fn no_device_can_be_made() {
    assert_refused(&strike(attack("makes_devices"), &json!({})), &["EPERM"]);
}
