//! The contract's vectors, and what each broken request is answered.

use http::HeaderName;

use super::*;
use crate::request::{verify as verify_request, verify_head};

const NOW_S: i64 = 1_516_060_800; // 2018-01-16T00:00:00Z
const BODY: &[u8] = br#"{"FunctionName":"hello","ClientContext":"{}"}"#;

fn keyring() -> Keyring {
    Keyring::new(credentials("localsecret"))
}

fn credentials(key: &str) -> Credentials {
    Credentials::new("AKIDlocaltest", key).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

/// A request in the making: the Python SDK's unless changed.
#[derive(Clone)]
struct Sent {
    method: Method,
    path: &'static str,
    query: &'static str,
    headers: HeaderMap,
    body: &'static [u8],
}

impl Sent {
    fn python() -> Self {
        let mut sent = Self {
            method: Method::POST,
            path: "/",
            query: "",
            headers: HeaderMap::new(),
            body: BODY,
        };
        sent.set("host", "127.0.0.1:9000");
        sent.set("content-type", "application/json");
        sent.set("x-tc-timestamp", &NOW_S.to_string());
        sent.sign("127.0.0.1:9000", "scf", "localsecret", NOW_S)
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.headers
            .insert(HeaderName::from_static(name), value.parse().unwrap());
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    fn without(mut self, name: &'static str) -> Self {
        self.headers.remove(name);
        self
    }

    fn sign(mut self, host: &str, service: &str, key: &str, timestamp_s: i64) -> Self {
        let content_type = self.headers["content-type"].to_str().unwrap().to_owned();
        let header = sign_tc3(
            &ToSign {
                method: &self.method,
                path: self.path,
                query: self.query,
                host,
                content_type: &content_type,
                action: None,
                body: self.body,
                service,
                timestamp: at(timestamp_s),
            },
            &credentials(key),
        );
        self.set("authorization", &header);
        self
    }

    fn edit(self, from: &str, to: &str) -> Self {
        let header = self.headers["authorization"].to_str().unwrap().replace(from, to);
        self.with("authorization", &header)
    }

    fn verify_at(&self, now_s: i64) -> Result<(), &'static str> {
        self.verify_by(&keyring(), now_s)
    }

    fn verify_by(&self, keyring: &Keyring, now_s: i64) -> Result<(), &'static str> {
        let request = SignedRequest {
            method: &self.method,
            path: self.path,
            query: self.query,
            headers: &self.headers,
            body: BodyHash::of(self.body),
            parameters: &[],
        };
        verify_request(&request, keyring, at(now_s))
            .map(|_| ())
            .map_err(|error| error.code())
    }
}

fn signature_in(header: &str) -> &str {
    header.rsplit('=').next().unwrap()
}

#[test]
fn the_documents_own_vector_holds() {
    let headers = [
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("host", "cvm.tencentcloudapi.com".to_owned()),
    ];
    let body = BodyHash::of(b"").hex();
    let canonical = canonical_request(
        &Method::GET,
        "/",
        "Limit=10&Offset=0",
        &headers,
        "content-type;host",
        &body,
    );
    assert_eq!(
        BodyHash::of(canonical.as_bytes()).hex(),
        "91c9c192c14460df6c1ffc69e34e6c5e90708de2a6d282cccf957dbf1aa7f3a7"
    );
    let key: SecretKey = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE".parse().unwrap();
    let scope = Scope {
        date: "2018-10-09",
        service: "cvm",
    };
    assert_eq!(
        signature(&key, scope, 1_539_084_154, &canonical),
        "5da7a33f6993f0614b047e5df4582db9e9bf4672ba50567dba16c6ccf174c474"
    );
}

