//! What a manifest may say, and how it says what is wrong.

use std::fs;

use serde_json::json;

use super::*;

fn parsed(text: &str) -> Vec<FunctionSpec> {
    parse(text, Path::new("skiff.yaml")).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn two_lines_are_a_function_with_every_default_said() {
    let [spec] = parsed("name: hello\nruntime: Python3\n").try_into().expect("one");
    assert_eq!(spec.name.as_str(), "hello");
    assert_eq!(spec.namespace.as_str(), "default");
    assert_eq!(spec.code, Path::new(""));
    let settings = spec.settings;
    assert_eq!(settings.handler.as_deref(), Some("index.main_handler"));
    assert_eq!(
        (settings.memory_mb, settings.timeout_s, settings.init_timeout_s),
        (Some(128), Some(3), Some(65))
    );
    assert_eq!(settings.instance_concurrency, Some(1));
    assert_eq!(
        (settings.environment, settings.network, settings.layers),
        (Some(Vec::new()), Some(NetworkMode::Public), Some(Vec::new()))
    );
}

#[test]
fn every_field_is_read() {
    let text = "
name: hello
namespace: staging
runtime: Python3.11
handler: app.handle
memory: 256
timeout: 30
initTimeout: 10
instanceConcurrency: 20
description: greets
environment:
  PORT: 8080
  DEBUG: true
  TEXT: 'yes'
network: none
layers: [deps:3, models:1]
role: orders
ignore: ['*.md', tests/]
";
    let [spec] = parsed(text).try_into().expect("one");
    assert_eq!(spec.namespace.as_str(), "staging");
    assert_eq!(spec.ignore, ["*.md", "tests/"]);
    let variables = [("DEBUG", "true"), ("PORT", "8080"), ("TEXT", "yes")];
    let expected = Settings {
        runtime: Some("Python3.11".to_owned()),
        handler: Some("app.handle".to_owned()),
        memory_mb: Some(256),
        timeout_s: Some(30),
        init_timeout_s: Some(10),
        description: Some("greets".to_owned()),
        environment: Some(
            variables
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        ),
        network: Some(NetworkMode::None),
        role: Some("orders".to_owned()),
        layers: Some(["deps:3", "models:1"].map(|text| text.parse().expect("legal")).to_vec()),
        web: None,
        socket_idle_s: None,
        instance_concurrency: Some(20),
    };
    assert_eq!(spec.settings, expected);
}

#[test]
fn a_program_that_cannot_be_executed_is_refused_before_it_is_sent() {
    for (more, program) in [
        ("runtime: Python3\ntype: web\n", "scf_bootstrap"),
        ("runtime: CustomRuntime\n", "bootstrap"),
        ("runtime: Go1\nhandler: main\n", "main"),
    ] {
        let [spec] = parsed(&format!("name: ab\n{more}")).try_into().expect("one");
        let names = [program.to_owned(), "index.py".to_owned()];
        let error = spec.check_package(&names, &names).expect_err(program).to_string();
        assert!(error.contains(&format!("chmod 755 {program}")), "{error}");
        assert!(spec.check_package(&names, &names[1..]).is_ok(), "{program}");
    }
}

#[test]
fn a_web_function_is_told_by_its_type_and_needs_its_program() {
    for (more, idle) in [("type: web\n", None), ("type: HTTP\nwebsocketIdle: 60\n", Some(60))] {
        let [spec] = parsed(&format!("name: ab\nruntime: Python3\n{more}"))
            .try_into()
            .expect("one");
        let serves = if idle.is_some() { Serves::Sockets } else { Serves::Http };
        assert_eq!((spec.settings.web, spec.settings.socket_idle_s), (Some(serves), idle));
        let params = spec.settings.params();
        assert_eq!(params["Type"], "HTTP");
        assert_eq!(params.get("ProtocolType").is_some(), idle.is_some());
        assert!(spec.check_package(&["scf_bootstrap".to_owned()], &[]).is_ok());
        assert!(spec.check_package(&["index.py".to_owned()], &[]).is_err());
        let protocol = if idle.is_some() { "WS" } else { "" };
        for (kind, protocol, may_stay) in [
            ("HTTP", protocol, true),
            ("HTTP", if idle.is_some() { "" } else { "WS" }, false),
            ("Event", "", false),
        ] {
            let current = json!({"Type": kind, "ProtocolType": protocol});
            assert_eq!(spec.check_type(&current).is_ok(), may_stay, "{more} {current}");
        }
    }
    let [event] = parsed("name: ab\nruntime: Python3\ntype: event\n")
        .try_into()
        .expect("one");
    assert_eq!(event.settings.web, None);
    assert!(event.check_type(&json!({"Type": "HTTP"})).is_err());
}

#[test]
fn many_functions_share_defaults_and_override_them() {
    let text = "
defaults:
  runtime: Python3
  memory: 256
  environment: {STAGE: test, LEVEL: info}
  ignore: [docs]
functions:
  - name: one
  - name: two
    memory: 512
    environment: {LEVEL: debug}
    ignore: [data]
";
    let [one, two] = parsed(text).try_into().expect("two");
    assert_eq!((one.settings.memory_mb, two.settings.memory_mb), (Some(256), Some(512)));
    let variables = |pairs: [(&str, &str); 2]| Some(pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec());
    assert_eq!(
        one.settings.environment,
        variables([("LEVEL", "info"), ("STAGE", "test")])
    );
    assert_eq!(
        two.settings.environment,
        variables([("LEVEL", "debug"), ("STAGE", "test")])
    );
    assert_eq!(two.ignore, ["docs", "data"]);
}

#[test]
fn an_error_names_file_line_and_field_and_what_was_meant() {
    for (text, place, says, hint) in [
        (
            "name: ab\nruntime: Python3\nmemroy: 128\n",
            "skiff.yaml:3:",
            "unknown field \"memroy\"",
            Some("memory"),
        ),
        (
            "name: ab\nruntime: Python3\ninit-timeout: 5\n",
            "skiff.yaml:3:",
            "init-timeout",
            Some("initTimeout"),
        ),
        (
            "name: ab\nruntime: Python3\nmemory: 128MB\n",
            "skiff.yaml:3:",
            "memory: \"128MB\" is no whole number: write it without a unit",
            None,
        ),
        (
            "name: ab\nruntime: Python3\ntimeout: -1\n",
            "skiff.yaml:3:",
            "timeout: \"-1\" is no whole number",
            None,
        ),
        (
            "name: ab\nruntime: Python3\ntimeout: 3s\n",
            "skiff.yaml:3:",
            "timeout: \"3s\" is no whole number: write it without a unit, e.g. 10",
            None,
        ),
        (
            "name: ab\nruntime: Python3\nmemory: 100\n",
            "skiff.yaml:3: memory:",
            "100 MB is not possible: use 64, or a multiple of 128 up to 3072",
            None,
        ),
        (
            "name: ab\nruntime: Python3\ntimeout: 901\n",
            "skiff.yaml:3: timeout:",
            "use 1 to 900",
            None,
        ),
        (
            "defaults:\n  runtime: Python3\n  initTimeout: 0\nfunctions:\n  - name: ab\n",
            "skiff.yaml:3: initTimeout:",
            "use 1 to 300",
            None,
        ),
        (
            "name: ab\nruntime: Nodejs18.15\ninstanceConcurrency: 101\n",
            "skiff.yaml:3: instanceConcurrency:",
            "101 is not possible: use a number from 1 to 100",
            None,
        ),
        (
            "name: ab\nruntime: Python3\nhandler: index.py\n",
            "skiff.yaml:3: handler:",
            "index.py is a file: write file.function, e.g. index.main_handler",
            None,
        ),
        (
            "name: ab\nruntime: Python3\ntype: other\n",
            "skiff.yaml:3: type:",
            "\"other\" is none of event, web",
            None,
        ),
        (
            "name: ab\nruntime: Python3\nwebsocketIdle: 60\n",
            "skiff.yaml:3: websocketIdle:",
            "for functions of type: web",
            None,
        ),
        (
            "name: ab\nruntime: Python3\ntype: web\nwebsocketIdle: 9\n",
            "skiff.yaml:4: websocketIdle:",
            "use 10 to 7200",
            None,
        ),
        (
            "name: ab\nruntime: Python3\nhandler: main\n",
            "skiff.yaml:3: handler:",
            "write file.function",
            None,
        ),
        (
            "name: ab\nruntime: Python3\nmemorySize: 128\n",
            "skiff.yaml:3:",
            "unknown field \"memorySize\"",
            Some("memory?"),
        ),
        (
            "name: ab\nruntime: Python3\nnetwork: pubic\n",
            "skiff.yaml:3:",
            "network:",
            Some("public"),
        ),
        (
            "name: -x\nruntime: Python3\n",
            "skiff.yaml:1:",
            "name: function name \"-x\"",
            None,
        ),
        ("runtime: Python3\n", "skiff.yaml:", "name: the field is missing", None),
        ("name: ab\n", "skiff.yaml:1:", "runtime: ab needs a runtime", None),
        (
            "name: ab\nruntime: Python3\ncode: nowhere\n",
            "skiff.yaml:3:",
            "code: there is no nowhere",
            None,
        ),
        (
            "name: ab\nname: cd\nruntime: Python3\n",
            "skiff.yaml:2:",
            "name: it is given twice: give it once",
            None,
        ),
        ("", "skiff.yaml:", "the file says nothing", None),
        (
            "name:\nruntime: P\n",
            "skiff.yaml:1:",
            "name: the value is missing",
            None,
        ),
        (
            "name: ab\nruntime: P\n---\nname: cd\nruntime: P\n",
            "skiff.yaml:4:",
            "list the functions under `functions:`",
            None,
        ),
        ("functions:\n", "skiff.yaml:1:", "functions: the list is empty", None),
        (
            "name: ab\nruntime: P\nenvironment: [a]\n",
            "skiff.yaml:3:",
            "environment: give names with values",
            None,
        ),
        (
            "name: ab\nruntime: P\nenvironment:\n  - A=1\n",
            "skiff.yaml:4:",
            "environment: give names with values",
            None,
        ),
        (
            "name: ab\n\truntime: Python3\n",
            "skiff.yaml:2:",
            "a tab indents nothing in YAML: use spaces",
            None,
        ),
        (
            "name: ab\nruntime: P\nenvironment:\n- A: 1\n- B: 2\n",
            "skiff.yaml:4:",
            "environment: give names with values",
            None,
        ),
        (
            "name: ab\nruntime: P\nignore: x\n",
            "skiff.yaml:3:",
            "ignore: give a list",
            None,
        ),
        (
            "name: ab\nruntime: [P]\n",
            "skiff.yaml:2:",
            "runtime: give one value",
            None,
        ),
        (
            "name: ab\nruntime: Python3\nenvironment:\n  KEY:\n",
            "skiff.yaml:4:",
            "KEY: the value is missing",
            None,
        ),
        ("functions: []\n", "skiff.yaml:1:", "functions: the list is empty", None),
        (
            "functions:\n  - name: ab\n    runtime: P\n    tiemout: 3\n",
            "skiff.yaml:4:",
            "tiemout",
            Some("timeout"),
        ),
        (
            "functions:\n  - name: ab\n    runtime: P\n  - name: ab\n    runtime: P\n",
            "skiff.yaml:4:",
            "twice",
            None,
        ),
        (
            "memory: 128\nfunctions:\n  - name: ab\n",
            "skiff.yaml:1:",
            "unknown field \"memory\"",
            None,
        ),
        ("name: [\n", "skiff.yaml:", "", None),
        ("- a\n- b\n", "skiff.yaml:1:", "give names with values", None),
    ] {
        let error = parse(text, Path::new("skiff.yaml")).expect_err(text);
        let shown = error.to_string();
        assert!(
            shown.starts_with(place) && shown.contains(says),
            "{text:?} says: {shown}"
        );
        assert!(!shown.contains('\n'), "one line: {shown}");
        match hint {
            Some(hint) => assert!(
                error.hint().is_some_and(|text| text.contains(hint)),
                "{text:?}: {:?}",
                error.hint()
            ),
            None => assert_eq!(error.hint(), None, "{text:?}"),
        }
    }
}

#[test]
fn a_folder_without_a_manifest_says_what_one_looks_like() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = read(folder.path()).expect_err("nothing there");
    assert!(error.to_string().ends_with("skiff.yaml"), "{error}");
    assert!(error.hint().expect("a hint").contains("runtime: Python3"));
    fs::write(folder.path().join("skiff.yml"), "name: ab\nruntime: P\n").expect("a file");
    let error = read(folder.path()).expect_err("another name");
    assert!(
        error.hint().expect("a hint").contains("skiff.yml"),
        "{:?}",
        error.hint()
    );
}

#[test]
fn paths_are_relative_to_the_manifests_own_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("src")).expect("a folder");
    fs::write(folder.path().join(FILE_NAME), "name: ab\nruntime: Python3\ncode: src\n").expect("a file");
    for given in [folder.path().to_owned(), folder.path().join(FILE_NAME)] {
        assert_eq!(
            read(&given).expect("a manifest").functions[0].code,
            folder.path().join("src")
        );
    }
}
