//! What a function finds around it.

use serde_json::json;

use crate::world::{EXAMPLE, client, java, package, run, versions};

#[test]
fn the_environment_is_the_documented_one_for_java_and_for_its_children() {
    for &version in versions() {
        let variables = json!({"Variables": [
            {"Key": "TZ", "Value": "Asia/Shanghai"}, {"Key": "GREETING", "Value": "nǐ hǎo"}, {"Key": "HOSTNAME", "Value": "mine"},
        ]});
        let function = java(version, package(&EXAMPLE), "example.Cases::main")
            .with("Environment", variables)
            .deploy(&client());
        let answer = function.invoke(&json!({"case": "environment"}));
        let found = answer.returned();
        let env = found["env"].as_object().expect("an object");
        let number = version.0;
        for (name, value) in [
            (
                "CLASSPATH",
                format!("/var/runtime/java{number}:/var/runtime/java{number}/lib/*:/opt"),
            ),
            ("_", format!("/var/lang/java{number}/bin/java")),
            ("SCF_RUNTIME", version.runtime()),
            ("USER_CODE_ROOT", "/var/user/".to_owned()),
            ("GREETING", "nǐ hǎo".to_owned()),
            ("HOSTNAME", "mine".to_owned()),
            ("HOME", "/home/qcloud".to_owned()),
        ] {
            assert_eq!(env[name], json!(value), "{version:?} {name}");
        }
        let foreign: Vec<_> = env
            .keys()
            .filter(|name| {
                ["PYTHON", "CARGO", "MALLOC", "VARIABLE_"]
                    .iter()
                    .any(|word| name.contains(word))
            })
            .collect();
        assert!(foreign.is_empty(), "{version:?} {foreign:?}");
        assert_eq!(
            found["child"],
            json!(format!("nǐ hǎo {}\n/var/user", function.name)),
            "{version:?}"
        );
        assert_eq!(found["hour"], json!(8), "{version:?}: TZ is the function's");
        assert_eq!(
            (&found["cwd"], &found["relative"], &found["opened"]),
            (&json!("/var/user"), &json!(true), &json!(0xca)),
            "{version:?}: relative paths are the package's"
        );
        let specification = if number == 8 {
            "1.8".to_owned()
        } else {
            number.to_string()
        };
        for (name, value) in [
            ("charset", "UTF-8"),
            ("file.encoding", "UTF-8"),
            ("user.dir", "/var/user"),
            ("user.home", "/home/qcloud"),
            ("user.name", "qcloud"),
            ("java.io.tmpdir", "/tmp"),
            ("sun.jnu.encoding", "UTF-8"),
            ("java.home", &format!("/var/lang/java{number}")),
            ("java.specification.version", &specification),
            (
                "java.class.path",
                &format!("/var/user:/opt:/var/runtime/java{number}/lib/scf-java-events.jar"),
            ),
        ] {
            assert_eq!(found[name], json!(value), "{version:?} {name}");
        }
        // Libraries of the package are found by their name.
        let libraries = found["java.library.path"].as_str().expect("text");
        assert!(libraries.starts_with("/var/user:/opt"), "{version:?} {libraries}");
    }
}

#[test]
fn the_users_classes_are_found_wherever_java_looks_and_the_platforms_are_not() {
    for &version in versions() {
        let answer = run(version, "loaders", json!({}));
        let expected = json!({"context": true, "system": true, "pool": true, "service": ["hello"], "resource": true,
            "missing": true, "platform": "hidden"});
        assert_eq!(answer.returned(), &expected, "{version:?}");
    }
}

#[test]
fn nothing_but_tmp_can_be_written() {
    for &version in versions() {
        let answer = run(version, "files", json!({}));
        let found = answer.returned().as_object().expect("an object");
        for (path, what) in found {
            let expected = if path == "/tmp/x" { "written" } else { "refused" };
            assert_eq!(what, &json!(expected), "{version:?} {path}");
        }
    }
}
