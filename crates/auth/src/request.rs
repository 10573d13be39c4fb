//! What is signed of a request, and which of the two signatures it carries.

use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, Method};
use jiff::Timestamp;

use crate::digest::BodyHash;
use crate::error::AuthError;
use crate::identity::Identity;
use crate::keyring::Keyring;
use crate::{CLOCK_SKEW_S_MAX, tc3, v1};

/// A request as its signature sees it.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path: `/` for the control API.
    pub path: &'a str,
    /// The query as it is signed, without `?`: as sent where it means something, else empty.
    pub query: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The hash of the body as sent.
    pub body: BodyHash,
    /// The decoded parameters of a form or a query, for v1; empty where there are none.
    pub parameters: &'a [(String, String)],
}

/// Says who signed this request: TC3 where there is an `Authorization` header, else v1.
pub fn verify(request: &SignedRequest<'_>, keyring: &Keyring, now: Timestamp) -> Result<Identity, AuthError> {
    if request.headers.contains_key(AUTHORIZATION) {
        return tc3::verify(request, keyring, now);
    }
    v1::verify(request, keyring, now)
}

/// What can be said before the body has come: refuses an `Authorization` that is malformed, expired or of nobody, so
/// that a stranger's large body is never read. A request without that header passes: a v1 signature is in the body.
pub fn verify_head(headers: &HeaderMap, keyring: &Keyring, now: Timestamp) -> Result<(), AuthError> {
    if headers.contains_key(AUTHORIZATION) {
        tc3::Claim::read(headers, keyring, now)?;
    }
    Ok(())
}

/// The one value of a header; `None` when it is not there or not text.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The hosts a client may have signed: as sent, and without the port, which the Node SDK leaves out (CONTRACT 0.4).
pub(crate) fn hosts(headers: &HeaderMap) -> Result<Vec<&str>, AuthError> {
    let sent = header(headers, HOST.as_str()).ok_or(AuthError::Missing("Host"))?;
    let mut hosts = vec![sent];
    if let Some((name, port)) = sent.rsplit_once(':')
        && !port.is_empty()
        && port.bytes().all(|byte| byte.is_ascii_digit())
    {
        hosts.push(name);
    }
    Ok(hosts)
}

/// Refuses a time too far from the clock.
pub(crate) fn check_skew(signed_at_s: i64, now: Timestamp) -> Result<(), AuthError> {
    let skew_s = now.as_second().abs_diff(signed_at_s);
    if skew_s > CLOCK_SKEW_S_MAX.unsigned_abs() {
        return Err(AuthError::Expired { skew_s });
    }
    Ok(())
}
