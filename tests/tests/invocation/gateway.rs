//! Direct invocation: the event in, the result out, everything else in headers.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::common::{client, python};

#[test]
fn the_answer_is_the_result_and_the_headers_tell_the_rest() {
    let function = python(
        "def main_handler(event, context):\n    print('heard', event)\n    return [event, context['request_id']]\n",
    );
    let answer = client().gateway_invoke(&function.name, r#"{"text": "你好"}"#.as_bytes());
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/json"))
    );
    let id = answer.header("x-scf-request-id").expect("a request id").to_owned();
    assert_eq!(answer.json(), json!([{"text": "你好"}, id]));
    assert_eq!(
        (answer.header("x-scf-status"), answer.header("x-scf-error")),
        (Some("200"), None)
    );
    for number in ["x-scf-duration-ms", "x-scf-billed-ms", "x-scf-memory-bytes"] {
        let value: f64 = answer.header(number).and_then(|text| text.parse().ok()).expect(number);
        assert!(value > 0.0, "{number}: {value}");
    }
    let log = STANDARD
        .decode(answer.header("x-scf-log").expect("a log"))
        .expect("base64");
    let log = String::from_utf8(log).expect("text");
    let expected =
        format!("START RequestId: {id}\nEvent RequestId: {id}\nheard {{'text': '你好'}}\nEND RequestId: {id}\nReport");
    assert!(log.starts_with(&expected), "{log}");
}

#[test]
fn a_failure_of_the_function_is_a_result_with_its_name() {
    for (code, status, error) in [
        (
            "def main_handler(event, context): raise ValueError",
            "430",
            "UserCodeException",
        ),
        (
            "import os\ndef main_handler(event, context): os._exit(1)",
            "439",
            "UserProcessExit",
        ),
        ("nonsense code", "443", "UserCodeError"),
        ("def other(): pass", "437", "HandlerNotFound"),
    ] {
        let answer = client().gateway_invoke(&python(code).name, b"{}");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(
            (answer.header("x-scf-status"), answer.header("x-scf-error")),
            (Some(status), Some(error))
        );
        assert_eq!(answer.json()["statusCode"].to_string(), status);
    }
}

#[test]
fn what_is_refused_is_an_http_error_with_a_code() {
    let function = python("def main_handler(event, context): return event");
    let client = client();
    let url = |name: &str| {
        format!(
            "http://{}/2018-04-16/functions/default/{name}/invocations",
            client.gateway
        )
    };
    let basic = |id: &str, key: &str| format!("Basic {}", STANDARD.encode(format!("{id}:{key}")));
    let right = basic(&client.credentials.secret_id, &client.credentials.secret_key);
    let wrong = basic(&client.credentials.secret_id, "wrong");
    let stranger = basic("nobody", &client.credentials.secret_key);
    let large = format!("\"{}\"", "x".repeat(6 << 20));
    for (authorization, name, event, status, code) in [
        (Some(&right), "nobody", "{}", 404, "ResourceNotFound.Function"),
        (Some(&right), &*function.name, "{", 400, "InvalidParameterValue.Param"),
        (
            Some(&right),
            &*function.name,
            &*large,
            413,
            "InvalidParameter.RequestTooLarge",
        ),
        (Some(&wrong), &*function.name, "{}", 401, "AuthFailure.SignatureFailure"),
        (
            Some(&stranger),
            &*function.name,
            "{}",
            401,
            "AuthFailure.SecretIdNotFound",
        ),
        (None, &*function.name, "{}", 401, "AuthFailure.InvalidAuthorization"),
    ] {
        let headers: Vec<(&str, &str)> = authorization
            .iter()
            .map(|text| ("Authorization", text.as_str()))
            .collect();
        let answer = client.post(&url(name), &headers, event.as_bytes()).expect("an answer");
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (status, Some(code)),
            "{answer:?}"
        );
        assert!(
            answer.json()["message"].is_string() && answer.json()["requestId"].is_string(),
            "{answer:?}"
        );
    }
}

#[test]
fn every_event_of_the_api_is_one_of_the_gateway() {
    let function = python("def main_handler(event, context): return event");
    for (event, result) in [
        ("", "{}"),
        ("null", "null"),
        (" [1, 2.5] ", "[1, 2.5]"),
        ("\"\\u4f60\"", "\"你\""),
    ] {
        assert_eq!(client().gateway_invoke(&function.name, event.as_bytes()).body, result);
    }
}
