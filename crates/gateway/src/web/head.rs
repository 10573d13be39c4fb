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

/// Most bytes of an answer's headers (CONTRACT 1.11).
const HEADERS_BYTES_MAX: usize = 4 * 1024;
/// What begins so is the platform's, the credential of a call among it.
const OWN: [&str; 2] = ["x-scf-", "x-tc-"];
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
    let own: Vec<HeaderName> = headers
        .keys()
        .filter(|name| OWN.iter().any(|own| name.as_str().starts_with(own)))
        .cloned()
        .collect();
    own.iter().for_each(|name| drop(headers.remove(name)));
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
    fn the_headers_of_an_answer_may_have_4_kb() {
        let mut headers = HeaderMap::new();
        headers.insert("x-long", HeaderValue::from_str(&"x".repeat(4086)).unwrap());
        assert!(check(&headers).is_ok());
        headers.insert("x-more", HeaderValue::from_static(""));
        assert!(check(&headers).is_err());
    }
}
