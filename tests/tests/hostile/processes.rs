//! What a function sees and reaches of other processes: none.

use serde_json::json;

use crate::arena::{attack, outcomes, server, strike};

#[test]
fn only_its_own_processes_are_there_to_be_seen() {
    let answer = strike(attack("looks_at_processes"), &json!({}));
    let seen = answer.returned().as_object().expect("an object");
    assert!((1..=3).contains(&seen.len()), "{:?}", seen.keys());
    let host_init = std::fs::read_to_string("/proc/1/cmdline").expect("/proc");
    for (pid, of) in seen {
        assert_ne!(of["cmdline"], host_init, "{pid}");
        let environment = of["environ"].as_str().unwrap_or_default();
        for word in ["CARGO", "SKIFF_SECRET", "HOME=/root", "RUST"] {
            assert!(
                !environment.contains(word),
                "{pid} tells the host's environment: {environment}"
            );
        }
        let data = server().data.path().to_str().expect("text");
        for what in ["cwd", "root", "exe", "maps", "cmdline"] {
            let text = of[what].as_str().unwrap_or_default();
            assert!(
                !text.contains(data) && !text.contains("target/debug"),
                "{pid} {what}: {text}"
            );
        }
    }
}

#[test]
fn signals_reach_nobody_outside() {
    let host = [server().pid(), std::process::id()];
    let answer = strike(attack("signals_others"), &json!({ "pids": host }));
    for pid in host {
        assert_eq!(outcomes(&answer)[&format!("host {pid}")], "ESRCH");
    }
}

#[test]
fn the_machines_secrets_in_proc_are_covered_and_nothing_of_it_can_be_written() {
    let covered = [
        "/proc/kcore",
        "/proc/keys",
        "/proc/key-users",
        "/proc/kallsyms",
        "/proc/timer_list",
        "/proc/sched_debug",
        "/proc/sysrq-trigger",
        "/proc/kpagecount",
        "/proc/kpageflags",
        "/proc/kmsg",
        "/proc/1/mem",
        "/dev/mem",
        "/dev/kmsg",
        "/proc/vmallocinfo",
        "/proc/slabinfo",
        "/proc/bus/pci/devices",
        "/sys/kernel/vmcoreinfo",
        "/sys/firmware/acpi/tables/DSDT",
        "/proc/acpi/wakeup",
        "/proc/scsi/scsi",
        "/proc/cmdline",
        "/proc/config.gz",
        "/proc/diskstats",
        "/proc/partitions",
        "/proc/vmstat",
        "/proc/interrupts",
    ];
    let answer = strike(attack("looks_at_the_kernel"), &json!({ "read": covered }));
    let told = answer.returned();
    for (path, text) in told["read"].as_object().expect("an object") {
        let nothing = ["", "EACCES", "EPERM", "ENOENT", "EIO", "ENXIO"];
        assert!(nothing.contains(&text.as_str().unwrap_or("not text")), "{path}: {text}");
    }
    assert_eq!(told["writable"], json!([]));
    assert_eq!(told["sys"], json!([]));
}

#[test]
fn another_functions_memory_cannot_be_read() {
    let secret = "a-secret-of-the-neighbour";
    let victim = attack("keeps_a_secret").deploy(&server().client());
    assert_eq!(victim.invoke(&json!({ "secret": secret })).returned(), secret);
    let backwards: String = secret.chars().rev().collect();
    let answer = strike(
        attack("looks_into_memory").with("Timeout", 60),
        &json!({ "secret": backwards }),
    );
    assert_eq!(answer.returned(), &json!([]));
    let leftovers = strike(attack("looks_for_leftovers"), &json!({}));
    assert_eq!(
        leftovers.returned(),
        &json!({"files": [], "segment": "gone", "abstract address": "ECONNREFUSED"})
    );
    assert_eq!(
        victim.invoke(&json!({})).returned(),
        secret,
        "the victim's instance was alive all along"
    );
}
