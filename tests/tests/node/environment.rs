//! What a function finds around it.

use serde_json::json;
use skiff_tests::Package;

use crate::world::{VERSIONS, client, node};

#[test]
fn the_environment_is_the_documented_one_and_nothing_of_the_hosts() {
    for version in VERSIONS {
        let package = Package::default().file("index.js", include_bytes!("cases.js"));
        let variables =
            json!({"Variables": [{"Key": "TZ", "Value": "Asia/Shanghai"}, {"Key": "GREETING", "Value": "nǐ hǎo"}]});
        let function = node(version, package).with("Environment", variables).deploy(&client());
        let answer = function.invoke(&json!({"case": "environment"}));
        let found = answer.returned();
        let env = found["env"].as_object().expect("an object");
        let major = version.0;
        for (name, value) in [
            (
                "NODE_PATH",
                format!(
                    "/var/user:/var/user/node_modules:/var/lang/node{major}/lib/node_modules:/opt:/opt/node_modules"
                ),
            ),
            ("_", format!("/var/lang/node{major}/bin/node")),
            ("SCF_RUNTIME", version.1.to_owned()),
            ("USER_CODE_ROOT", "/var/user/".to_owned()),
            ("GREETING", "nǐ hǎo".to_owned()),
            ("HOME", "/home/qcloud".to_owned()),
        ] {
            assert_eq!(env[name], json!(value), "{version:?} {name}");
        }
        let foreign: Vec<_> = env
            .keys()
            .filter(|name| name.contains("PYTHON") || name.contains("CARGO"))
            .collect();
        assert!(foreign.is_empty(), "{version:?} {foreign:?}");
        assert_eq!(
            found["exec"],
            json!(format!("/var/lang/node{major}/bin/node")),
            "{version:?}"
        );
        assert_eq!(found["cwd"], json!("/var/user"), "{version:?}");
        assert_eq!(found["argv"][1], json!("/var/user/index.js"), "{version:?}");
        assert_eq!(found["main"], json!(false), "{version:?}");
        assert_eq!(found["host"], env["HOSTNAME"], "{version:?}");
        assert_ne!(found["uid"], json!(0), "{version:?}");
        assert_eq!(found["hour"], json!(8), "{version:?}: TZ is the function's");
    }
}

#[test]
fn a_host_name_that_the_user_gives_is_the_functions_variable() {
    for version in VERSIONS {
        let package = Package::default().file("index.js", include_bytes!("cases.js"));
        let variables = json!({"Variables": [{"Key": "HOSTNAME", "Value": "mine"}]});
        let function = node(version, package).with("Environment", variables).deploy(&client());
        let answer = function.invoke(&json!({"case": "environment"}));
        assert_eq!(answer.returned()["env"]["HOSTNAME"], json!("mine"), "{version:?}");
    }
}

#[test]
fn packages_are_found_where_the_contract_says() {
    for version in VERSIONS {
        let code = b"const beside = require('beside'); exports.main_handler = (e, c, done) => done(null, beside);";
        let package = Package::default()
            .file("index.js", code)
            .file(
                "node_modules/beside/index.js",
                b"module.exports = require('./package.json').version;",
            )
            .file(
                "node_modules/beside/package.json",
                br#"{"name": "beside", "version": "1.2.3"}"#,
            );
        let function = node(version, package).deploy(&client());
        assert_eq!(function.invoke(&json!({})).returned(), &json!("1.2.3"), "{version:?}");
    }
}

#[test]
fn a_function_that_asks_to_be_initialised_once_and_is_none_of_pythons_is_told_in_its_log() {
    let package = Package::default().file("index.js", include_bytes!("cases.js"));
    let variables = json!({"Variables": [{"Key": "SKIFF_SNAPSHOT", "Value": "on"}]});
    let function = node(VERSIONS[8], package)
        .with("Environment", variables)
        .deploy(&client());
    let log = function.invoke(&json!({"case": "environment"})).log;
    let told = "[skiff] SKIFF_SNAPSHOT: this instance initialised its code itself, as only those of Python functions that take \
                events are kept\n";
    assert!(log.contains(told), "{log}");
}
