//! Whole command lines against an API in this process: what is asked of it, what is printed, how it ends.

use std::fs;

use serde_json::{Value, json};

use crate::testing::{Answer, FakeApi, run};

fn active(_: &Value) -> Answer {
    Ok(
        json!({"FunctionName": "hello", "Status": "Active", "Runtime": "Python3.11", "MemorySize": 128, "Timeout": 3,
              "InitTimeout": 65, "Handler": "index.main_handler", "Description": ""}),
    )
}

fn no_function() -> Answer {
    Err((
        "ResourceNotFound.Function",
        "Function [helo] was not found in namespace [default].",
    ))
}

fn folder(yaml: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("skiff.yaml"), yaml).expect("a file");
    fs::write(
        folder.path().join("index.py"),
        "def main_handler(event, context):\n    return 1\n",
    )
    .expect("a file");
    folder
}

fn path(folder: &tempfile::TempDir) -> &str {
    folder.path().to_str().expect("UTF-8")
}

#[test]
fn functions_are_listed_page_by_page_as_a_table_or_json() {
    let api = FakeApi::start(|_, params| {
        let offset = params["Offset"].as_u64().expect("a number");
        let page: Vec<_> = (offset..250)
            .take(100)
            .map(|id| json!({"FunctionName": format!("f{id}"), "Status": "Active"}))
            .collect();
        Ok(json!({"Functions": page, "TotalCount": 250}))
    });
    let table = api.run(&["function", "list", "-n", "staging"]);
    assert_eq!((table.exit, table.out.lines().count()), (0, 251), "{table:?}");
    assert!(table.out.starts_with("NAMESPACE  NAME"), "{}", table.out);
    assert_eq!(api.calls().len(), 3);
    assert_eq!(api.params("ListFunctions")["Namespace"], "staging");
    let json = api.run(&["function", "list", "--output", "json"]);
    let listed: Vec<Value> = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(listed.len(), 250);
}

#[test]
fn a_mistyped_name_suggests_the_near_one_and_exits_3() {
    let api = FakeApi::start(|action, _| match action {
        "ListFunctions" => Ok(json!({"Functions": [{"FunctionName": "hello"}, {"FunctionName": "probe"}]})),
        _ => no_function(),
    });
    for command in [
        &["invoke", "helo"][..],
        &["function", "show", "helo"],
        &["function", "delete", "helo"],
        &["logs", "helo"],
    ] {
        let ran = api.run(command);
        assert_eq!(ran.exit, 3, "{ran:?}");
        assert!(
            ran.err.contains("did you mean hello?") && ran.err.contains("ResourceNotFound.Function"),
            "{ran:?}"
        );
    }
    let ran = api.run(&["invoke", "helo", "-o", "json"]);
    let error: Value = serde_json::from_str(&ran.err).expect("JSON");
    assert_eq!(error["error"]["code"], "ResourceNotFound.Function");
    assert_eq!(error["error"]["hint"], "did you mean hello?");
}

#[test]
fn nobody_there_exits_4_and_says_how_to_start_the_server() {
    let ran = run(&[
        "function",
        "list",
        "--endpoint",
        "127.0.0.1:1",
        "--secret-id",
        "a",
        "--secret-key",
        "b",
    ]);
    assert_eq!(ran.exit, 4, "{ran:?}");
    assert!(
        ran.err.contains("http://127.0.0.1:1") && ran.err.contains("skiff serve"),
        "{ran:?}"
    );
}

