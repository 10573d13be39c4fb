//! Programs for AWS Lambda, by the libraries its users have: `lambda_runtime` of crates.io, `awslambdaric` of PyPI,
//! `aws-lambda-ric` of npm.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use skiff_tests::{Answer, Function, Package, Spec, eventually, kept_data_dir};

use crate::world::{client, told};

fn failed(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.error_message())
}

#[test]
fn a_program_of_the_lambda_runtime_crate_runs_as_it_is() {
    let stripped = tempfile::NamedTempFile::new().expect("a file");
    let strip = Command::new("strip")
        .arg("-o")
        .arg(stripped.path())
        .arg(env!("CARGO_BIN_EXE_skiff-tests-lambda"))
        .status();
    assert!(strip.expect("binutils").success());
    let binary = std::fs::read(stripped.path()).expect("a program");
    let function = Spec::package(Package::default().program("bootstrap", &binary))
        .with("Runtime", "CustomRuntime")
        .deploy(&client());
    told(&function, 1);
    told(&function, 2);
    assert_eq!(function.invoke(&json!({})).returned()["memory"], json!(128));
    let answer = function.invoke(&json!({"case": "error"}));
    assert_eq!(failed(&answer), (430, "user code exception caught"));
    let trace = answer.ret["stackTrace"].as_str().expect("text");
    assert!(trace.ends_with(": it broke"), "{trace}");
    // The library catches it, and the program lives on.
    let answer = function.invoke(&json!({"case": "panic"}));
    let trace = answer.ret["stackTrace"].as_str().expect("text");
    assert!(trace.contains("at the disco"), "{trace}");
    told(&function, 6);
}

/// A folder with this library of PyPI.
fn awslambdaric() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let requirements = skiff_tests::repository().join("tests/python/requirements.txt");
    let requirements = std::fs::read_to_string(requirements).expect("requirements");
    let wanted = requirements.lines().find(|line| line.starts_with("awslambdaric=="));
    let install = skiff_tests::pip()
        .args([
            "install",
            "-q",
            "--disable-pip-version-check",
            "--no-compile",
            "--target",
        ])
        .arg(folder.path())
        .arg(wanted.expect("it is required"))
        .status();
    assert!(install.expect("pip").success());
    folder
}

fn add(mut package: Package, root: &Path, folder: &Path) -> Package {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        package = if path.is_dir() {
            add(package, root, &path)
        } else {
            let name = path
                .strip_prefix(root)
                .expect("inside")
                .to_str()
                .expect("text")
                .to_owned();
            package.file(&name, &std::fs::read(&path).expect("a file"))
        };
    }
    package
}

fn deploy_with_handler(package: Package, handler: &str) -> Function {
    Spec::package(package)
        .with("Runtime", "CustomRuntime")
        .with("Handler", handler)
        .with("MemorySize", 256)
        .deploy(&client())
}

#[test]
fn a_python_program_of_awslambdaric_runs_as_it_is() {
    let installed = awslambdaric();
    let deploy = |handler: &str| {
        let package = add(Package::default(), installed.path(), installed.path())
            .program(
                "bootstrap",
                b"#!/bin/sh\nexec /usr/bin/python3 -m awslambdaric \"$_HANDLER\"\n",
            )
            .file("app.py", include_bytes!("app.py"));
        deploy_with_handler(package, handler)
    };
    let function = deploy("app.handler");
    told(&function, 1);
    told(&function, 2);
    let answer = function.invoke(&json!({"case": "error"}));
    assert_eq!(failed(&answer), (430, "user code exception caught"));
    let trace = answer.ret["stackTrace"].as_str().expect("text");
    assert!(
        trace.starts_with("ValueError: it broke\n") && trace.contains("/var/user/app.py\", line"),
        "{trace}"
    );
    assert_eq!(answer.result["ErrMsg"], json!("ValueError: it broke"));
    let text = "ü".repeat(500_000);
    let answer = function.invoke(&json!({"case": "echo", "text": text}));
    assert_eq!(answer.returned()["echo"]["text"], Value::from(text));
    // Its library ends the program when its answer is not taken.
    assert_eq!(function.invoke(&json!({"case": "large"})).status, 407);
    eventually(Duration::from_secs(30), "a fresh instance", || {
        let answer = function.invoke(&json!({"case": "echo"}));
        (answer.status == 200).then(|| assert_eq!(answer.ret["calls"], json!(1)))
    });
    // It says itself that it cannot start.
    let answer = deploy("app.nothing").invoke(&json!({}));
    assert_eq!(answer.status, 443, "{}", answer.ret_text);
    assert!(
        answer.error_message().contains("Handler 'nothing' missing"),
        "{}",
        answer.ret_text
    );
}

/// The folder of modules with this library of npm. Its installation compiles for a minute, so it is kept in the build folder.
fn aws_lambda_ric() -> PathBuf {
    // The last for the Node.js of Debian 12; those after it ask for 22.
    const VERSION: &str = "aws-lambda-ric@3.3.0";
    let folder = kept_data_dir(".npm-lambda");
    let stamp = folder.join("installed");
    if std::fs::read_to_string(&stamp).ok().as_deref() != Some(VERSION) {
        drop(std::fs::remove_dir_all(folder.join("node_modules")));
        std::fs::write(folder.join("package.json"), "{}").expect("a file");
        let install = Command::new("npm")
            .args(["install", "--silent", "--no-audit", "--no-fund", "--no-save", VERSION])
            .current_dir(&folder)
            .status();
        assert!(install.expect("npm").success());
        std::fs::write(&stamp, VERSION).expect("a stamp");
    }
    folder.join("node_modules")
}

#[test]
fn a_node_program_of_aws_lambda_ric_runs_as_it_is() {
    let modules = aws_lambda_ric();
    let deploy = |handler: &str| {
        // What runs; beside it the installation leaves what it was compiled with.
        let library = modules.join("aws-lambda-ric");
        let root = modules.parent().expect("the folder");
        let package = ["bin", "dist"].iter().fold(Package::default(), |package, part| {
            add(package, root, &library.join(part))
        });
        let package = package
            .program(
                "bootstrap",
                b"#!/bin/sh\nexec /usr/bin/node node_modules/aws-lambda-ric/bin/index.mjs \"$_HANDLER\"\n",
            )
            .file("app.mjs", include_bytes!("app.mjs"));
        deploy_with_handler(package, handler)
    };
    let function = deploy("app.handler");
    told(&function, 1);
    told(&function, 2);
    let answer = function.invoke(&json!({"case": "error"}));
    assert_eq!(failed(&answer), (430, "user code exception caught"));
    let trace = answer.ret["stackTrace"].as_str().expect("text");
    assert!(
        trace.starts_with("RangeError: it broke\n") && trace.contains("/var/user/app.mjs:"),
        "{trace}"
    );
    let text = "ü".repeat(500_000);
    let answer = function.invoke(&json!({"case": "echo", "text": text}));
    assert_eq!(answer.returned()["echo"]["text"], Value::from(text));
    // It says itself that it cannot start.
    let answer = deploy("app.nothing").invoke(&json!({}));
    assert_eq!(answer.status, 443, "{}", answer.ret_text);
    assert!(answer.error_message().contains("nothing"), "{}", answer.ret_text);
}
