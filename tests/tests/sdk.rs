//! The official Python SDK, as PyPI has it, against the running server: `tests/python/sdk.py`, one scenario a test.

use std::sync::LazyLock;

use serde_json::{Value, json};
use skiff_tests::{Server, python_sdk, tc3};

static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

fn check(scenario: &str) {
    python_sdk(&SERVER, "sdk.py", scenario);
}

#[test]
fn a_function_is_created_invoked_updated_listed_copied_and_deleted() {
    check("life");
}

#[test]
fn logs_are_found_by_their_filters() {
    check("logs");
}

#[test]
fn namespaces_hold_functions_and_go_when_empty() {
    check("namespaces");
}

#[test]
fn the_account_tells_its_limits() {
    check("account");
}

#[test]
fn refusals_are_exceptions_with_documented_codes() {
    check("errors");
}

#[test]
fn every_way_to_sign_is_understood() {
    check("signatures");
}

#[test]
fn wrong_keys_unknown_ids_and_wrong_clocks_are_refused_and_told_apart() {
    check("strangers");
}

#[test]
fn a_replayed_nonce_is_refused() {
    check("replays");
}

#[test]
fn a_request_that_is_not_signed_or_was_changed_is_refused() {
    let client = SERVER.client();
    let now = jiff::Timestamp::now().as_second();
    let body = json!({"Limit": 5}).to_string();
    let good = tc3(
        &client.credentials.secret_id,
        &client.credentials.secret_key,
        &client.api,
        now,
        body.as_bytes(),
    );
    let other = body.replace('5', "6");
    let signed_elsewhere = good.replace("/scf/", "/cvm/");
    for (what, authorization, timestamp, body, code) in [
        ("nothing changed", good.as_str(), now, &body, None),
        ("no signature", "", now, &body, Some("AuthFailure.InvalidAuthorization")),
        (
            "the word of a client that will not sign",
            "SKIP",
            now,
            &body,
            Some("AuthFailure.InvalidAuthorization"),
        ),
        (
            "no grammar",
            "TC3-HMAC-SHA256 nonsense",
            now,
            &body,
            Some("AuthFailure.InvalidAuthorization"),
        ),
        ("another body", &good, now, &other, Some("AuthFailure.SignatureFailure")),
        (
            "another time",
            &good,
            now + 1,
            &body,
            Some("AuthFailure.SignatureFailure"),
        ),
        (
            "another service",
            &signed_elsewhere,
            now,
            &body,
            Some("AuthFailure.SignatureFailure"),
        ),
        (
            "an old time",
            &good,
            now - 86_400 * 2,
            &body,
            Some("AuthFailure.SignatureExpire"),
        ),
    ] {
        let answer = client
            .send_api("ListFunctions", authorization, timestamp, body)
            .expect("an answer");
        let refused = answer.response().err().map(|error| error.code);
        assert_eq!(refused.as_deref(), code, "{what}");
    }
}

#[test]
fn an_old_signature_is_not_good_for_ever() {
    let client = SERVER.client();
    let body = Value::Object(serde_json::Map::new()).to_string();
    for (age, code) in [
        (0, None),
        (200, None),
        (-200, None),
        (400, Some("AuthFailure.SignatureExpire")),
        (-400, Some("AuthFailure.SignatureExpire")),
    ] {
        let time = jiff::Timestamp::now().as_second() - age;
        let authorization = tc3(
            &client.credentials.secret_id,
            &client.credentials.secret_key,
            &client.api,
            time,
            body.as_bytes(),
        );
        let answer = client
            .send_api("ListFunctions", &authorization, time, &body)
            .expect("an answer");
        assert_eq!(
            answer.response().err().map(|error| error.code).as_deref(),
            code,
            "{age} s old"
        );
    }
}
