//! What a function finds around it.

use std::time::Duration;

use serde_json::{Value, json};
use skiff_tests::{Package, eventually};

use crate::world::{Cases, Version, client, python, run, versions};

/// The interpreter's path by the contract's words (CONTRACT 1.4).
fn contracts(version: Version) -> String {
    match (version.major, version.minor) {
        (2, _) => "/var/lang/python2/bin/python".to_owned(),
        (_, 6) => "/var/lang/python3/bin/python3".to_owned(),
        (_, minor) => format!("/var/lang/python3{minor}/bin/python3"),
    }
}

#[test]
fn the_environment_is_the_documented_one_in_every_python() {
    for version in versions() {
        let variables = json!({"Variables": [{"Key": "GREETING", "Value": "nǐ hǎo"}]});
        let package = Cases::Common.package().file("helper.py", b"");
        let function = python(*version, package)
            .with("Environment", variables)
            .deploy(&client());
        let answer = function.invoke(&json!({"case": "surroundings", "interpreter": contracts(*version)}));
        let found = answer.returned();
        let own = format!("{}.{}", version.major, version.minor);
        for (name, value) in [
            ("version", json!(own)),
            ("cwd", json!("/var/user")),
            ("argv", json!(["/var/user"])),
            ("file", json!("/var/user/index.py")),
            ("helper", json!("/var/user/helper.py")),
            ("names", json!("utf-8")),
            ("home", json!("/home/qcloud")),
            ("exits", json!(true)),
            ("contracts", found["executable"].clone()),
        ] {
            assert_eq!(found[name], value, "{version:?} {name}");
        }
        assert_ne!(found["uid"], json!(0), "{version:?}");
        let path: Vec<&Value> = found["path"].as_array().expect("a list").iter().collect();
        assert_eq!(path[..2], [&json!("/var/user"), &json!("/opt")], "{version:?}");
        for (name, value) in [
            ("GREETING", "nǐ hǎo"),
            ("HOME", "/home/qcloud"),
            ("PYTHONDONTWRITEBYTECODE", "x"),
            ("PYTHONPATH", "/var/user:/opt"),
            ("SCF_RUNTIME", &version.runtime()),
            ("USER_CODE_ROOT", "/var/user/"),
        ] {
            assert_eq!(found["env"][name], json!(value), "{version:?} {name}");
        }
        let foreign: Vec<_> = found["env"]
            .as_object()
            .expect("an object")
            .keys()
            .filter(|name| name.starts_with("CARGO") || name.starts_with("SKIFF_WARM"))
            .collect();
        assert!(foreign.is_empty(), "{version:?} {foreign:?}");
    }
}

#[test]
fn a_host_name_that_the_user_gives_is_the_functions_variable_in_every_python() {
    let code = "import os\n\ndef main_handler(event, context):\n    if event.get('exit'):\n        os._exit(3)\n    \
                return os.environ['HOSTNAME'], os.popen('echo $HOSTNAME').read()\n";
    for (index, version) in versions().iter().enumerate() {
        // Of those that start from what was kept, one of Python 2 and one of Python 3 will do.
        let snapshot = if [0, versions().len() - 1].contains(&index) {
            "on"
        } else {
            "off"
        };
        let variables =
            json!({"Variables": [{"Key": "HOSTNAME", "Value": "mine"}, {"Key": "SKIFF_SNAPSHOT", "Value": snapshot}]});
        let function = python(*version, Package::python(code))
            .with("Environment", variables)
            .deploy(&client());
        let told_by_a_new_instance = || {
            let answer = function.invoke(&json!({}));
            assert_eq!(answer.returned(), &json!(["mine", "mine\n"]), "{version:?}");
            assert_eq!(function.invoke(&json!({"exit": true})).status, 439, "{version:?}");
            answer.log
        };
        if snapshot == "off" {
            told_by_a_new_instance();
            continue;
        }
        eventually(Duration::from_secs(60), "an instance of what was kept", || {
            told_by_a_new_instance()
                .contains("this instance went on from")
                .then_some(())
        });
    }
}

#[test]
fn a_function_and_its_children_have_the_locale_they_are_told_of_in_every_python() {
    for version in versions() {
        let answer = run(*version, Cases::Common, "speak", json!({}));
        let said = if version.major == 2 { "x" } else { "窗" };
        let encoding = answer.returned()[2].as_str().expect("a text").to_lowercase();
        assert_eq!(answer.returned()[0], json!(said), "{version:?}");
        assert_eq!(answer.returned()[1], json!("en_US.UTF8"), "{version:?}");
        assert_eq!(encoding, "utf-8", "{version:?}");
    }
}
