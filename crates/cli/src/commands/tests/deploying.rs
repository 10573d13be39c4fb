//! `skiff deploy`: what is sent of what differs, and what is left where something fails.

use super::*;

#[test]
fn a_new_folder_is_created_with_everything_said() {
    let created = std::sync::atomic::AtomicBool::new(false);
    let api = FakeApi::start(move |action, params| match action {
        "CreateFunction" => {
            created.store(true, std::sync::atomic::Ordering::SeqCst);
            Ok(json!({}))
        }
        "GetFunction" if !created.load(std::sync::atomic::Ordering::SeqCst) => no_function(),
        "GetFunction" => active(params),
        _ => Ok(json!({})),
    });
    let folder = folder("name: hello\nruntime: Python3\nnamespace: staging\nenvironment: {A: 1}\nnetwork: none\n");
    let ran = api.run(&["deploy", path(&folder)]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert!(
        ran.out
            .starts_with("staging/hello created: Python3.11, 128 MB, 3 s (1 file, "),
        "{ran:?}"
    );
    assert_eq!(api.changes(), ["ListNamespaces", "CreateNamespace", "CreateFunction"]);
    let mut params = api.params("CreateFunction");
    assert!(
        params["Code"]["ZipFile"]
            .as_str()
            .is_some_and(|zip| zip.starts_with("UEsDB")),
        "{params}"
    );
    params["Code"] = Value::Null;
    let expected = json!({
        "Runtime": "Python3", "Handler": "index.main_handler", "MemorySize": 128, "Timeout": 3, "InitTimeout": 65,
        "Description": "", "Environment": {"Variables": [{"Key": "A", "Value": "1"}]}, "Layers": [], "Role": "",
        "InstanceConcurrencyConfig": {"DynamicEnabled": "FALSE", "MaxConcurrency": 1},
        "PublicNetConfig": {"PublicNetStatus": "DISABLE"},
        "VpcConfig": {"VpcId": "none", "SubnetId": ""},
        "FunctionName": "hello", "Namespace": "staging", "Code": null,
    });
    assert_eq!(params, expected);
}

#[test]
fn a_known_function_gets_its_code_and_only_the_settings_that_differ() {
    let api = FakeApi::start(|action, params| {
        if action == "GetFunction" {
            active(params)
        } else {
            Ok(json!({}))
        }
    });
    let folder = folder("name: hello\nruntime: Python3\nmemory: 256\nhandler: app.go\n");
    fs::write(folder.path().join("app.py"), "def go(event, context): pass\n").expect("a file");
    let ran = api.run(&["deploy", path(&folder)]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert!(
        ran.out
            .starts_with("hello updated: memory 128 -> 256, handler index.main_handler -> app.go, code (2 files,"),
        "{ran:?}"
    );
    assert_eq!(api.changes(), ["UpdateFunctionConfiguration", "UpdateFunctionCode"]);
    let expected = json!({"MemorySize": 256, "FunctionName": "hello", "Namespace": "default"});
    assert_eq!(api.params("UpdateFunctionConfiguration"), expected);
    assert_eq!(api.params("UpdateFunctionCode")["Handler"], "app.go");
}

#[test]
fn what_the_server_has_already_is_not_sent_again() {
    let folder = folder("name: hello\nruntime: Python3\n");
    let zip = crate::package::load(folder.path(), &[]).expect("a package").zip;
    let digest = skiff_domain::CodeDigest::of(&zip).to_string();
    let api = FakeApi::start(move |action, params| {
        assert_eq!(action, "GetFunction");
        let mut function = active(params)?;
        if params["ShowCodeSha256"] == "TRUE" {
            function["CodeSha256"] = json!(digest);
        }
        Ok(function)
    });
    let ran = api.run(&["deploy", path(&folder)]);
    assert!(
        ran.exit == 0 && ran.out.starts_with("hello unchanged: Python3.11, 128 MB, 3 s (1 file"),
        "{ran:?}"
    );
    assert_eq!(api.changes(), Vec::<String>::new());
    let ran = api.run(&["deploy", path(&folder), "-o", "json"]);
    let report: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(
        (&report[0]["action"], &report[0]["changes"]),
        (&json!("unchanged"), &json!([]))
    );
}

#[test]
fn a_namespace_is_created_with_its_first_function_and_gone_when_that_fails() {
    let existing = json!({"Namespaces": [{"Name": "default"}, {"Name": "prod"}], "TotalCount": 2});
    let api = FakeApi::start(move |action, _| match action {
        "ListNamespaces" => Ok(existing.clone()),
        "GetFunction" => Err(("ResourceNotFound.Function", "no function")),
        "GetLayerVersion" => Err(("ResourceNotFound.LayerVersion", "no version 9 of the layer deps")),
        "CreateFunction" => Err(("InvalidParameterValue.Runtime", "Runtime Python3 is not installed")),
        _ => Ok(json!({})),
    });
    let layered = folder("name: hello\nruntime: Python3\nnamespace: staging\nlayers: ['deps:9']\n");
    let ran = api.run(&["deploy", path(&layered)]);
    assert!(
        ran.exit != 0 && ran.err.contains("version 9 of the layer deps"),
        "{ran:?}"
    );
    assert_eq!(api.changes(), ["ListNamespaces", "GetLayerVersion"], "nothing is made");

    for (namespace, changes) in [
        (
            "staging",
            &["ListNamespaces", "CreateNamespace", "CreateFunction", "DeleteNamespace"][..],
        ),
        ("prod", &["ListNamespaces", "CreateFunction"]),
    ] {
        let before = api.changes().len();
        let folder = folder(&format!("name: hello\nruntime: Python3\nnamespace: {namespace}\n"));
        let ran = api.run(&["deploy", path(&folder)]);
        assert!(ran.exit != 0 && ran.err.contains("not installed"), "{ran:?}");
        assert_eq!(api.changes()[before..], *changes, "{namespace}");
    }
}

#[test]
fn a_plan_says_every_change_and_asks_only_questions() {
    let api = FakeApi::start(|action, params| match (action, params["FunctionName"].as_str()) {
        ("ListNamespaces", _) => Ok(json!({"Namespaces": [{"Name": "default"}], "TotalCount": 1})),
        ("GetFunction", Some("new")) => Err(("ResourceNotFound.Namespace", "no namespace [staging]")),
        ("GetFunction", _) => active(params),
        _ => panic!("{action} is no question"),
    });
    let folder = folder(
        "defaults: {runtime: Python3}\nfunctions:\n  - {name: hello, memory: 256, environment: {KEY: secret}}\n  \
         - {name: new, namespace: staging, description: Greets}\n",
    );
    let ran = api.run(&["deploy", "--plan", path(&folder)]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert!(ran.err.contains("namespace staging would be created"), "{ran:?}");
    assert!(!ran.out.contains("secret"), "{ran:?}");
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[0].starts_with("hello would be updated ("), "{ran:?}");
    assert_eq!(lines[1..3], ["  memory 128 -> 256", "  environment KEY added"]);
    assert!(lines[3].starts_with("  code none -> "), "{ran:?}");
    assert!(lines[4].starts_with("staging/new would be created ("), "{ran:?}");
    for line in [
        "  runtime Python3",
        "  memory 128",
        "  description Greets",
        "  network public",
    ] {
        assert!(lines.contains(&line), "{line}: {ran:?}");
    }
    let report: Value =
        serde_json::from_str(&api.run(&["deploy", "--plan", "-o", "json", path(&folder)]).out).expect("JSON");
    assert_eq!(
        (&report[0]["action"], &report[1]["action"]),
        (&json!("updated"), &json!("created"))
    );
    assert_eq!(report[0]["code"]["after"].as_str().map(str::len), Some(64), "{report}");
}

#[test]
fn a_mistake_in_one_function_leaves_all_as_they_were() {
    let api = FakeApi::start(|_, params| active(params));
    for (two, said) in [
        ("code: gone", "skiff.yaml:5: code: there is no "),
        ("handler: app.go", "skiff.yaml:5: handler: app.go needs the file app.py"),
        ("timeout: 901", "skiff.yaml:5: timeout: 901 seconds are not possible"),
    ] {
        let entries = format!(
            "functions:\n  - {{name: one, runtime: Python3}}\n  - name: two\n    runtime: Python3\n    {two}\n"
        );
        let folder = folder(&entries);
        let ran = api.run(&["deploy", path(&folder)]);
        assert_eq!((ran.exit, api.calls().len()), (2, 0), "{ran:?}");
        assert!(ran.err.contains(said), "{ran:?}");
    }
}

#[test]
fn what_was_deployed_before_a_failure_is_reported() {
    let api = FakeApi::start(|action, params| match action {
        "GetFunction" => active(params),
        _ if params["FunctionName"] == "two" => Err(("InvalidParameterValue.Handler", "no such file")),
        _ => Ok(json!({})),
    });
    let folder = folder("defaults: {runtime: Python3}\nfunctions: [{name: one}, {name: two}]\n");
    let ran = api.run(&["deploy", path(&folder)]);
    assert_eq!(ran.exit, 3, "{ran:?}");
    assert!(
        ran.out.starts_with("one updated")
            && ran.err.starts_with(
                "skiff: two was not deployed: no such file (InvalidParameterValue.Handler)\n  it is handler of two in "
            ),
        "{ran:?}"
    );
    let ran = api.run(&["deploy", path(&folder), "-o", "json"]);
    let report: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(
        (ran.exit, &report[0]["name"], &report[1]),
        (3, &json!("one"), &Value::Null),
        "{ran:?}"
    );
    let error: Value = serde_json::from_str(&ran.err).expect("JSON");
    assert_eq!(error["error"]["code"], "InvalidParameterValue.Handler");
    assert!(
        error["error"]["message"]
            .as_str()
            .is_some_and(|text| text.starts_with("two was not")),
        "{error}"
    );
}

#[test]
fn a_function_whose_code_is_refused_gets_its_settings_back() {
    for (refuse_both, said) in [
        (false, ""),
        (true, "; what was updated before stays so: memory 128 -> 256"),
    ] {
        let api = FakeApi::start(move |action, params| match action {
            "GetFunction" => active(params),
            "UpdateFunctionConfiguration" if !refuse_both || params["MemorySize"] == 256 => Ok(json!({})),
            _ => Err(("InvalidParameterValue.ZipFile", "a link leads out")),
        });
        let folder = folder("name: hello\nruntime: Python3\nmemory: 256\n");
        let ran = api.run(&["deploy", path(&folder)]);
        assert_eq!((ran.exit, ran.out.as_str()), (3, ""), "{ran:?}");
        let first = format!("skiff: hello was not deployed: a link leads out (InvalidParameterValue.ZipFile){said}\n");
        assert!(ran.err.starts_with(&first), "{ran:?}");
        let back = json!({"MemorySize": 128, "FunctionName": "hello", "Namespace": "default"});
        assert_eq!(api.params("UpdateFunctionConfiguration"), back);
    }
}

#[test]
fn a_deployment_that_fails_says_why_and_exits_3() {
    let api = FakeApi::start(|action, _| match action {
        "GetFunction" => Ok(
            json!({"Status": "UpdateFailed", "StatusReasons": [{"ErrorCode": "x", "ErrorMessage": "no entry file"}]}),
        ),
        _ => Ok(json!({})),
    });
    let folder = folder("name: hello\nruntime: Python3\n");
    let ran = api.run(&["deploy", path(&folder)]);
    assert_eq!(ran.exit, 3, "{ran:?}");
    assert!(ran.err.contains("hello is UpdateFailed: no entry file"), "{ran:?}");
}