#[test]
fn a_wrong_key_exits_3_with_what_does_not_fit() {
    let api = FakeApi::start(|_, _| Ok(json!({})));
    let ran = api.run(&["namespace", "list"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    let endpoint = api.endpoint();
    let ran = run(&[
        "namespace",
        "list",
        "--endpoint",
        &endpoint,
        "--secret-id",
        "AKIDlocaltest",
        "--secret-key",
        "no",
    ]);
    assert_eq!(ran.exit, 3, "{ran:?}");
    assert!(ran.err.contains("the secret key does not fit the secret id"), "{ran:?}");
}

#[test]
fn a_result_goes_to_stdout_alone_and_its_log_and_figures_to_stderr() {
    let api = FakeApi::start(|_, _| {
        Ok(
            json!({"Result": {"InvokeResult": 0, "RetMsg": "{\"a\": 1}", "Log": "START\nhi\nEND", "Duration": 1.5,
                  "BillDuration": 2, "MemUsage": 3_207_168, "FunctionRequestId": "id-1"}}),
        )
    });
    let ran = api.run(&["invoke", "hello", "--data", "{\"n\": [1]}", "--log", "--qualifier", "2"]);
    assert_eq!((ran.exit, ran.out.as_str()), (0, "{\"a\": 1}\n"), "{ran:?}");
    for said in [
        "START\nhi\nEND\n",
        "duration 1.5 ms, billed 2 ms, memory 3.1 MB, request id id-1",
    ] {
        assert!(ran.err.contains(said), "{ran:?}");
    }
    let expected =
        json!({"FunctionName": "hello", "Qualifier": "2", "ClientContext": "{\"n\": [1]}", "LogType": "Tail"});
    assert_eq!(api.params("Invoke"), expected);
}

#[test]
fn a_function_that_failed_exits_1_with_its_traceback() {
    let api = FakeApi::start(|_, _| {
        let error = json!({"errorCode": -1, "errorMessage": "user code exception caught", "statusCode": 430,
                           "stackTrace": "Traceback\n  boom"});
        Ok(json!({"Result": {"InvokeResult": 1, "RetMsg": error.to_string(), "FunctionRequestId": "id-1"}}))
    });
    let ran = api.run(&["invoke", "hello"]);
    assert_eq!((ran.exit, ran.out.as_str()), (1, ""), "{ran:?}");
    assert!(
        ran.err.contains("Traceback\n  boom\n") && ran.err.contains("user code exception caught (430)"),
        "{ran:?}"
    );
    let ran = api.run(&["invoke", "hello", "-o", "json"]);
    let result: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((ran.exit, &result["InvokeResult"]), (1, &json!(1)), "{ran:?}");
    let error: Value = serde_json::from_str(&ran.err).expect("JSON");
    assert_eq!(error["error"]["requestId"], "id-1");
}

#[test]
fn a_call_the_platform_did_not_run_exits_3_and_is_not_the_functions_failure() {
    let api = FakeApi::start(|_, _| {
        let error = json!({"errorCode": -1, "errorMessage": "No room for another instance", "statusCode": 449});
        Ok(json!({"Result": {"InvokeResult": -1, "RetMsg": error.to_string(), "FunctionRequestId": "id-1"}}))
    });
    let ran = api.run(&["invoke", "hello"]);
    assert_eq!((ran.exit, ran.out.as_str()), (3, ""), "{ran:?}");
    assert!(
        ran.err
            .starts_with("skiff: the call was refused: No room for another instance (449)\n")
            && ran.err.ends_with("request id id-1\n"),
        "{ran:?}"
    );
    let ran = api.run(&["invoke", "hello", "-o", "json"]);
    let error: Value = serde_json::from_str(&ran.err).expect("JSON");
    assert_eq!(
        (ran.exit, &error["error"]["code"]),
        (3, &json!("InsufficientResources"))
    );
}

#[test]
fn an_asynchronous_call_shows_what_the_server_says_to_it() {
    let api = FakeApi::start(|_, params| match params["InvocationType"].as_str() {
        Some("Event") => Err((
            "InvalidParameterValue.InvokeType",
            "InvocationType Event is not available yet.",
        )),
        _ => Ok(json!({})),
    });
    let ran = api.run(&["invoke", "hello", "--async"]);
    assert_eq!(ran.exit, 3, "{ran:?}");
    assert!(
        ran.err
            .contains("is not available yet. (InvalidParameterValue.InvokeType)"),
        "{ran:?}"
    );
}

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

#[test]
fn a_large_upload_arrives_whole() {
    let api = FakeApi::start(|action, params| {
        if action == "GetFunction" {
            active(params)
        } else {
            Ok(json!({}))
        }
    });
    let folder = tempfile::tempdir().expect("a folder");
    let zip = folder.path().join("code.zip");
    let content: Vec<u8> = (0..3_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let mut archive = zip::ZipWriter::new(fs::File::create(&zip).expect("a file"));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    archive.start_file("index.py", stored).expect("a zip");
    std::io::Write::write_all(&mut archive, &content).expect("a zip");
    archive.finish().expect("a zip");
    let bytes = fs::metadata(&zip).expect("a file").len() as usize;
    let ran = api.run(&["function", "update", "hello", "--code", zip.to_str().expect("UTF-8")]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    let sent = api.params("UpdateFunctionCode")["Code"]["ZipFile"]
        .as_str()
        .map(str::len);
    assert_eq!(sent, Some(bytes.div_ceil(3) * 4));
}

#[test]
fn an_update_of_nothing_is_a_usage_error() {
    let api = FakeApi::start(|_, _| Ok(json!({})));
    let ran = api.run(&["function", "update", "hello"]);
    assert_eq!((ran.exit, api.calls().len()), (2, 0), "{ran:?}");
    // Of two changes neither is made when one cannot be.
    for arguments in [
        &["--handler", "app.go"][..],
        &["--handler", "app.go", "--memory", "256"],
        &["--code", "/nowhere", "--memory", "256"],
    ] {
        let ran = api.run(&[&["function", "update", "hello"], arguments].concat());
        assert_eq!((ran.exit, api.calls().len()), (2, 0), "{ran:?}");
        assert!(
            ran.err.contains("--code FOLDER") || ran.err.contains("/nowhere"),
            "{ran:?}"
        );
    }
}

#[test]
fn a_function_created_without_a_runtime_gets_the_newest_python() {
    let api = FakeApi::start(|action, params| {
        if action == "GetFunction" {
            active(params)
        } else {
            Ok(json!({}))
        }
    });
    let folder = folder("name: hello\n");
    for (more, runtime) in [(&[][..], "Python3"), (&["--runtime", "Python3.9"], "Python3.9")] {
        let ran = api.run(&[&["function", "create", "hello", "--code", path(&folder)], more].concat());
        assert_eq!(
            (ran.exit, &api.params("CreateFunction")["Runtime"]),
            (0, &json!(runtime)),
            "{ran:?}"
        );
    }
}

#[test]
fn flags_become_the_parameters_they_name() {
    let api = FakeApi::start(|action, params| {
        if action == "GetFunction" {
            active(params)
        } else {
            Ok(json!({}))
        }
    });
    let ran = api.run(&[
        "function",
        "update",
        "hello",
        "--memory",
        "512",
        "--timeout",
        "9",
        "--env",
        "A=1=2",
        "-e",
        "B=",
        "--network",
        "private",
    ]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    let params = api.params("UpdateFunctionConfiguration");
    assert_eq!((&params["MemorySize"], &params["Timeout"]), (&json!(512), &json!(9)));
    let variables = json!([{"Key": "A", "Value": "1=2"}, {"Key": "B", "Value": ""}]);
    assert_eq!(params["Environment"]["Variables"], variables);
    assert_eq!(params["PublicNetConfig"]["PublicNetStatus"], "DISABLE");

    api.run(&["function", "copy", "hello", "hi", "--to-namespace", "prod", "--replace"]);
    let expected = json!({"FunctionName": "hello", "NewFunctionName": "hi", "TargetNamespace": "prod", "Override": true,
                          "CopyConfiguration": true});
    assert_eq!(api.params("CopyFunction"), expected);
}

#[test]
fn a_copy_over_a_function_is_told_the_flag_that_allows_it() {
    let api = FakeApi::start(|_, _| {
        Err((
            "ResourceInUse.FunctionName",
            "hi exists already: set Override to replace it",
        ))
    });
    let ran = api.run(&["function", "copy", "hello", "hi"]);
    assert!(ran.exit == 3 && ran.err.contains("give --replace"), "{ran:?}");
}

#[test]
fn https_where_nobody_speaks_it_is_pointed_out() {
    let api = FakeApi::start(|_, _| Ok(json!({})));
    let endpoint = format!("https://{}", api.endpoint());
    let ran = run(&[
        "namespace",
        "list",
        "--endpoint",
        &endpoint,
        "--secret-id",
        "a",
        "--secret-key",
        "b",
    ]);
    assert!(ran.exit == 4 && ran.err.contains("say http:// unless"), "{ran:?}");
}

#[test]
fn many_deletions_are_one_json_array_of_what_was_done() {
    let api = FakeApi::start(|_, params| match params["FunctionName"].as_str() {
        Some("three") => no_function(),
        _ => Ok(json!({})),
    });
    let deleted = |names: &[&str]| {
        let ran = api.run(&[&["function", "delete", "-o", "json"], names].concat());
        let report: Vec<Value> = serde_json::from_str(&ran.out).expect("one JSON text");
        let names = report
            .iter()
            .map(|one| one["name"].as_str().expect("a name").to_owned());
        (ran.exit, names.collect::<Vec<_>>())
    };
    assert_eq!(deleted(&["one"]), (0, vec!["one".to_owned()]));
    assert_eq!(deleted(&["one", "two"]), (0, vec!["one".to_owned(), "two".to_owned()]));
    assert_eq!(deleted(&["one", "three", "two"]), (3, vec!["one".to_owned()]));
}

#[test]
fn logs_are_printed_oldest_first_and_filtered_by_the_server() {
    let api = FakeApi::start(|_, params| {
        let calls: Vec<Value> = (1..=3)
            .rev()
            .map(|id| json!({"RequestId": format!("r{id}"), "StartTime": "2026-03-18 09:16:13", "RetCode": if id == 2 { 430 } else { 0 }, "Duration": 2,
                             "RetryNum": 0, "Log": format!("line {id}\n")}))
            .collect();
        let limit = usize::try_from(params["Limit"].as_u64().expect("a number")).expect("small");
        Ok(json!({"Data": calls[..limit.min(3)], "TotalCount": 3}))
    });
    let ran = api.run(&[
        "logs",
        "hello",
        "--since",
        "2h",
        "--status",
        "exception",
        "--limit",
        "2",
    ]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    let expected = "==> 2026-03-18 09:16:13 UTC+8 r2 430 UserCodeException, 2 ms\nline 2\n==> 2026-03-18 09:16:13 UTC+8 r3 ok, 2 ms\nline 3\n";
    assert_eq!(ran.out, expected);
    let params = api.params("GetFunctionLogs");
    assert_eq!(params["Filter"], json!({"RetCode": "UserCodeException"}));
    assert_eq!((&params["Order"], &params["Limit"]), (&json!("desc"), &json!(2)));
}

#[test]
fn an_empty_answer_says_of_what_it_is_empty() {
    let api = FakeApi::start(|action, _| match action {
        "GetFunctionLogs" => Ok(json!({"Data": [], "TotalCount": 0})),
        _ => Ok(json!({"Functions": [], "TotalCount": 0})),
    });
    for (line, said) in [
        (
            "logs hello --since 2h --request-id r9",
            "no calls of hello since 2h, request id r9",
        ),
        (
            "logs hello --status failed --qualifier 2",
            "since 1d, qualifier 2, status failed",
        ),
        ("function list --search zzz", "contains \"zzz\""),
        ("function list", "skiff deploy"),
    ] {
        let ran = api.run(&line.split(' ').collect::<Vec<_>>());
        assert!(ran.exit == 0 && ran.err.contains(said), "{line}: {ran:?}");
    }
}

#[test]
fn logs_go_on_where_long_ones_cut_a_page_short() {
    let api = FakeApi::start(|_, params| {
        let number = |name: &str| params[name].as_u64().expect("a number");
        let offset = number("Offset");
        let calls: Vec<Value> = (offset..240.min(offset + number("Limit")))
            .take(16)
            .map(|id| json!({"RequestId": format!("r{id}"), "RetCode": 0, "Log": "long"}))
            .collect();
        Ok(json!({"Data": calls, "TotalCount": 240}))
    });
    for (limit, shown) in [("100", 100), ("1000", 240)] {
        let ran = api.run(&["logs", "hello", "--since", "1h", "--limit", limit]);
        assert_eq!(ran.out.matches("==> ").count(), shown, "--limit {limit}");
    }
}

#[test]
fn top_and_runtimes_come_from_the_status_page() {
    let api = FakeApi::start(|path, _| match path {
        "/status.json" => Ok(json!({
            "version": "0.1.0", "uptimeSeconds": 65, "runtimes": ["Nodejs18.15", "Python3.11"],
            "stemCells": [
                {"runtime": "Nodejs18.15", "source": "npm:18.15.0", "bytes": 90_900_480, "ready": 2},
                {"runtime": "Python3.11", "source": "host:/usr/bin/python3.11", "bytes": null, "ready": 4},
            ],
            "functions": [{"namespace": "default", "name": "hello", "version": "$LATEST", "runtime": "Python3.11",
                           "memoryMb": 128, "running": 2, "waiting": 1, "idle": 3, "calls": 4, "errors": 1, "billedMs": 6}],
        })),
        _ => no_function(),
    });
    let top = api.run(&["top"]);
    assert_eq!(top.exit, 0, "{top:?}");
    assert!(
        top.out
            .starts_with("skiff 0.1.0, up 1 min 5 s; 2 running, 1 waiting, 3 idle, 6 stem cells ready\n\nNAMESPACE"),
        "{top:?}"
    );
    let listed = api.run(&["runtime", "list"]).out;
    let words: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    let expected = [
        vec!["NAME", "SOURCE", "SIZE", "READY"],
        vec!["Nodejs18.15", "npm:18.15.0", "91", "MB", "2"],
        vec!["Python3.11", "host:/usr/bin/python3.11", "4"],
    ];
    assert_eq!(words, expected);
}

#[test]
fn completion_needs_no_server() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = run(&["completion", shell]);
        assert_eq!(ran.exit, 0, "{ran:?}");
        assert!(ran.out.contains("namespace"), "{shell}");
    }
}
