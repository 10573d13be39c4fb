//! What is in a package, and what is wrong with it.

use serde_json::Value;
use skiff_tests::{Package, Spec, runtime};

use crate::world::{client, compiled_files, failed, kept, module, package, text};

#[test]
fn what_is_wrong_with_a_module_is_said_when_it_is_loaded() {
    let cases = [
        (text("(module)"), 437, "main.wasm has nothing to call"),
        (text("(component)"), 437, "main.wasm has nothing to call"),
        (
            text(
                r#"(component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
                (func (export "handle") (canon lift (core func $i "f"))))"#,
            ),
            437,
            "handle of main.wasm is not func(event: string, context: string) -> result<string, string>",
        ),
        (
            text(r#"(module (import "env" "missing" (func)) (func (export "_start")))"#),
            443,
            "main.wasm needs what is not there: unknown import: `env::missing`",
        ),
        (
            text(
                r#"(component (import "wasi:http/types@0.2.0" (instance (export "f" (func))))
                (core module $m (func (export "f") (result i32) i32.const 0)) (core instance $i (instantiate $m))
                (func $run (result (result)) (canon lift (core func $i "f")))
                (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run))))"#,
            ),
            443,
            "wasi:http/types@0.2.0",
        ),
        (
            text(
                r#"(component (core module $m (func $begin unreachable) (start $begin)) (core instance (instantiate $m))
                (core module $n (memory (export "m") 1) (func (export "r") (param i32 i32 i32 i32) (result i32) i32.const 0)
                    (func (export "f") (param i32 i32 i32 i32) (result i32) i32.const 0))
                (core instance $i (instantiate $n))
                (func (export "handle") (param "event" string) (param "context" string) (result (result string (error string)))
                    (canon lift (core func $i "f") (memory (core memory $i "m")) (realloc (core func $i "r")))))"#,
            ),
            443,
            "wasm trap: wasm `unreachable` instruction executed",
        ),
        (
            module(b"print('hello')"),
            443,
            "main.wasm is neither a WebAssembly module nor a component",
        ),
        (module(b"\0asm\x01\0\0\0\xff"), 443, "main.wasm is not valid"),
    ];
    for (spec, status, message) in cases {
        let function = spec.deploy(&client());
        let answer = function.invoke(&serde_json::json!({}));
        assert_eq!(answer.status, status, "{message}: {answer:?}");
        assert!(answer.error_message().contains(message), "{message}: {answer:?}");
    }
}

#[test]
fn what_names_no_module_of_the_package_is_refused_when_it_is_created() {
    for handler in ["index.main_handler", "other.wasm", "../main.wasm", "main.cwasm"] {
        let refused = kept()
            .with("Handler", handler)
            .try_deploy(&client())
            .expect_err(handler);
        assert_eq!(refused.code, "InvalidParameterValue.Handler", "{handler} {refused:?}");
    }
}

#[test]
fn a_module_is_compiled_when_it_is_deployed_and_machine_code_of_others_is_not_taken() {
    let before = compiled_files().len();
    let unique = |text: &str| Package::default().file("about.txt", text.as_bytes());
    let code = wat::parse_str(include_str!("../../programs/wasm/kept.wat")).expect("WebAssembly");
    let function = package(
        unique("compiled")
            .file("main.wasm", &code)
            .file("deep/other.wasm", &code),
    )
    .deploy(&client());
    let compiled = compiled_files();
    assert_eq!(compiled.len(), before + 2, "{compiled:?}");
    assert_eq!(function.invoke(&serde_json::json!("count")).ret_text, "1");
    let machine_code = compiled.iter().find(|path| path.ends_with("main.wasm.skiff-compiled"));
    let machine_code = std::fs::read(machine_code.expect("it is there")).expect("a file");
    // Nobody brings such a file along, whatever the runtime.
    let forged = unique("forged")
        .file("main.wasm.skiff-compiled", &machine_code)
        .file("index.py", b"");
    let refused = Spec::package(forged).try_deploy(&client()).expect_err("refused");
    assert_eq!(refused.code, "InvalidParameterValue.ZipFile");
    assert!(refused.message.contains("main.wasm.skiff-compiled"), "{refused:?}");
    // By any other name it is no code.
    let function = module(&machine_code).deploy(&client());
    let answer = function.invoke(&serde_json::json!({}));
    let message = "main.wasm is neither a WebAssembly module nor a component: it does not begin as they do";
    assert_eq!(failed(&answer), (443, message), "{answer:?}");
}

#[test]
fn a_build_that_has_it_lists_it_and_has_nothing_to_install() {
    let data = tempfile::tempdir().expect("a folder");
    let listed = runtime(data.path(), &["list"]).expect("a list");
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let found = listed
        .as_array()
        .expect("a list")
        .iter()
        .find(|runtime| runtime["name"] == "Wasm1");
    assert_eq!(found.expect("it is there")["source"], "built-in");
    let refused = runtime(data.path(), &["add", "Wasm1"]).expect_err("nothing to install");
    assert!(
        refused.contains("nothing is to be installed") && refused.contains("--features runtime-wasm"),
        "{refused}"
    );
}
