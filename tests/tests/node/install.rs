//! Installing, listing and removing runtimes, with and without a server.

use std::time::Duration;

use serde_json::{Value, json};
use skiff_tests::{Package, Server, Spec, eventually, runtime};

use crate::world::interpreters;

fn listed(server: &Server) -> Vec<(String, String)> {
    let text = runtime(server.data.path(), &["list"]).expect("listed");
    let list: Vec<Value> = serde_json::from_str(&text).expect("a list");
    let pair = |runtime: &Value| {
        let text = |field: &str| runtime[field].as_str().expect(field).to_owned();
        (text("name"), text("source"))
    };
    list.iter().map(pair).collect()
}

fn hello(server: &Server) -> Result<skiff_tests::Function, skiff_tests::ApiError> {
    let code = b"exports.main_handler = (event, context, callback) => callback(null, process.version);";
    Spec::package(Package::default().file("index.js", code))
        .with("Runtime", "nodejs18.15")
        .try_deploy(&server.client())
}

#[test]
fn a_running_server_follows_what_is_installed_replaced_and_removed() {
    let server = Server::start();
    let refused = hello(&server).expect_err("not installed");
    assert_eq!(refused.code, "InvalidParameterValue.Runtime");
    let folder = server.data.path().display();
    let command = format!("`skiff runtime add Nodejs18.15 --from npm:18.15 --data-dir {folder}`");
    assert!(refused.message.contains(&command), "{refused:?}");

    let folder = interpreters().join("runtimes/Nodejs18.15/root");
    let source = format!("dir:{}", folder.display());
    let added = runtime(server.data.path(), &["add", "nodejs18.15", "--from", &source]).expect("added");
    let added: Value = serde_json::from_str(&added).expect("JSON");
    assert_eq!(
        (&added["server"], &added["version"]),
        (&json!("follows"), &json!("18.15.0"))
    );
    assert!(listed(&server).contains(&("Nodejs18.15".to_owned(), source.clone())));
    let function = hello(&server).expect("installed");
    assert_eq!(function.invoke(&json!({})).returned(), &json!("v18.15.0"));
    eventually(Duration::from_secs(60), "stem cells to be ready", || {
        let text = runtime(server.data.path(), &["list"]).expect("listed");
        let list: Vec<Value> = serde_json::from_str(&text).expect("a list");
        list.iter()
            .find(|runtime| runtime["name"] == "Nodejs18.15" && runtime["ready"].as_u64() > Some(0))
            .cloned()
    });

    // Again in its own place: the instance that lives has its files still.
    runtime(server.data.path(), &["add", "Nodejs18.15", "--from", &source]).expect("replaced");
    assert_eq!(function.invoke(&json!({})).returned(), &json!("v18.15.0"));
    runtime(server.data.path(), &["remove", "Nodejs18.15"]).expect("removed");
    assert!(listed(&server).iter().all(|(name, _)| name != "Nodejs18.15"));
    assert!(hello(&server).is_err());
    assert_eq!(
        function.invoke(&json!({})).returned(),
        &json!("v18.15.0"),
        "the instance goes on"
    );

    let data = server.stop().1;
    let hidden = || {
        std::fs::read_dir(data.path().join("runtimes"))
            .expect("a folder")
            .flatten()
            .count()
    };
    assert!(hidden() > 1, "what instances had is still there");
    let server = skiff_tests::Settings::default().on(&data).start();
    assert_eq!(hidden(), 1, "a server that starts clears it away: the lock is left");
    let answer = server.client().invoke(&function.name, &json!({}));
    let mend = "the operator installs it with `skiff runtime add Nodejs18.15`";
    assert!(
        answer.status == 445 && answer.error_message().ends_with(mend),
        "{}",
        answer.ret_text
    );
}

#[test]
fn a_runtime_is_installed_without_a_server_and_there_when_it_starts() {
    let data = std::sync::Arc::new(tempfile::tempdir().expect("a folder"));
    let source = format!("dir:{}", interpreters().join("runtimes/Nodejs6.10/root").display());
    let added = runtime(data.path(), &["add", "Nodejs6.10", "--from", &source]).expect("added");
    let added: Value = serde_json::from_str(&added).expect("JSON");
    assert_eq!(added["server"], json!("not running"));
    let listed_without = runtime(data.path(), &["list"]).expect("listed");
    assert!(listed_without.contains(&source), "{listed_without}");
    let server = skiff_tests::Settings::default().on(&data).start();
    assert!(listed(&server).contains(&("Nodejs6.10".to_owned(), source)));
}

