//! Every end, with what the caller is told.

use std::time::Duration;

use skiff_domain::InitOutput;

use super::*;
use crate::fakes::version;

const ID: &str = "a325b967-ef5b-4aa3-a329-c6bb0df72948";

fn id() -> RequestId {
    ID.parse().unwrap()
}

fn fault() -> UserFault {
    UserFault {
        message: "Exception: err msg".to_owned(),
        stack_trace: "Traceback (most recent call last):\nException: err msg".to_owned(),
    }
}

#[test]
fn a_result_is_passed_on_as_it_is() {
    let verdict = Verdict::of_run(AttemptEnd::Returned("\"Hello\"".into()), id(), &version("ff"));
    assert_eq!(verdict.status, StatusCode::Success);
    assert_eq!(verdict.ret_msg, "\"Hello\"");
    assert_eq!(verdict.err_msg, "");
}

#[test]
fn the_error_json_is_the_documented_one() {
    for (end, json) in [
        (
            AttemptEnd::Raised(fault()),
            r#"{"errorCode":-1,"errorMessage":"user code exception caught","requestId":"ID","stackTrace":"Traceback (most recent call last):\nException: err msg","statusCode":430}"#,
        ),
        (
            AttemptEnd::TimedOut,
            r#"{"errorCode":-1,"errorMessage":"Invoking task timed out after 3 seconds","requestId":"ID","statusCode":433}"#,
        ),
        (
            AttemptEnd::Exited("exit code 3".to_owned()),
            r#"{"errorCode":-1,"errorMessage":"User process exit when running","requestId":"ID","statusCode":439}"#,
        ),
    ] {
        let verdict = Verdict::of_run(end, id(), &version("ff"));
        assert_eq!(verdict.ret_msg, json.replace("ID", ID));
    }
    let refusal = Refusal::FunctionConcurrency { quota_mb: 256 };
    assert_eq!(
        Verdict::of_refusal(&refusal, id(), &version("xxx")).ret_msg,
        r#"{"errorCode":-1,"errorMessage":"Function [xxx] concurrency exceeded reserved quota 256 MB","requestId":"ID","statusCode":432}"#
            .replace("ID", ID)
    );
}

#[test]
fn every_end_of_a_run_has_its_status_and_text() {
    for (end, status, err_msg) in [
        (AttemptEnd::Raised(fault()), 430, "Exception: err msg"),
        (AttemptEnd::TimedOut, 433, "Invoking task timed out after 3 seconds"),
        (AttemptEnd::OutOfMemory, 434, "Memory limit of 128 MB reached"),
        (
            AttemptEnd::Exited("signal 9".to_owned()),
            439,
            "User process exit when running: signal 9",
        ),
        (
            AttemptEnd::ResponseTooLarge { bytes: 7 << 20 },
            407,
            "size of response exceeds the upper limit (6MB): the result is 7340032 bytes long",
        ),
        (
            AttemptEnd::Garbage("7 bytes".to_owned()),
            439,
            "User process exit when running: stopped, as it broke the runtime's protocol: 7 bytes",
        ),
    ] {
        let verdict = Verdict::of_run(end, id(), &version("ff"));
        assert_eq!((verdict.status.code(), verdict.err_msg.as_str()), (status, err_msg));
    }
}

#[test]
fn every_failed_start_has_its_status_and_text() {
    let output = InitOutput::default;
    for (error, status, err_msg) in [
        (
            StartError::HandlerNotFound(fault(), output()),
            437,
            "Exception: err msg",
        ),
        (StartError::UserCode(fault(), output()), 443, "Exception: err msg"),
        (
            StartError::Exited("exit code 1".to_owned(), output()),
            439,
            "User process exit when initialising: exit code 1",
        ),
        (StartError::OutOfMemory(output()), 434, "Memory limit of 128 MB reached"),
        (
            StartError::TimedOut(output()),
            450,
            "Initialising function timed out after 65 seconds",
        ),
        (
            StartError::NoRoom("out of memory".to_owned()),
            449,
            "No room for another instance: out of memory; try again later",
        ),
        (
            StartError::Unavailable("no such network here".to_owned()),
            445,
            "no such network here",
        ),
        (StartError::Platform("/secret/path".to_owned()), 500, "Internal error"),
    ] {
        let verdict = Verdict::of_failed_start(error, id(), &version("ff"));
        assert_eq!((verdict.status.code(), verdict.err_msg.as_str()), (status, err_msg));
        let json: Value = serde_json::from_slice(&verdict.ret_msg).unwrap();
        assert_eq!(json["statusCode"], status);
        assert_eq!(json["stackTrace"].is_string(), matches!(status, 437 | 443));
    }
}

#[test]
fn an_error_without_a_traceback_still_says_what_it_was() {
    let fault = UserFault {
        message: "TypeError: Object of type set is not JSON serializable".to_owned(),
        stack_trace: String::new(),
    };
    let verdict = Verdict::of_run(AttemptEnd::Raised(fault), id(), &version("ff"));
    let json: Value = serde_json::from_slice(&verdict.ret_msg).unwrap();
    assert_eq!(
        json["stackTrace"],
        "TypeError: Object of type set is not JSON serializable"
    );
}

#[test]
fn every_refusal_has_its_status_and_text() {
    for (refusal, status, message) in [
        (
            Refusal::FunctionConcurrency { quota_mb: 100 },
            432,
            "Function [ff] concurrency exceeded reserved quota 100 MB: a call needs 128 MB, raise the reservation or lower \
             the memory",
        ),
        (
            Refusal::FunctionConcurrency { quota_mb: 0 },
            432,
            "Function [ff] concurrency exceeded reserved quota 0 MB",
        ),
        (
            Refusal::AccountConcurrency { quota_mb: 128_000 },
            432,
            "Function [ff] concurrency exceeded region unreserved quota 128000 MB",
        ),
        (
            Refusal::WaitingFull { waiting_max: 7 },
            429,
            "Function [ff] has 7 calls waiting for new instances, which is the limit",
        ),
        (Refusal::Stopping, 500, "The service is stopping; try again later"),
    ] {
        let verdict = Verdict::of_refusal(&refusal, id(), &version("ff"));
        assert_eq!((verdict.status.code(), verdict.err_msg.as_str()), (status, message));
    }
}

#[test]
fn a_timeout_that_is_no_whole_second_is_said_as_it_is() {
    let mut version = version("ff");
    version.timeout = Duration::from_millis(1500);
    let verdict = Verdict::of_run(AttemptEnd::TimedOut, id(), &version);
    assert_eq!(verdict.err_msg, "Invoking task timed out after 1.5 seconds");
}
