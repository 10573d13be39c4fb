//! The contract's vectors, replays, and what each broken request is answered.

use http::{HeaderMap, Method as HttpMethod};

use super::*;
use crate::credentials::Credentials;
use crate::digest::BodyHash;

const NOW_S: i64 = 1_516_060_800;

fn parameters(method: &str, signature: &str) -> Vec<(String, String)> {
    [
        ("Action", "ListQueue"),
        ("Nonce", "11886"),
        ("RequestClient", "SDK_Python_1.3"),
        ("Signature", signature),
        ("SecretId", "AKIDlocaltest"),
        ("SignatureMethod", method),
        ("Timestamp", "1516060800"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

const SHA1: &str = "3OURpa9mqscJTATXYp59Of8Vpww=";
const SHA256: &str = "2esZZ80ANG1A4EsCwMC1qhRjOoteWplQ6V1eRv47njA=";

fn keyring() -> Keyring {
    Keyring::new(Credentials::new("AKIDlocaltest", "localsecret").unwrap())
}

fn check(keyring: &Keyring, parameters: &[(String, String)], now_s: i64) -> Result<(), &'static str> {
    check_host(keyring, parameters, now_s, "127.0.0.1:9002")
}

fn check_host(keyring: &Keyring, parameters: &[(String, String)], now_s: i64, host: &str) -> Result<(), &'static str> {
    let mut headers = HeaderMap::new();
    headers.insert("host", host.parse().unwrap());
    let request = SignedRequest {
        method: &HttpMethod::POST,
        path: "/v2/index.php",
        query: "",
        headers: &headers,
        body: BodyHash::of(b""),
        parameters,
    };
    crate::verify(&request, keyring, Timestamp::from_second(now_s).unwrap())
        .map(|_| ())
        .map_err(|error| error.code())
}

fn edited(name: &str, value: Option<&str>) -> Vec<(String, String)> {
    let mut parameters = parameters("HmacSHA1", SHA1);
    parameters.retain(|(given, _)| given != name);
    parameters.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    parameters
}

#[test]
fn the_contracts_vectors_hold_in_any_order() {
    for (method, signature) in [("HmacSHA1", SHA1), ("HmacSHA256", SHA256)] {
        let mut parameters = parameters(method, signature);
        assert_eq!(check(&keyring(), &parameters, NOW_S), Ok(()));
        parameters.reverse();
        assert_eq!(check(&keyring(), &parameters, NOW_S), Ok(()));
    }
}

#[test]
fn the_host_may_be_signed_without_its_port() {
    let text = format!("POST127.0.0.1/v2/index.php?{}", sorted(&parameters("HmacSHA1", "")));
    let signature = STANDARD.encode(hmac_sha1(b"localsecret", text.as_bytes()));
    assert_eq!(check(&keyring(), &parameters("HmacSHA1", &signature), NOW_S), Ok(()));
}

#[test]
fn a_signature_without_a_method_is_sha1_and_an_underscore_is_signed_as_a_dot() {
    let mut parameters = edited("SignatureMethod", None);
    parameters.push(("Tag_1".to_owned(), "a b&c".to_owned()));
    let text = format!("POST127.0.0.1:9002/v2/index.php?{}", sorted(&parameters));
    assert!(text.contains("Tag.1=a b&c"));
    let signature = STANDARD.encode(hmac_sha1(b"localsecret", text.as_bytes()));
    parameters.retain(|(name, _)| name != SIGNATURE);
    parameters.push((SIGNATURE.to_owned(), signature));
    assert_eq!(check(&keyring(), &parameters, NOW_S), Ok(()));
}

#[test]
fn a_replay_is_refused_and_a_failed_try_spends_no_nonce() {
    let keyring = keyring();
    let good = parameters("HmacSHA1", SHA1);
    assert_eq!(
        check(&keyring, &edited("Signature", Some("AAAA")), NOW_S),
        Err("AuthFailure.SignatureFailure")
    );
    assert_eq!(check(&keyring, &good, NOW_S), Ok(()));
    assert_eq!(check(&keyring, &good, NOW_S + 1), Err("AuthFailure.SignatureFailure"));
}

#[test]
fn each_broken_request_is_answered_by_its_documented_code() {
    for (name, value, code) in [
        ("Action", Some("DeleteQueue"), "AuthFailure.SignatureFailure"),
        ("Extra", Some("1"), "AuthFailure.SignatureFailure"),
        ("Signature", Some("not base64"), "AuthFailure.SignatureFailure"),
        ("Signature", Some(""), "AuthFailure.SignatureFailure"),
        ("SecretId", Some("AKIDother"), "AuthFailure.SecretIdNotFound"),
        ("SecretId", Some(""), "AuthFailure.InvalidSecretId"),
        ("Token", Some("abc"), "AuthFailure.TokenFailure"),
        ("SignatureMethod", Some("HmacMD5"), "AuthFailure.InvalidAuthorization"),
        ("Timestamp", Some("now"), "InvalidParameterValue"),
        ("Signature", None, "MissingParameter"),
        ("SecretId", None, "MissingParameter"),
        ("Nonce", None, "MissingParameter"),
        ("Timestamp", None, "MissingParameter"),
    ] {
        assert_eq!(
            check(&keyring(), &edited(name, value), NOW_S),
            Err(code),
            "{name} {value:?}"
        );
    }
    assert_eq!(
        check(&keyring(), &[], NOW_S),
        Err("AuthFailure.InvalidAuthorization"),
        "not signed at all"
    );
    assert_eq!(
        check(&keyring(), &parameters("HmacSHA1", SHA1), NOW_S + 301),
        Err("AuthFailure.SignatureExpire")
    );
    let other_host = check_host(&keyring(), &parameters("HmacSHA1", SHA1), NOW_S, "127.0.0.1:9003");
    assert_eq!(other_host, Err("AuthFailure.SignatureFailure"));
}
