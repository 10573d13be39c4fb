//! The walls of a Java, and what a function does to its own runtime.

use serde_json::json;
use skiff_tests::assert_walled_in;

use crate::world::{deploy, extremes, run, versions};

#[test]
fn an_executed_java_stands_behind_the_same_walls_as_every_runtime() {
    for &version in versions() {
        let answer = deploy(version, "Cases::main").invoke(&json!({"case": "attempts"}));
        let found = answer.returned();
        let status = found["status"].as_str().expect("text");
        assert_walled_in(status, &version);
        let own = found["own"].as_str().expect("text");
        let known = ["LD_LIBRARY_PATH=", "LC_ALL=", "MALLOC_ARENA_MAX="];
        assert!(
            own.split('\0')
                .all(|entry| entry.is_empty() || known.iter().any(|name| entry.starts_with(name))),
            "{version:?} {own}"
        );
        let java = format!("/var/lang/java{}/", version.0);
        for descriptor in found["descriptors"].as_array().expect("a list") {
            let descriptor = descriptor.as_str().expect("text");
            // A socket is how Java wakes those who wait for one.
            let harmless = [
                "socket:",
                "pipe:",
                "/dev/",
                "/proc/",
                "/var/user",
                "/var/runtime/java",
                &java,
            ];
            assert!(
                harmless.iter().any(|kind| descriptor.starts_with(kind)),
                "{version:?} {descriptor}"
            );
        }
        assert!(found["processes"].as_u64() <= Some(3), "{version:?} {found}");
        for refused in ["namespace", "mount"] {
            assert!(
                !found[refused].as_str().expect("text").is_empty(),
                "{version:?} {refused}"
            );
        }
    }
}

#[test]
fn what_a_function_does_to_its_own_runtime_hurts_itself_alone_in_java() {
    for version in extremes() {
        for attack in [
            "readRequests",
            "writeAnswer",
            "stopMain",
            "setOutNull",
            "replaceProperties",
        ] {
            let function = deploy(version, "Attacks::main");
            for event in [json!({"attack": attack}), json!({}), json!({})] {
                let answer = function.invoke(&event);
                let own = answer.status == 200 && answer.ret == json!("mine");
                assert!(
                    own || [430, 433, 439].contains(&answer.status),
                    "{version:?} {attack}: {answer:?}"
                );
            }
            // A new instance takes the place of one that broke itself: at the latest when that one is replaced.
            function.configure(json!({"Timeout": 10}));
            assert_eq!(function.invoke(&json!({})).ret, json!("mine"), "{version:?} {attack}");
        }
        assert_eq!(
            run(version, "echo", json!({"value": 1})).returned(),
            &json!(1),
            "{version:?}"
        );
    }
}