#[test]
fn what_the_official_clients_sign_is_what_we_sign_and_believe() {
    assert_eq!(
        BodyHash::of(BODY).hex(),
        "5568f70bbb16b6d05a81d1e1d5b2738e80d68c8f33395e81981430b2c2df3686"
    );
    for (client, host, service, signature) in [
        (
            "Python SDK",
            "127.0.0.1:9000",
            "scf",
            "6ae2bb6165131ec97a73d485acb72dd860e23962d7bed39e0dd56a7a4c698644",
        ),
        (
            "Node SDK",
            "127.0.0.1",
            "127",
            "27d61fed0f9e4a55f75354633f509dc04653d3fa02cde911315dfa59983f2f8a",
        ),
    ] {
        let sent = Sent::python().sign(host, service, "localsecret", NOW_S);
        assert_eq!(
            signature_in(sent.headers["authorization"].to_str().unwrap()),
            signature,
            "{client}"
        );
        assert_eq!(sent.verify_at(NOW_S), Ok(()), "{client}");
    }
}

#[test]
fn a_get_signs_its_query_exactly_as_sent() {
    let get = Sent {
        method: Method::GET,
        query: "Filters.0.Name=Type&Limit=5&Filters.0.Values.0=Ev%20ent",
        body: b"",
        ..Sent::python().with("content-type", "application/x-www-form-urlencoded")
    }
    .sign("127.0.0.1:9000", "scf", "localsecret", NOW_S);
    assert_eq!(get.verify_at(NOW_S), Ok(()));
    let reordered = Sent {
        query: "Limit=5&Filters.0.Name=Type&Filters.0.Values.0=Ev%20ent",
        ..get
    };
    assert_eq!(reordered.verify_at(NOW_S), Err("AuthFailure.SignatureFailure"));
}

#[test]
fn a_path_other_than_the_root_is_signed_as_sent() {
    let direct = Sent {
        path: "/2018-04-16/functions/default/hello/invocations",
        ..Sent::python()
    };
    assert_eq!(direct.verify_at(NOW_S), Err("AuthFailure.SignatureFailure"));
    assert_eq!(
        direct
            .sign("127.0.0.1:9000", "scf", "localsecret", NOW_S)
            .verify_at(NOW_S),
        Ok(())
    );
}

#[test]
fn an_unsigned_payload_is_believed_whatever_the_body() {
    let sent = Sent {
        body: UNSIGNED_PAYLOAD.as_bytes(),
        ..Sent::python()
    }
    .sign("127.0.0.1:9000", "scf", "localsecret", NOW_S)
    .with("x-tc-content-sha256", UNSIGNED_PAYLOAD);
    assert_eq!(
        Sent {
            body: b"anything",
            ..sent.clone()
        }
        .verify_at(NOW_S),
        Ok(())
    );
    let undeclared = Sent {
        body: b"anything",
        ..sent.without("x-tc-content-sha256")
    };
    assert_eq!(undeclared.verify_at(NOW_S), Err("AuthFailure.SignatureFailure"));
}

#[test]
fn values_may_be_signed_as_sent_or_in_lower_case() {
    let mixed = Sent::python().with("content-type", "application/json; charset=UTF-8");
    assert_eq!(
        mixed
            .clone()
            .sign("127.0.0.1:9000", "scf", "localsecret", NOW_S)
            .verify_at(NOW_S),
        Ok(())
    );
    let headers = [
        ("content-type", "application/json; charset=UTF-8".to_owned()),
        ("host", "127.0.0.1:9000".to_owned()),
    ];
    let canonical = canonical_request(
        &Method::POST,
        "/",
        "",
        &headers,
        "content-type;host",
        &BodyHash::of(BODY).hex(),
    );
    let scope = Scope {
        date: "2018-01-16",
        service: "scf",
    };
    let as_sent = signature(&"localsecret".parse().unwrap(), scope, NOW_S, &canonical);
    let lower = signature_in(mixed.headers["authorization"].to_str().unwrap()).to_owned();
    assert_eq!(mixed.edit(&lower, &as_sent).verify_at(NOW_S), Ok(()));
}

