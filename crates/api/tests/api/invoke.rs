//! Invoke and InvokeFunction: what is run, and the result's fields (CONTRACT 4.1).

use bytes::Bytes;
use serde_json::json;
use skiff_domain::StatusCode;

use crate::server::{Server, code, with};

#[tokio::test]
async fn a_result_has_every_documented_field_and_the_answers_id() {
    let server = Server::with_hello().await;
    let answer = server
        .ok(
            "Invoke",
            json!({"FunctionName": "hello", "ClientContext": "{\"key1\":\"值\"}"}),
        )
        .await;
    let id = &answer["RequestId"];
    assert_eq!(
        answer["Result"],
        json!({
            "Log": "", "RetMsg": "\"Hello World\"", "ErrMsg": "", "MemUsage": 3_207_168, "Duration": 0.826,
            "BillDuration": 1, "FunctionRequestId": id, "InvokeResult": 0
        })
    );
    let seen = server.invoker.seen.lock();
    assert_eq!(seen[0].event, "{\"key1\":\"值\"}");
    assert_eq!(
        (seen[0].qualifier.as_str(), seen[0].version.label.as_str()),
        ("$LATEST", "$LATEST")
    );
    assert_eq!(seen[0].version.key.to_string(), "default/hello");
}

#[tokio::test]
async fn invoke_function_takes_its_event_as_event_and_asks_for_the_default_alias() {
    let server = Server::with_hello().await;
    let answer = server
        .ok("InvokeFunction", json!({"FunctionName": "hello", "Event": "[1]"}))
        .await;
    assert_eq!(answer["Result"]["RetMsg"], "\"Hello World\"");
    assert_eq!(
        server.code("InvokeFunction", json!({"FunctionName": "hello"})).await,
        ""
    );
    let seen = server.invoker.seen.lock();
    assert_eq!(
        (seen[0].event.as_ref(), seen[0].qualifier.as_str()),
        (&b"[1]"[..], "$DEFAULT")
    );
}

#[tokio::test]
async fn a_failed_run_is_a_result_and_a_bad_event_is_an_error() {
    let server = Server::with_hello().await;
    for (status, invoke_result, error) in [
        (StatusCode::Success, 0, ""),
        (StatusCode::UserException, 1, ""),
        (StatusCode::UserCodeError, 1, ""),
        (StatusCode::HandlerNotFound, 1, ""),
        (StatusCode::TimeLimitReached, -1, ""),
        (StatusCode::MemoryLimitReached, -1, ""),
        (StatusCode::ProcessExited, -1, ""),
        (StatusCode::ConcurrencyExceeded, -1, ""),
        (StatusCode::ResponseTooLarge, -1, ""),
        (StatusCode::InvalidEvent, 0, "InvalidParameterValue.Param"),
        (StatusCode::RequestTooLarge, 0, "InvalidParameter.RequestTooLarge"),
    ] {
        {
            let mut end = server.invoker.end.lock();
            end.status = status;
            end.ret_msg = b"{\"errorCode\":-1}";
            end.err_msg = "what happened";
        }
        let answer = server.call("Invoke", json!({"FunctionName": "hello"})).await;
        assert_eq!(code(&answer), error, "{status}");
        if error.is_empty() {
            assert_eq!(answer["Result"]["InvokeResult"], invoke_result, "{status}");
            assert_eq!(answer["Result"]["ErrMsg"], "what happened");
            assert_eq!(answer["Result"]["RetMsg"], "{\"errorCode\":-1}");
        } else {
            assert_eq!(answer["Error"]["Message"], "ClientContext is not valid: what happened");
        }
    }
}

#[tokio::test]
async fn the_log_comes_only_when_asked_for_and_only_its_end() {
    let server = Server::with_hello().await;
    let log = format!("START\n{}\nEND\n", "x".repeat(10_000));
    server.invoker.end.lock().log = Bytes::from(log.clone());
    for (log_type, expected) in [
        ("None", ""),
        ("none", ""),
        ("Tail", &log[log.len() - 4096..]),
        ("tail", &log[log.len() - 4096..]),
    ] {
        let answer = server
            .ok("Invoke", json!({"FunctionName": "hello", "LogType": log_type}))
            .await;
        assert_eq!(answer["Result"]["Log"], expected, "{log_type}");
    }
}

#[tokio::test]
async fn what_cannot_be_run_is_refused_and_not_run() {
    let server = Server::with_hello().await;
    let hello = || json!({"FunctionName": "hello"});
    for (parameters, expected) in [
        (json!({}), "MissingParameter"),
        (json!({"FunctionName": "nobody"}), "ResourceNotFound.Function"),
        (
            with(hello(), json!({"Namespace": "nowhere"})),
            "ResourceNotFound.Namespace",
        ),
        (
            with(hello(), json!({"Namespace": "no/where"})),
            "InvalidParameterValue.Namespace",
        ),
        (with(hello(), json!({"Qualifier": "7"})), "ResourceNotFound.Qualifier"),
        (
            with(hello(), json!({"Qualifier": "$HEAD"})),
            "InvalidParameterValue.Qualifier",
        ),
        (
            with(hello(), json!({"InvocationType": "Event"})),
            "UnsupportedOperation",
        ),
        (
            with(hello(), json!({"InvocationType": "event"})),
            "UnsupportedOperation",
        ),
        (
            with(hello(), json!({"InvocationType": "Later"})),
            "InvalidParameterValue.InvokeType",
        ),
        (with(hello(), json!({"LogType": "Full"})), "InvalidParameterValue"),
        (
            with(hello(), json!({"RoutingKey": "Bob"})),
            "InvalidParameterValue.RoutingConfig",
        ),
        (with(hello(), json!({"ClientContext": {"a": 1}})), "InvalidParameter"),
        (
            json!({"FunctionName": "../hello"}),
            "InvalidParameterValue.FunctionName",
        ),
    ] {
        assert_eq!(
            server.code("Invoke", parameters.clone()).await,
            expected,
            "{parameters}"
        );
    }
    assert!(server.invoker.seen.lock().is_empty());
    for parameters in [
        with(
            hello(),
            json!({"InvocationType": "requestresponse", "Qualifier": "$DEFAULT"}),
        ),
        with(
            hello(),
            json!({"InvocationType": "", "Qualifier": "", "LogType": "", "RoutingKey": "", "Namespace": ""}),
        ),
    ] {
        server.ok("Invoke", parameters).await;
    }
}
