//! What a program can reach.

use serde_json::json;
use skiff_tests::{Function, Package, assert_walled_in};

use crate::world::{ask, client, command, commands, package};

fn said(function: &Function, what: &str) -> String {
    let answer = ask(function, what);
    assert_eq!(answer.status, 200, "{what}: {answer:?}");
    answer.ret_text
}

#[test]
fn a_program_sees_its_package_layers_and_tmp_and_nothing_else() {
    for (target, function) in commands() {
        for path in ["data/text.txt", "/var/user/data/text.txt", "/var/user/data/../link"] {
            assert_eq!(
                said(function, &format!("read {path}")),
                "ok beside: ü",
                "{target} {path}"
            );
        }
        assert_eq!(said(function, "list /opt"), "ok ", "{target}");
        assert_eq!(said(function, "create /tmp/mine"), "ok written", "{target}");
        // The next event's, too, as in every instance that is kept.
        assert_eq!(said(function, "read /tmp/mine"), "ok mine", "{target}");
        for what in [
            "read /etc/passwd",
            "read /proc/self/status",
            "read /proc/self/environ",
            "list /dev",
            "read ../../etc/passwd",
            "read /var/user/../../etc/passwd",
            "read /tmp/../etc/passwd",
            "create /var/user/mine",
            "create mine",
            "create /opt/mine",
            "create /mine",
        ] {
            let refused = said(function, what);
            assert!(refused.starts_with("error "), "{target} {what}: {refused}");
        }
    }
}

#[test]
fn a_program_has_the_network_of_its_function() {
    let api = client().api;
    let host = api.trim_start_matches("http://");
    for (vpc, status, own) in [
        ("", "DISABLE", "ok connected"),
        ("none", "DISABLE", "error ConnectionRefused"),
    ] {
        let function = command("wasm32-wasip2")
            .with(
                "PublicNetConfig",
                json!({"PublicNetStatus": status, "EipConfig": {"EipStatus": "DISABLE"}}),
            )
            .with("VpcConfig", json!({"VpcId": vpc, "SubnetId": ""}))
            .deploy(&client());
        let said_of_own = said(&function, "connect 127.0.0.1:19000");
        assert!(said_of_own.starts_with(own), "{vpc} {said_of_own}");
        let said_of_host = said(&function, &format!("connect {host}"));
        assert!(
            said_of_host.starts_with("error ConnectionRefused"),
            "{vpc} {said_of_host}"
        );
    }
    // WASI 0.1 can open no connection.
    let function = commands().next().expect("a module").1;
    let refused = said(function, "connect 127.0.0.1:19000");
    assert!(refused.starts_with("error Unsupported"), "{refused}");
}

/// `/proc/PID/status` of a process that has this file mapped.
fn status_of_who_maps(file: &str) -> Option<String> {
    let processes = std::fs::read_dir("/proc").expect("processes");
    processes.flatten().find_map(|process| {
        let maps = std::fs::read_to_string(process.path().join("maps")).ok()?;
        maps.contains(file)
            .then(|| std::fs::read_to_string(process.path().join("status")).ok())?
    })
}

#[test]
fn what_runs_a_module_stands_behind_the_same_walls_and_has_its_machine_code_mapped() {
    let code = wat::parse_str(include_str!("../../programs/wasm/kept.wat")).expect("WebAssembly");
    let function = package(Package::default().file("behind-walls.wasm", &code))
        .with("Handler", "behind-walls.wasm")
        .deploy(&client());
    assert_eq!(said(&function, "count"), "1");
    let status = status_of_who_maps("behind-walls.wasm.skiff-compiled").expect("an instance");
    assert_walled_in(&status, &"a module");
}
