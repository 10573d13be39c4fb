//! `skiff invoke`: what goes where, and how each end of a call ends the command.

use super::*;

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