#[test]
fn an_installed_python_wins_over_the_hosts_of_the_same_name() {
    let server = Server::start();
    let (name, _) = listed(&server)
        .into_iter()
        .find(|(name, source)| name.starts_with("Python") && source.starts_with("host:"))
        .expect("a Python of the host");
    let added = runtime(server.data.path(), &["add", &name, "--from", "dir:/usr"]).expect("added");
    assert!(added.contains(r#""server":"follows""#), "{added}");
    let code = "
import json, os, subprocess, sys

def main_handler(event, context):
    child = subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True, text=True, check=True)
    return [os.path.realpath('/var/lang/python3/bin/python3'), json.__file__, child.stdout]
";
    let function = Spec::python(code)
        .with("Runtime", name.as_str())
        .deploy(&server.client());
    let minor = name.trim_start_matches("Python3.");
    let folder = format!("/var/lang/python3{minor}");
    let expected = json!([
        format!("{folder}/bin/python3.{minor}"),
        format!("{folder}/lib/python3.{minor}/json/__init__.py"),
        "1\n"
    ]);
    assert_eq!(function.invoke(&json!({})).returned(), &expected);
    runtime(server.data.path(), &["remove", &name]).expect("removed");
    let host = (name.clone(), format!("host:/usr/bin/python3.{minor}"));
    assert!(listed(&server).contains(&host), "the host's is there again");
}

#[test]
fn what_cannot_be_installed_is_refused_with_its_reason_and_nothing_is_left() {
    let data = tempfile::tempdir().expect("a folder");
    let node6 = format!("dir:{}", interpreters().join("runtimes/Nodejs6.10/root").display());
    for (name, source, reason) in [
        ("Nodejs18.15", "npm:20", "it is of another series"),
        ("Nodejs18.15", node6.as_str(), "6.10.3 is no Nodejs18.15"),
        ("Nodejs18.15", "npm:18.9999", "has no node-linux"),
        ("Nodejs18.15", "dir:/nowhere", "/nowhere"),
        ("Nodejs18.15", "dir:/etc", "has no bin/node"),
        ("Nodejs18.15", "oci:No Image", "is no source"),
        (
            "Python3.11",
            "npm:18",
            "does not come from npm, which has Node.js: use dir:PATH, debian:SUITE or oci:IMAGE",
        ),
        ("CustomRuntime", "dir:/usr", "CustomRuntime is always there"),
        ("Go1", "dir:/usr", "Go1 is always there"),
        ("Php5.6", "dir:/usr", "cannot be installed"),
        ("Node18", "dir:/usr", "did you mean Nodejs18.15?"),
        ("nodejs18", "dir:/usr", "did you mean Nodejs18.15?"),
        ("Php8", "dir:/usr", "did you mean Php8.0?"),
        ("Cobol85", "dir:/usr", "Cobol85"),
    ] {
        let refused = runtime(data.path(), &["add", name, "--from", source]).expect_err(name);
        assert!(refused.contains(reason), "{name} {source}: {refused}");
    }
    let absent = runtime(data.path(), &["remove", "Nodejs18.15"]).expect_err("not there");
    assert!(absent.contains("is not installed"), "{absent}");
    let left: Vec<_> = std::fs::read_dir(data.path().join("runtimes"))
        .expect("a folder")
        .flatten()
        .collect();
    assert_eq!(left.len(), 1, "the lock alone: {left:?}");
}

/// A folder with this script for a Node.
fn pretended(script: &str) -> (tempfile::TempDir, String) {
    pretended_as("bin/node", script)
}

/// A folder with this script for an interpreter.
fn pretended_as(program: &str, script: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join(program);
    std::fs::create_dir(folder.path().join("bin")).expect("a folder");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a file");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("modes");
    let source = format!("dir:{}", folder.path().display());
    (folder, source)
}

#[test]
fn a_program_that_is_being_installed_is_asked_as_nobody_without_privileges_and_environment() {
    let data = tempfile::tempdir().expect("a folder");
    let status = "$(grep -E 'NoNewPrivs|CapEff' /proc/self/status | tr -d '[:space:]')";
    let script =
        format!("test \"$1\" = -e && echo '[42]' || echo \"v18.15.0/$(id -u)/$(id -G)/$(pwd)/{status}/$HOME\"");
    let (_folder, source) = pretended(&script);
    let added = runtime(data.path(), &["add", "Nodejs18.15", "--from", &source]).expect("added");
    let added: Value = serde_json::from_str(&added).expect("JSON");
    let expected = "18.15.0/65534/65534///CapEff:0000000000000000NoNewPrivs:1/";
    assert_eq!(added["version"], json!(expected));
}

#[test]
fn a_program_that_runs_nothing_or_does_not_answer_is_not_put_in_the_place_of_a_good_one() {
    let data = tempfile::tempdir().expect("a folder");
    let good = format!("dir:{}", interpreters().join("runtimes/Nodejs18.15/root").display());
    runtime(data.path(), &["add", "Nodejs18.15", "--from", &good]).expect("added");
    for (script, reason) in [
        ("echo v18.15.0", "and not"),
        (
            "test \"$1\" = --version && echo v18.15.0",
            "does not run on this machine",
        ),
        ("sleep 1000", "does not answer within 10 s"),
    ] {
        let (_folder, source) = pretended(script);
        let refused = runtime(data.path(), &["add", "Nodejs18.15", "--from", &source]).expect_err(script);
        assert!(refused.contains(reason), "{script}: {refused}");
        let listed = runtime(data.path(), &["list"]).expect("listed");
        assert!(listed.contains(&good), "{listed}");
    }
}

/// A runtime as `skiff runtime list` shows it.
fn shown(server: &Server, name: &str) -> Value {
    let text = runtime(server.data.path(), &["list"]).expect("listed");
    let list: Vec<Value> = serde_json::from_str(&text).expect("a list");
    let shown = list.into_iter().find(|runtime| runtime["name"] == name);
    shown.unwrap_or_else(|| panic!("{name} is not listed: {text}"))
}

/// What a command says in a table or as JSON.
fn says(server: &Server, arguments: &[&str]) -> String {
    let mut command = std::process::Command::new(skiff_tests::binary());
    command.args(arguments).arg("--data-dir").arg(server.data.path());
    let output = command.env_remove("SKIFF_ENDPOINT").output().expect("the binary runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_runtime_that_does_not_come_up_is_listed_with_its_last_words_until_it_does() {
    const SOON: Duration = Duration::from_secs(60);
    let server = Server::start();
    let why = |name: &str, words: &str| {
        eventually(SOON, words, || {
            let shown = shown(&server, name);
            let reason = shown["reason"].as_str().unwrap_or_default().to_owned();
            (shown["ready"] == 0 && shown["fails"] == true && reason.contains(words)).then_some(())
        });
    };

    // It answers what an installation asks, and then misses something.
    let asked = "test \"$1\" = --version && echo v18.15.0 && exit; test \"$1\" = -e && echo '[42]' && exit";
    let (_node, source) = pretended(&format!("{asked}\necho 'libmissing.so: cannot open' >&2\nexit 127"));
    runtime(server.data.path(), &["add", "Nodejs18.15", "--from", &source]).expect("added");
    assert_eq!(shown(&server, "Nodejs18.15")["reason"], "no function uses it");
    let function = hello(&server).expect("known");
    why("Nodejs18.15", "libmissing.so: cannot open");
    let failed = function.invoke(&json!({}));
    assert_ne!(failed.result["InvokeResult"], 0, "{failed:?}");
    let table = says(&server, &["runtime", "list"]);
    assert!(table.contains("REASON") && table.contains("libmissing.so"), "{table}");
    let findings: Vec<Value> = serde_json::from_str(&says(&server, &["doctor", "--output", "json"])).expect("JSON");
    let finding = findings.into_iter().find(|finding| finding["what"] == "runtimes");
    let finding = finding.expect("the runtimes of the server that runs");
    assert_eq!(finding["status"], "degraded");
    assert!(
        finding["detail"].as_str().expect("text").contains("libmissing.so"),
        "{finding}"
    );

    let good = format!("dir:{}", interpreters().join("runtimes/Nodejs18.15/root").display());
    runtime(server.data.path(), &["add", "Nodejs18.15", "--from", &good]).expect("replaced");
    eventually(SOON, "stem cells", || {
        let shown = shown(&server, "Nodejs18.15");
        (shown["ready"].as_u64() > Some(0) && shown["reason"].is_null()).then_some(())
    });
    assert_eq!(function.invoke(&json!({})).returned(), &json!("v18.15.0"));

    // One whose zygote itself is the interpreter, and ends.
    let asked = "test \"$1\" = --version && echo Python 3.13.1 && exit; test \"$1\" = -c && echo '[42]' && exit";
    let (folder, source) = pretended_as(
        "bin/python3.13",
        &format!("{asked}\necho 'no module named encodings' >&2\nexit 1"),
    );
    std::fs::create_dir_all(folder.path().join("lib/python3.13")).expect("a folder");
    std::fs::write(folder.path().join("lib/python3.13/os.py"), "").expect("a file");
    runtime(server.data.path(), &["add", "Python3.13", "--from", &source]).expect("added");
    let _function = Spec::python("def main_handler(event, context): return 1")
        .with("Runtime", "Python3.13")
        .deploy(&server.client());
    why("Python3.13", "no module named encodings");
}

#[test]
fn nothing_boots_that_no_function_uses_and_the_first_call_after_a_deployment_finds_a_booted_runtime() {
    let server = Server::start();
    let good = format!("dir:{}", interpreters().join("runtimes/Nodejs18.15/root").display());
    runtime(server.data.path(), &["add", "Nodejs18.15", "--from", &good]).expect("added");
    let text = runtime(server.data.path(), &["list"]).expect("listed");
    let list: Vec<Value> = serde_json::from_str(&text).expect("a list");
    assert!(list.len() > 3, "{text}");
    for runtime in &list {
        assert_eq!(
            (&runtime["ready"], &runtime["reason"]),
            (&json!(0), &json!("no function uses it"))
        );
    }

    let function = hello(&server).expect("created");
    assert_ne!(shown(&server, "Nodejs18.15")["ready"], 0, "a creation waits for it");
    let unused = |runtime: &Value| runtime["name"] != "Nodejs18.15";
    for runtime in list.iter().filter(|runtime| unused(runtime)) {
        assert_eq!(&shown(&server, runtime["name"].as_str().expect("text")), runtime);
    }
    assert_eq!(function.invoke(&json!({})).returned(), &json!("v18.15.0"));
    drop(function);
    eventually(
        Duration::from_secs(60),
        "the stem cells to go with the function",
        || (shown(&server, "Nodejs18.15")["ready"] == 0).then_some(()),
    );
}
