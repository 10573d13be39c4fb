//! The command line against a running server, the way a person uses it: what is in `examples/` is deployed, called,
//! watched, changed and deleted.

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;
use skiff_tests::{Server, binary, repository};

/// A command of somebody on the server's machine: it finds address and credential in the data dir.
fn skiff(server: &Server, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SKIFF_")) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .env("SKIFF_DATA_DIR", server.data.path())
        .current_dir(repository())
        .output()
        .expect("the binary runs")
}

/// Its stdout, of a command that ends with this code.
#[track_caller]
fn ends(server: &Server, arguments: &[&str], code: i32) -> String {
    let output = skiff(server, arguments);
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (shown(&output.stdout), shown(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{out}\n{err}");
    if code == 0 { out } else { err }
}

#[track_caller]
fn json(server: &Server, arguments: &[&str]) -> Value {
    let out = ends(server, &[arguments, &["--output", "json"]].concat(), 0);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"))
}

#[test]
fn a_person_deploys_calls_watches_changes_and_deletes() {
    let server = Server::start();

    assert!(ends(&server, &["deploy", "examples/hello-python"], 0).starts_with("hello-python created: Python3."));
    let said = ends(&server, &["invoke", "hello-python", "--data", r#"{"name": "you"}"#], 0);
    let said: Value = serde_json::from_str(&said).expect("a result and nothing else");
    assert_eq!(said["message"], "Hello, you!");
    assert!(ends(&server, &["deploy", "examples/hello-python"], 0).starts_with("hello-python updated: code ("));

    let log = ends(&server, &["logs", "hello-python", "--since", "5m"], 0);
    assert!(
        log.contains("greeting you") && log.contains(said["request_id"].as_str().expect("an id")),
        "{log}"
    );
    let shown = ends(&server, &["function", "show", "hello-python", "--code"], 0);
    assert!(
        shown.contains("GREETING=Hello") && shown.contains("def main_handler"),
        "{shown}"
    );
    let status = json(&server, &["top"]);
    assert_eq!(
        (&status["functions"][0]["name"], &status["functions"][0]["calls"]),
        (&"hello-python".into(), &1.into())
    );

    ends(
        &server,
        &[
            "function",
            "update",
            "hello-python",
            "--env",
            "GREETING=Good day",
            "--memory",
            "128",
        ],
        0,
    );
    let said = json(&server, &["invoke", "hello-python"]);
    assert!(
        said["RetMsg"]
            .as_str()
            .is_some_and(|text| text.contains("Good day, world!")),
        "{said}"
    );
    let changed = ends(&server, &["deploy", "examples/hello-python"], 0);
    assert!(
        changed.contains("memory 128 -> 64") && changed.contains("environment"),
        "{changed}"
    );

    ends(&server, &["namespace", "create", "staging"], 0);
    ends(
        &server,
        &[
            "function",
            "copy",
            "hello-python",
            "greeter",
            "--to-namespace",
            "staging",
        ],
        0,
    );
    assert_eq!(
        json(&server, &["function", "list", "--all"]).as_array().map(Vec::len),
        Some(2)
    );
    ends(&server, &["namespace", "delete", "staging"], 3);
    ends(&server, &["function", "delete", "greeter", "--namespace", "staging"], 0);
    ends(&server, &["namespace", "delete", "staging"], 0);
    ends(&server, &["function", "delete", "hello-python"], 0);
    assert_eq!(json(&server, &["function", "list"]), Value::Array(Vec::new()));
}

#[test]
fn the_probe_tells_what_is_well_from_what_is_not() {
    let server = Server::start();
    ends(&server, &["deploy", "examples/probe"], 0);
    // Its own loopback has a door to the API and nobody at port 1.
    let event = r#"{"urls": [{"url": "http://127.0.0.1:19000/", "contains": "Response"}, "http://127.0.0.1:1/"]}"#;
    let result = ends(&server, &["invoke", "probe", "--data", event], 0);
    let result: Value = serde_json::from_str(&result).expect("JSON");
    assert_eq!(
        (&result["ok"], &result["failed"]),
        (&false.into(), &1.into()),
        "{result}"
    );
    assert_eq!(
        (&result["checks"][0]["ok"], &result["checks"][1]["ok"]),
        (&true.into(), &false.into()),
        "{result}"
    );
}

#[test]
fn what_goes_wrong_has_its_exit_code_and_says_what_to_do() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("UTF-8");
    fs::write(folder.path().join("skiff.yaml"), "name: raising\nruntime: Python3\n").expect("a file");
    fs::write(
        folder.path().join("index.py"),
        "def main_handler(event, context):\n    raise ValueError('boom')\n",
    )
    .expect("a file");
    ends(&server, &["deploy", path], 0);

    let failed = ends(&server, &["invoke", "raising"], 1);
    assert!(
        failed.contains("ValueError: boom") && failed.contains("(430)"),
        "{failed}"
    );
    let missed = ends(&server, &["invoke", "raisin"], 3);
    assert!(missed.contains("did you mean raising?"), "{missed}");
    ends(&server, &["invoke", "raising", "--async"], 3);
    ends(&server, &["invoke", "raising", "--data", "{"], 2);
    fs::write(
        folder.path().join("skiff.yaml"),
        "name: raising\nruntime: Python3\nmemroy: 1\n",
    )
    .expect("a file");
    let mistyped = ends(&server, &["deploy", path], 2);
    assert!(
        mistyped.contains("skiff.yaml:3:") && mistyped.contains("did you mean memory?"),
        "{mistyped}"
    );
    fs::write(
        folder.path().join("skiff.yaml"),
        "name: raising\nruntime: Python3\nhandler: gone.main\n",
    )
    .expect("a file");
    let refused = ends(&server, &["deploy", path], 3);
    assert!(refused.contains("gone.py"), "{refused}");
    ends(&server, &["function", "list", "--endpoint", "127.0.0.1:1"], 4);
}

#[test]
fn a_second_server_on_the_same_data_is_refused_and_told_whose_it_is() {
    let server = Server::start();
    let refused = ends(
        &server,
        &[
            "serve",
            "--api-listen",
            "127.0.0.1:0",
            "--gateway-listen",
            "127.0.0.1:0",
        ],
        1,
    );
    assert!(refused.contains(&format!("process id {}", server.pid())), "{refused}");
    assert!(server.is_ready());
}