#[test]
fn more_signed_headers_are_checked_too() {
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("host", "127.0.0.1:9000".to_owned()),
        ("x-tc-action", "invoke".to_owned()),
    ];
    let names = "content-type;host;x-tc-action";
    let canonical = canonical_request(&Method::POST, "/", "", &headers, names, &BodyHash::of(BODY).hex());
    let scope = Scope {
        date: "2018-01-16",
        service: "scf",
    };
    let signature = signature(&"localsecret".parse().unwrap(), scope, NOW_S, &canonical);
    let header = format!(
        "TC3-HMAC-SHA256 Credential=AKIDlocaltest/2018-01-16/scf/tc3_request, SignedHeaders={names}, Signature={signature}"
    );
    let sent = Sent::python().with("authorization", &header);
    assert_eq!(sent.clone().with("x-tc-action", "Invoke").verify_at(NOW_S), Ok(()));
    let other = sent.clone().with("x-tc-action", "DeleteFunction");
    assert_eq!(other.verify_at(NOW_S), Err("AuthFailure.SignatureFailure"));
    assert_eq!(
        sent.verify_at(NOW_S),
        Err("AuthFailure.InvalidAuthorization"),
        "signed and not there"
    );
}

#[test]
fn a_captured_signature_is_no_good_for_another_action() {
    let keyring = keyring();
    let sent = Sent::python().with("x-tc-action", "GetFunction");
    let other = sent.clone().with("x-tc-action", "DeleteFunction");
    assert_eq!(sent.verify_by(&keyring, NOW_S), Ok(()));
    assert_eq!(
        other.verify_by(&keyring, NOW_S + 6),
        Err("AuthFailure.SignatureFailure")
    );
    assert_eq!(sent.verify_by(&keyring, NOW_S + 6), Ok(()), "a retry");
    let anew = other.with("x-tc-timestamp", &(NOW_S + 6).to_string());
    let anew = anew.sign("127.0.0.1:9000", "scf", "localsecret", NOW_S + 6);
    assert_eq!(anew.verify_by(&keyring, NOW_S + 6), Ok(()));
}

#[test]
fn a_captured_unsigned_payload_is_no_good_with_another_body() {
    let keyring = keyring();
    let sent = Sent {
        body: UNSIGNED_PAYLOAD.as_bytes(),
        ..Sent::python()
    }
    .sign("127.0.0.1:9000", "scf", "localsecret", NOW_S)
    .with("x-tc-content-sha256", UNSIGNED_PAYLOAD)
    .with("x-tc-action", "Invoke");
    let with = |body| Sent { body, ..sent.clone() };
    assert_eq!(with(b"{}").verify_by(&keyring, NOW_S), Ok(()));
    assert_eq!(
        with(b"[]").verify_by(&keyring, NOW_S + 6),
        Err("AuthFailure.SignatureFailure")
    );
    assert_eq!(with(b"{}").verify_by(&keyring, NOW_S + 6), Ok(()));
}

#[test]
fn an_action_that_is_signed_is_the_only_one() {
    let mut sent = Sent::python().with("x-tc-action", "GetFunction");
    let to_sign = ToSign {
        method: &sent.method,
        path: sent.path,
        query: sent.query,
        host: "127.0.0.1:9000",
        content_type: "application/json",
        action: Some("GetFunction"),
        body: sent.body,
        service: "scf",
        timestamp: at(NOW_S),
    };
    let header = sign_tc3(&to_sign, &credentials("localsecret"));
    sent.set("authorization", &header);
    assert_eq!(sent.verify_at(NOW_S), Ok(()));
    let other = sent.with("x-tc-action", "DeleteFunction");
    assert_eq!(other.verify_at(NOW_S), Err("AuthFailure.SignatureFailure"));
}

#[test]
fn a_clock_may_be_off_by_five_minutes_and_no_more() {
    let sent = Sent::python();
    for now_s in [NOW_S - 300, NOW_S, NOW_S + 300] {
        assert_eq!(sent.verify_at(now_s), Ok(()));
    }
    for now_s in [NOW_S - 301, NOW_S + 301, 0] {
        assert_eq!(sent.verify_at(now_s), Err("AuthFailure.SignatureExpire"));
    }
    let extreme = sent.with("x-tc-timestamp", &i64::MIN.to_string());
    assert_eq!(extreme.verify_at(NOW_S), Err("AuthFailure.SignatureExpire"));
}

