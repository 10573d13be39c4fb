//! Whole command lines against an API in this process: what is asked of it, what is printed, how it ends.

use std::fs;

use serde_json::{Value, json};

use crate::testing::{Answer, FakeApi, run};

mod calling;
mod deploying;

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
        "--instance-concurrency",
        "50",
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
    let concurrency = json!({"DynamicEnabled": "FALSE", "MaxConcurrency": 50});
    assert_eq!(params["InstanceConcurrencyConfig"], concurrency);

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
                {"runtime": "Nodejs18.15", "source": "npm:18.15.0", "bytes": 90_900_480, "ready": 2, "reason": null, "fails": false},
                {"runtime": "Php8.0", "source": "oci:php", "bytes": 1_000_000, "ready": 0, "reason": "no libssl", "fails": true},
                {"runtime": "Python3.11", "source": "host:/usr/bin/python3.11", "bytes": null, "ready": 4, "reason": null, "fails": false},
            ],
            "functions": [{"namespace": "default", "name": "hello", "version": "$LATEST", "runtime": "Python3.11",
                           "memoryMb": 128, "running": 2, "waiting": 1, "busy": 1, "idle": 3, "calls": 4, "errors": 1, "billedMs": 6}],
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
        vec!["NAME", "SOURCE", "SIZE", "READY", "REASON"],
        vec!["Nodejs18.15", "npm:18.15.0", "91", "MB", "2"],
        vec!["Php8.0", "oci:php", "1", "MB", "0", "no", "libssl"],
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
