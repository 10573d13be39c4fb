//! Signature, encoding, common parameters, limits: what holds for every action.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, Request};
use http_body_util::StreamBody;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha1::Sha1;

use crate::server::{HOST, Server, VERSION, code, hello, with};

/// A request with these headers replaced; an empty value removes one.
fn edited(mut request: Request<Body>, headers: &[(&'static str, &str)]) -> Request<Body> {
    for (name, value) in headers {
        if value.is_empty() {
            request.headers_mut().remove(*name);
        } else {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
    }
    request
}

/// The same parameters with a v1 signature, as form text.
fn v1(method: &str, parameters: &[(&str, &str)], nonce: &str) -> String {
    let timestamp = Timestamp::now().as_second().to_string();
    let mut all = vec![
        ("Nonce", nonce),
        ("SecretId", "AKIDlocaltest"),
        ("Timestamp", &timestamp),
        ("Version", VERSION),
    ];
    all.extend_from_slice(parameters);
    all.sort_unstable();
    let text: Vec<String> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut mac = Hmac::<Sha1>::new_from_slice(b"localsecret").unwrap();
    mac.update(format!("{method}{HOST}/?{}", text.join("&")).as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(all).append_pair("Signature", &signature).finish()
}

fn v1_post(form: String) -> Request<Body> {
    let request = Request::post("/")
        .header("host", HOST)
        .header("content-type", "application/x-www-form-urlencoded");
    request.body(Body::from(form)).unwrap()
}

#[tokio::test]
async fn a_request_without_a_valid_signature_gets_the_documented_code() {
    let server = Server::start().await;
    let signed = || server.signed("ListFunctions", "{}".into());
    let old = Timestamp::now().as_second() - 301;
    let signature = signed().headers()["authorization"].to_str().unwrap().to_owned();
    let wrong = format!("{}0", &signature[..signature.len() - 1]);
    let wrong = if wrong == signature {
        format!("{}1", &signature[..signature.len() - 1])
    } else {
        wrong
    };
    for (request, expected) in [
        (signed(), ""),
        (
            edited(signed(), &[("authorization", "")]),
            "AuthFailure.InvalidAuthorization",
        ),
        (
            edited(signed(), &[("authorization", "SKIP")]),
            "AuthFailure.InvalidAuthorization",
        ),
        (
            edited(signed(), &[("authorization", &wrong)]),
            "AuthFailure.SignatureFailure",
        ),
        (
            edited(signed(), &[("x-tc-timestamp", &old.to_string())]),
            "AuthFailure.SignatureExpire",
        ),
        (
            edited(
                signed(),
                &[("authorization", &signature.replace("AKIDlocaltest", "AKIDother"))],
            ),
            "AuthFailure.SecretIdNotFound",
        ),
        (edited(signed(), &[("x-tc-token", "abc")]), "AuthFailure.TokenFailure"),
    ] {
        assert_eq!(code(&server.send(request).await), expected);
    }
}

#[tokio::test]
async fn nothing_of_a_strangers_body_is_parsed() {
    let server = Server::start().await;
    let mut request = server.signed("ListFunctions", "{}".into());
    *request.body_mut() = Body::from("{ this is no JSON");
    assert_eq!(code(&server.send(request).await), "AuthFailure.SignatureFailure");
    let own = server.signed("ListFunctions", "{ this is no JSON".into());
    assert_eq!(code(&server.send(own).await), "InvalidParameter");
}

#[tokio::test]
async fn parameters_may_come_as_json_query_or_form() {
    let server = Server::with_hello().await;
    server
        .ok("CreateFunction", with(hello(), json!({"FunctionName": "other"})))
        .await;
    let names = |answer: &Value| {
        assert!(answer.get("Error").is_none(), "{answer}");
        let functions = answer["Functions"].as_array().unwrap();
        functions
            .iter()
            .map(|function| function["FunctionName"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let json = json!({"SearchKey": "hell", "Limit": 5, "Filters": [{"Name": "Runtime", "Values": ["Python3.11"]}]});
    assert_eq!(names(&server.call("ListFunctions", json).await), ["hello"]);

    let query = "Limit=5&SearchKey=hell&Filters.0.Name=Runtime&Filters.0.Values.0=Python3.11";
    let get = server.sign(
        &Method::GET,
        query,
        "application/x-www-form-urlencoded",
        "ListFunctions",
        Bytes::new(),
    );
    assert_eq!(names(&server.send(get).await), ["hello"]);

    let parameters = [
        ("Action", "ListFunctions"),
        ("Limit", "5"),
        ("SearchKey", "hell"),
        ("Filters.0.Name", "Runtime"),
        ("Filters.0.Values.0", "Python3.11"),
        ("Region", "ap-guangzhou"),
        ("RequestClient", "SDK_PYTHON_3.1.100"),
    ];
    assert_eq!(
        names(
            &server
                .send(v1_post(v1("POST", &parameters, "4748574593012622140")))
                .await
        ),
        ["hello"]
    );

    let get = Request::get(format!("/?{}", v1("GET", &parameters, "2"))).header("host", HOST);
    assert_eq!(names(&server.send(get.body(Body::empty()).unwrap()).await), ["hello"]);
}

#[tokio::test]
async fn a_v1_request_is_taken_once() {
    let server = Server::start().await;
    let form = v1("POST", &[("Action", "ListFunctions")], "11886");
    assert_eq!(code(&server.send(v1_post(form.clone())).await), "");
    assert_eq!(code(&server.send(v1_post(form)).await), "AuthFailure.SignatureFailure");
}

#[tokio::test]
async fn a_function_can_be_created_by_a_form() {
    let server = Server::start().await;
    let zip = crate::server::zip_file();
    let form = v1(
        "POST",
        &[
            ("Action", "CreateFunction"),
            ("FunctionName", "formed"),
            ("Code.ZipFile", &zip),
            ("Handler", "index.main_handler"),
            ("Runtime", "Python3.11"),
            ("MemorySize", "256"),
            ("Environment.Variables.0.Key", "K1"),
            ("Environment.Variables.0.Value", "v 1"),
        ],
        "1",
    );
    assert_eq!(code(&server.send(v1_post(form)).await), "");
    let function = server.ok("GetFunction", json!({"FunctionName": "formed"})).await;
    assert_eq!(function["MemorySize"], 256);
    assert_eq!(
        function["Environment"]["Variables"],
        json!([{"Key": "K1", "Value": "v 1"}])
    );
}

#[tokio::test]
async fn common_parameters_are_checked_once_the_caller_is_known() {
    let server = Server::start().await;
    let signed = |action: &str| server.signed(action, "{}".into());
    for (request, expected) in [
        (
            edited(signed("ListFunctions"), &[("x-tc-version", "2017-03-12")]),
            "NoSuchVersion",
        ),
        (
            edited(signed("ListFunctions"), &[("x-tc-version", "")]),
            "MissingParameter",
        ),
        (
            edited(signed("ListFunctions"), &[("x-tc-action", "")]),
            "MissingParameter",
        ),
        (edited(signed("ListFunctions"), &[("x-tc-region", "")]), ""),
        (edited(signed("ListFunctions"), &[("x-tc-region", "eu-nowhere")]), ""),
        (signed("listfunctions"), "InvalidAction"),
        (signed("DropTables"), "InvalidAction"),
        (
            server.sign(&Method::PUT, "", "application/json", "ListFunctions", "{}".into()),
            "UnsupportedProtocol",
        ),
        (
            server.sign(&Method::POST, "", "multipart/form-data", "ListFunctions", "{}".into()),
            "UnsupportedProtocol",
        ),
        (
            server.sign(
                &Method::POST,
                "",
                "application/json; charset=utf-8",
                "ListFunctions",
                "{}".into(),
            ),
            "",
        ),
    ] {
        assert_eq!(code(&server.send(request).await), expected);
    }
}

#[tokio::test]
async fn a_documented_action_that_is_not_there_yet_says_so() {
    let server = Server::start().await;
    let schema: Value = serde_json::from_str(include_str!("schema.json")).unwrap();
    let undocumented = [
        "CreateFunctionTestModel",
        "UpdateFunctionTestModel",
        "GetFunctionTestModel",
        "ListFunctionTestModels",
    ];
    let later = schema["later"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap());
    for action in later.chain(undocumented) {
        let answer = server.call(action, json!({})).await;
        assert_eq!(code(&answer), "UnsupportedOperation", "{action}");
        assert!(answer["Error"]["Message"].as_str().unwrap().contains(action));
    }
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_the_server_goes_on() {
    let server = Server::with_hello().await;
    server.invoker.end.lock().panics = true;
    assert_eq!(
        server.code("Invoke", json!({"FunctionName": "hello"})).await,
        "InternalError"
    );
    server.invoker.end.lock().panics = false;
    assert_eq!(server.code("Invoke", json!({"FunctionName": "hello"})).await, "");
}

#[tokio::test]
async fn a_form_of_a_thousand_parameters_is_decoded_and_a_larger_one_is_not() {
    let server = Server::start().await;
    for (pairs, expected) in [
        (1000, "AuthFailure.InvalidAuthorization"),
        (1001, "InvalidParameter"),
        (500_000, "InvalidParameter"),
    ] {
        let answer = server.send(v1_post("a&".repeat(pairs))).await;
        assert_eq!(code(&answer), expected, "{pairs} pairs");
    }
}

/// Pieces of 1 MB, counted as they are taken.
fn endless(pieces: usize, taken: &Arc<AtomicUsize>) -> Body {
    let taken = Arc::clone(taken);
    let piece = Bytes::from(vec![b' '; 1024 * 1024]);
    let frames = (0..pieces).map(move |_| {
        taken.fetch_add(1, Ordering::Relaxed);
        Ok::<_, std::io::Error>(http_body::Frame::data(piece.clone()))
    });
    Body::new(StreamBody::new(futures::stream::iter(frames)))
}

#[tokio::test]
async fn a_body_is_counted_as_it_comes_and_cut_off_at_its_limit() {
    let server = Server::start().await;
    let taken = Arc::new(AtomicUsize::new(0));
    let large = |mb: usize, request: Request<Body>| request.map(|_| endless(mb, &taken));
    let known = || server.signed("ListFunctions", Bytes::new());
    let stranger = || edited(known(), &[("authorization", "SKIP")]);
    for (what, request, expected) in [
        ("80 MB", large(80, known()), "AuthFailure.SignatureFailure"),
        (
            "more than 80 MB",
            large(81, known()),
            "InvalidParameter.RequestTooLarge",
        ),
        (
            "1 MB of a form",
            large(1, v1_post(String::new())),
            "AuthFailure.InvalidAuthorization",
        ),
        (
            "more than 1 MB of a form",
            large(2, v1_post(String::new())),
            "InvalidParameter.RequestTooLarge",
        ),
        (
            "JSON without a signature",
            large(2, edited(known(), &[("authorization", "")])),
            "AuthFailure.InvalidAuthorization",
        ),
        (
            "a stranger's",
            large(81, stranger()),
            "AuthFailure.InvalidAuthorization",
        ),
    ] {
        assert_eq!(code(&server.send(request).await), expected, "{what}");
    }
}

#[tokio::test]
async fn what_a_refused_client_still_sends_is_taken_so_that_it_reads_why_but_not_without_end() {
    let server = Server::start().await;
    let taken = Arc::new(AtomicUsize::new(0));
    for (sent, expected) in [(100, 100), (1000, 256)] {
        let stranger = edited(
            server.signed("ListFunctions", Bytes::new()),
            &[("authorization", "SKIP")],
        );
        let answer = server.send(stranger.map(|_| endless(sent, &taken))).await;
        assert_eq!(code(&answer), "AuthFailure.InvalidAuthorization");
        assert_eq!(taken.swap(0, Ordering::Relaxed), expected, "of {sent} MB");
    }
}

#[tokio::test]
async fn a_body_of_70_mb_is_read() {
    let server = Server::start().await;
    let body = Bytes::from(vec![b' '; 70 * 1024 * 1024]);
    assert_eq!(code(&server.send(server.signed("ListFunctions", body)).await), "");
}
