//! Heads of requests and answers: what is passed on and what is between two neighbours only.

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HeaderMap, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, StatusCode, Uri};
use http_body_util::Full;
use skiff_domain::Invocation;
use skiff_invoker::Identity;

use crate::refusal::Refusal;
use crate::reply::X_SCF_REQUEST_ID;

/// Most bytes of an answer's headers (CONTRACT 1.11).
const HEADERS_BYTES_MAX: usize = 4 * 1024;
/// What begins so is said by the platform alone.
const PLATFORM: &str = "x-scf-";
/// What begins so is of the credential of a call.
const CREDENTIAL: &str = "x-tc-";
/// What concerns two neighbours only, beside what `Connection` names.
const BETWEEN_NEIGHBOURS: [HeaderName; 7] = [
    CONNECTION,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];
const KEEP_ALIVE: &str = "keep-alive";
const WEBSOCKET: &str = "websocket";

/// True where the client wants to go on as a WebSocket.
pub(super) fn asks_for_socket(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case(WEBSOCKET))
}

/// The request as the function gets it: as it came, without the credential it came with, and with what the platform says of
/// it.
pub(super) fn request(
    parts: &Parts,
    path: &str,
    body: Bytes,
    (invocation, identity): (&Invocation, &Identity),
    socket: bool,
) -> Result<Request<Full<Bytes>>, Refusal> {
    let invalid = || {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            "InvalidParameterValue",
            "the path is not valid",
        )
    };
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let uri: Uri = format!("{path}{query}").parse().map_err(|_| invalid())?;
    let length = body.len();
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    *headers = parts.headers.clone();
    strip(headers);
    headers.remove(AUTHORIZATION);
    headers.remove(CONTENT_LENGTH);
    drop_all(headers, PLATFORM);
    drop_all(headers, CREDENTIAL);
    if length > 0 {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    if socket {
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static(WEBSOCKET));
    }
    let version = &invocation.version;
    for (name, value) in [
        ("x-scf-request-id", invocation.id.to_string()),
        ("x-scf-memory", version.memory_mb.to_string()),
        ("x-scf-timeout", version.timeout.as_millis().to_string()),
        ("x-scf-version", version.label.to_string()),
        ("x-scf-name", version.key.name.to_string()),
        ("x-scf-namespace", version.key.namespace.to_string()),
        ("x-scf-region", identity.region.clone()),
        ("x-scf-appid", identity.app_id.clone()),
        ("x-scf-uin", identity.uin.clone()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    Ok(request)
}

/// Makes the head of a function's answer the client's: without what only the platform says, and without a length where
/// there is no body (RFC 9110, 8.6).
pub(super) fn answer(status: StatusCode, headers: &mut HeaderMap, id: HeaderValue) {
    drop_all(headers, PLATFORM);
    if status.is_informational() || status == StatusCode::NO_CONTENT {
        headers.remove(CONTENT_LENGTH);
    }
    headers.insert(X_SCF_REQUEST_ID, id);
}

/// Takes off what begins so. `_` is as good as `-`: to servers that follow CGI both are the same name.
fn drop_all(headers: &mut HeaderMap, prefix: &str) {
    let begins = |name: &&HeaderName| name.as_str().replace('_', "-").starts_with(prefix);
    let own: Vec<HeaderName> = headers.keys().filter(begins).cloned().collect();
    for name in own {
        headers.remove(name);
    }
}

/// Takes off what is not to be passed on.
pub(super) fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&BETWEEN_NEIGHBOURS) {
        headers.remove(name);
    }
    headers.remove(KEEP_ALIVE);
}

/// Whether an answer's headers are within their limit, or why not.
pub(super) fn check(headers: &HeaderMap) -> Result<(), String> {
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if bytes > HEADERS_BYTES_MAX {
        return Err(format!(
            "the headers of its answer are {bytes} bytes, and may be {HEADERS_BYTES_MAX}"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_neighbours_is_not_passed_on() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("content-type", "text/plain"),
            ("set-cookie", "a=1"),
        ] {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        strip(&mut headers);
        let left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["content-type", "set-cookie"]);
    }

    #[test]
    fn what_only_the_platform_says_is_dropped_however_it_is_spelled() {
        let mut headers = HeaderMap::new();
        for name in [
            "X-Scf-Uin",
            "x_scf_uin",
            "X-SCF_Uin",
            "x_Scf-Any",
            "x-scfuin",
            "x-other",
        ] {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_static("7"));
        }
        drop_all(&mut headers, PLATFORM);
        let left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(left.contains(&"x-scfuin") && left.contains(&"x-other"), "{left:?}");
    }

    #[test]
    fn the_headers_of_an_answer_may_have_4_kb() {
        let mut headers = HeaderMap::new();
        headers.insert("x-long", HeaderValue::from_str(&"x".repeat(4086)).unwrap());
        assert!(check(&headers).is_ok());
        headers.insert("x-more", HeaderValue::from_static(""));
        assert!(check(&headers).is_err());
    }
}