#[test]
fn each_broken_request_is_answered_by_its_documented_code() {
    let python = Sent::python;
    let mismatch = "AuthFailure.SignatureFailure";
    let invalid = "AuthFailure.InvalidAuthorization";
    let signature = signature_in(python().headers["authorization"].to_str().unwrap()).to_owned();
    for (what, sent, code) in [
        (
            "another body",
            Sent {
                body: b"{}",
                ..python()
            },
            mismatch,
        ),
        (
            "another method",
            Sent {
                method: Method::PUT,
                ..python()
            },
            mismatch,
        ),
        ("another host", python().with("host", "127.0.0.1:9001"), mismatch),
        (
            "another content type",
            python().with("content-type", "text/plain"),
            mismatch,
        ),
        (
            "another second",
            python().with("x-tc-timestamp", "1516060801"),
            mismatch,
        ),
        (
            "another key",
            python().sign("127.0.0.1:9000", "scf", "guess", NOW_S),
            mismatch,
        ),
        ("another service than signed", python().edit("/scf/", "/cvm/"), mismatch),
        (
            "a signature cut short",
            python().edit(&signature, &signature[..63]),
            mismatch,
        ),
        ("an empty signature", python().edit(&signature, ""), mismatch),
        (
            "another algorithm's name",
            python().edit("TC3-HMAC-SHA256", "TC3-HMAC-SHA512"),
            invalid,
        ),
        ("yesterday's scope", python().edit("2018-01-16", "2018-01-15"), invalid),
        ("no terminator", python().edit("/tc3_request", ""), invalid),
        (
            "host not signed",
            python().edit("content-type;host", "content-type"),
            invalid,
        ),
        ("no signature", python().edit("Signature=", "Sign="), invalid),
        (
            "two signatures",
            python().edit("Signature=", "Signature=00, Signature="),
            invalid,
        ),
        ("told not to sign", python().with("authorization", "SKIP"), invalid),
        ("no Authorization", python().without("authorization"), invalid),
        ("an empty Authorization", python().with("authorization", ""), invalid),
        (
            "nobody's id",
            python().edit("AKIDlocaltest", "AKIDother"),
            "AuthFailure.SecretIdNotFound",
        ),
        (
            "an id that cannot be",
            python().edit("AKIDlocaltest", "AKID local"),
            "AuthFailure.InvalidSecretId",
        ),
        (
            "no id",
            python().edit("AKIDlocaltest", ""),
            "AuthFailure.InvalidSecretId",
        ),
        (
            "a token",
            python().with("x-tc-token", "abc"),
            "AuthFailure.TokenFailure",
        ),
        ("no time", python().without("x-tc-timestamp"), "MissingParameter"),
        (
            "no number for a time",
            python().with("x-tc-timestamp", "now"),
            "InvalidParameterValue",
        ),
        ("no content type", python().without("content-type"), "MissingParameter"),
        ("no host", python().without("host"), "MissingParameter"),
    ] {
        assert_eq!(sent.verify_at(NOW_S), Err(code), "{what}");
    }
}

#[test]
fn a_strangers_body_is_refused_before_it_is_read() {
    let check = |sent: &Sent, now_s| verify_head(&sent.headers, &keyring(), at(now_s)).map_err(|error| error.code());
    let sent = Sent::python();
    assert_eq!(check(&sent, NOW_S), Ok(()));
    assert_eq!(check(&sent, NOW_S + 301), Err("AuthFailure.SignatureExpire"));
    assert_eq!(
        check(&sent.clone().edit("AKIDlocaltest", "AKIDother"), NOW_S),
        Err("AuthFailure.SecretIdNotFound")
    );
    assert_eq!(
        check(&sent.without("authorization"), NOW_S),
        Ok(()),
        "a v1 signature is in the body"
    );
}
