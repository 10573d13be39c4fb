//! The file system a function sees: its own code, its own `/tmp`, programs and libraries; nothing else, and read-only.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use skiff_tests::{Package, Spec};

use crate::arena::{Attacker, attack, outcomes, server, strike};

#[derive(Deserialize)]
struct Mount {
    options: Vec<String>,
    kind: String,
}

#[test]
fn every_mount_is_read_only_but_the_private_tmp_and_none_gives_privileges() {
    let answer = strike(attack("looks_at_mounts"), &json!({}));
    let mounts: BTreeMap<String, Mount> = serde_json::from_value(answer.returned().clone()).expect("mounts");
    assert!(
        mounts.contains_key("/var/user") && mounts.contains_key("/tmp"),
        "{:?}",
        mounts.keys()
    );
    for (target, mount) in &mounts {
        let has = |option: &str| mount.options.iter().any(|have| have == option);
        assert!(has("nosuid"), "{target} gives privileges");
        // Devices of a computation, and /dev/null over what /proc is not to tell.
        let device = mount.kind == "devtmpfs" && ["/dev/", "/proc/"].iter().any(|folder| target.starts_with(folder));
        assert!(device || has("nodev"), "{target} has devices");
        // Of /proc another test says what can be written.
        assert!(
            device || has("ro") || target == "/tmp" || target == "/proc",
            "{target} is writable"
        );
    }
}

#[test]
fn nothing_can_be_made_or_changed_outside_tmp() {
    let attacker = Attacker::new(attack("writes_everywhere").with("Timeout", 60));
    let answer = attacker.strikes(&json!({}));
    assert_eq!(answer.returned(), &json!({"made": [], "changed": []}));
}

#[test]
fn the_hosts_files_and_the_servers_data_are_not_there() {
    let data = server().data.path();
    let credentials = data.join("credentials.json");
    assert!(
        credentials.exists(),
        "the server keeps its credential where the attack looks"
    );
    let paths = [
        "/etc/shadow",
        "/etc/gshadow",
        "/etc/ssh",
        "/root/.cargo",
        "/root/.ssh",
        "/root/.bashrc",
        "/home/user",
        "/var/lib/skiff",
        "/var/lib/dpkg",
        "/var/log",
        "/work",
        "/usr/local",
        "/boot/vmlinuz",
        "/run/systemd",
        "/var/run/docker.sock",
        "/dev/vda",
        "/dev/sda",
        "/dev/kmsg",
        "/dev/mem",
        "/dev/ptmx",
        "/dev/net/tun",
        "/dev/fuse",
        "/dev/kvm",
        "/sys/fs/cgroup",
        "/sys/class",
        "/proc/sys/../../etc/shadow",
        data.to_str().expect("text"),
        credentials.to_str().expect("text"),
    ];
    let secret: String = server().credentials.secret_key.chars().rev().collect();
    let answer = strike(
        attack("looks_at_files").with("Timeout", 60),
        &json!({"paths": paths, "secret": secret}),
    );
    let told = answer.returned();
    assert_eq!(told["seen"], json!([]));
    assert_eq!(told["through /proc"], json!([]));
    assert_eq!(told["holds it"], json!([]));
    assert_eq!(
        told["dev"],
        json!([
            "fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "urandom", "zero"
        ])
    );
    let known = [
        "bin", "dev", "etc", "home", "lib", "lib32", "lib64", "opt", "proc", "root", "run", "sbin", "sys", "tmp",
        "usr", "var",
    ];
    for entry in told["root"].as_array().expect("names") {
        assert!(known.iter().any(|name| entry == name), "/{entry} is there");
    }
    let users = told["passwd"].as_array().expect("names");
    assert!(
        users
            .iter()
            .all(|user| user == "root" || user == "qcloud" || user == "nobody"),
        "the host's users are told"
    );
}

#[test]
fn another_functions_code_and_tmp_cannot_be_read() {
    let secret = "9f1c-the-neighbours-secret";
    let code = format!(
        "def main_handler(event, context):\n    open('/tmp/kept', 'w').write('{secret}')\n    return '{secret}'\n"
    );
    let victim = Spec::python(&code).deploy(&server().client());
    assert_eq!(victim.invoke(&json!({})).returned(), secret);
    let backwards: String = secret.chars().rev().collect();
    let event = json!({"paths": [], "secret": backwards});
    assert_eq!(
        strike(attack("looks_at_files"), &event).returned()["holds it"],
        json!([])
    );
    // The search finds what is there to be found: the victim itself would be caught.
    let finds = Package::default()
        .file("attack.py", include_bytes!("attack.py"))
        .file("secret.txt", secret.as_bytes());
    let finder = Spec::package(finds).with("Handler", "attack.looks_at_files");
    assert_eq!(
        strike(finder, &event).returned()["holds it"],
        json!(["/var/user/secret.txt"])
    );
}

#[test]
fn links_lead_to_nothing_of_the_host() {
    let data = server().data.path().join("credentials.json");
    let paths = [
        "/etc/shadow",
        "/root/.bashrc",
        "/proc/1/root/etc/shadow",
        "/proc/self/root/etc/shadow",
        data.to_str().expect("text"),
    ];
    let answer = strike(attack("follows_links"), &json!({ "paths": paths }));
    for (path, outcome) in outcomes(&answer) {
        assert!(
            matches!(outcome.as_str(), "ENOENT" | "EACCES" | "EPERM"),
            "{path}: {outcome}"
        );
    }
}

#[test]
fn links_inside_a_package_work_and_stay_inside() {
    let code = "import os\ndef main_handler(event, context):\n    return [open('/var/user/' + name).read() for name in event]\n";
    let package = Package::python(code)
        .file("folder/text", b"inside")
        .symlink("link", "folder/text")
        .symlink("folder/up", "../folder/text");
    let answer = strike(Spec::package(package), &json!(["link", "folder/up"]));
    assert_eq!(answer.returned(), &json!(["inside", "inside"]));
}
