//! ES modules.

use serde_json::json;
use skiff_tests::Package;

use crate::world::{VERSIONS, Version, client, node};

const CODE: &[u8] = b"import { word } from './lib/word.mjs';
import path from 'path';
export const main_handler = async (event) => {
    if (event.fail) throw new Error('in a module');
    const more = await import('./lib/word.mjs');
    return [word, path.basename(import.meta.url), more.word];
};
";

fn modular(version: Version, file: &str) -> Package {
    let package = Package::default()
        .file(file, CODE)
        .file("lib/word.mjs", b"export const word = 'imported';");
    if file.ends_with(".js") && version.0 > 0 {
        package.file("package.json", br#"{"type": "module"}"#)
    } else {
        package
    }
}

#[test]
fn es_modules_are_handlers_by_their_name_or_their_package() {
    for version in VERSIONS.into_iter().filter(|version| version.0 >= 14) {
        for file in ["index.mjs", "index.js"] {
            let function = node(version, modular(version, file)).deploy(&client());
            let expected = json!(["imported", file, "imported"]);
            assert_eq!(function.invoke(&json!({})).returned(), &expected, "{version:?} {file}");
            let failed = function.invoke(&json!({"fail": true}));
            let stack = failed.ret["stackTrace"].as_str().expect("a stack");
            assert!(stack.contains(&format!("/var/user/{file}:4")), "{version:?} {stack}");
        }
    }
}

#[test]
fn a_module_may_await_at_its_top_and_one_that_awaits_for_ever_is_told_so() {
    for version in VERSIONS.into_iter().filter(|version| version.0 >= 16) {
        let deploy =
            |code: &str| node(version, Package::default().file("index.mjs", code.as_bytes())).deploy(&client());
        let waits = "const word = await new Promise((resolve) => setTimeout(resolve, 20, 'awaited'));
            export const main_handler = async () => word;";
        assert_eq!(
            deploy(waits).invoke(&json!({})).returned(),
            &json!("awaited"),
            "{version:?}"
        );
        let hangs = deploy("await new Promise(() => undefined); export const main_handler = async () => 1;");
        let answer = hangs.invoke(&json!({}));
        assert!(
            answer.ret.to_string().contains("never happens"),
            "{version:?} {answer:?}"
        );
    }
}

#[test]
fn commonjs_by_name_stays_commonjs_in_a_package_of_modules() {
    for version in VERSIONS {
        let package = Package::default()
            .file(
                "index.cjs",
                b"exports.main_handler = (event, context, done) => done(null, typeof require);",
            )
            .file("package.json", br#"{"type": "module"}"#);
        let function = node(version, package).deploy(&client());
        assert_eq!(
            function.invoke(&json!({})).returned(),
            &json!("function"),
            "{version:?}"
        );
    }
}

#[test]
fn versions_without_modules_say_so_at_creation_or_when_they_load_one() {
    for version in VERSIONS.into_iter().filter(|version| version.0 < 12) {
        let refused = node(version, modular(version, "index.mjs")).try_deploy(&client());
        let refused = refused.expect_err("no such file for this version");
        assert!(refused.message.contains("index.js"), "{version:?} {refused:?}");
    }
    // The file is a module for later releases of Node 12.
    let twelve = VERSIONS[3];
    let answer = node(twelve, modular(twelve, "index.mjs"))
        .deploy(&client())
        .invoke(&json!({}));
    assert!(
        answer.ret.to_string().contains("Node 12.16.3 has no ES modules"),
        "{answer:?}"
    );
}
