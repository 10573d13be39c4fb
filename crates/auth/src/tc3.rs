//! TC3-HMAC-SHA256 (CONTRACT 2.2): one canonical form, for the verifier and for the signer.

use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use subtle::ConstantTimeEq;

use crate::credentials::{Credentials, SecretKey};
use crate::digest::{BodyHash, hex, hmac_sha256};
use crate::error::AuthError;
use crate::identity::Identity;
use crate::keyring::{Found, Keyring};
use crate::request::{SignedRequest, check_skew, header, hosts};

const ALGORITHM: &str = "TC3-HMAC-SHA256";
const TERMINATOR: &str = "tc3_request";
/// What a client signs in place of the body's hash when it sends this as `X-TC-Content-SHA256`.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
/// The header that says what a request of the control API asks for.
const ACTION: &str = "x-tc-action";
/// Headers every signature has to cover (CONTRACT 2.2).
const SIGNED_ALWAYS: [&str; 2] = ["content-type", "host"];
/// Most headers one signature may cover.
const SIGNED_HEADERS_MAX: usize = 32;

/// What a client is about to send and wants signed.
#[derive(Debug, Clone, Copy)]
pub struct ToSign<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path: `/` for the control API.
    pub path: &'a str,
    /// The query as it will be sent, without `?`.
    pub query: &'a str,
    /// The `Host` header as it will be sent.
    pub host: &'a str,
    /// The `Content-Type` header as it will be sent.
    pub content_type: &'a str,
    /// The `X-TC-Action` header as it will be sent, where it shall be signed too. Official clients do not.
    pub action: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
    /// The service in the scope: `scf`.
    pub service: &'a str,
    /// The time it will send as `X-TC-Timestamp`.
    pub timestamp: Timestamp,
}

/// The `Authorization` header for a request with exactly these headers and `X-TC-Timestamp`.
#[must_use]
pub fn sign_tc3(request: &ToSign<'_>, credentials: &Credentials) -> String {
    let action = request.action.map(|action| (ACTION, action));
    let headers: Vec<_> = [("content-type", request.content_type), ("host", request.host)]
        .into_iter()
        .chain(action)
        .map(|(name, value)| (name, value.trim().to_ascii_lowercase()))
        .collect();
    let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    let signed_headers = names.join(";");
    let body = BodyHash::of(request.body).hex();
    let canonical = canonical_request(
        request.method,
        request.path,
        request.query,
        &headers,
        &signed_headers,
        &body,
    );
    let scope = Scope {
        date: &utc_date(request.timestamp),
        service: request.service,
    };
    let signature = signature(
        &credentials.secret_key,
        scope,
        request.timestamp.as_second(),
        &canonical,
    );
    let Scope { date, service } = scope;
    format!(
        "{ALGORITHM} Credential={}/{date}/{service}/{TERMINATOR}, SignedHeaders={signed_headers}, Signature={signature}",
        credentials.secret_id
    )
}

/// What a request says of its own signature, checked as far as that goes without its body.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    authorization: Authorization<'a>,
    signed_at_s: i64,
    found: Found,
}

impl<'a> Claim<'a> {
    /// Reads the `Authorization` header and refuses what cannot become valid by any body.
    pub(crate) fn read(headers: &'a HeaderMap, keyring: &'a Keyring, now: Timestamp) -> Result<Self, AuthError> {
        let text = header(headers, AUTHORIZATION.as_str()).ok_or(INVALID_FORM)?;
        let authorization = Authorization::parse(text)?;
        let timestamp = header(headers, "x-tc-timestamp").ok_or(AuthError::Missing("X-TC-Timestamp"))?;
        let signed_at_s: i64 = timestamp
            .trim()
            .parse()
            .map_err(|_| AuthError::InvalidTimestamp("X-TC-Timestamp"))?;
        check_skew(signed_at_s, now)?;
        let signed_at =
            Timestamp::from_second(signed_at_s).map_err(|_| AuthError::InvalidTimestamp("X-TC-Timestamp"))?;
        if authorization.scope.date != utc_date(signed_at) {
            return Err(AuthError::InvalidAuthorization(
                "the date in Credential is not the UTC date of X-TC-Timestamp",
            ));
        }
        let found = keyring.find(authorization.secret_id, header(headers, "x-tc-token"), now)?;
        Ok(Self {
            authorization,
            signed_at_s,
            found,
        })
    }
}

/// Says who signed this request.
pub(crate) fn verify(request: &SignedRequest<'_>, keyring: &Keyring, now: Timestamp) -> Result<Identity, AuthError> {
    let claim = Claim::read(request.headers, keyring, now)?;
    let body = match header(request.headers, "x-tc-content-sha256") {
        Some(UNSIGNED_PAYLOAD) => BodyHash::of(UNSIGNED_PAYLOAD.as_bytes()).hex(),
        _ => request.body.hex(),
    };
    let signed_headers = claim.authorization.signed_headers;
    for host in hosts(request.headers)? {
        for letter_case in [LetterCase::AsSent, LetterCase::Lower] {
            let headers = signed_values(request.headers, signed_headers, host, letter_case)?;
            let canonical = canonical_request(
                request.method,
                request.path,
                request.query,
                &headers,
                signed_headers,
                &body,
            );
            let expected = signature(
                &claim.found.credentials.secret_key,
                claim.authorization.scope,
                claim.signed_at_s,
                &canonical,
            );
            if bool::from(expected.as_bytes().ct_eq(claim.authorization.signature.as_bytes())) {
                // What has no action is told by its path, which is signed.
                if let Some(action) = request.headers.get(ACTION) {
                    keyring.take(&expected, (action.as_bytes(), request.body), now)?;
                }
                return Ok(claim.found.identity());
            }
        }
    }
    Err(AuthError::SignatureMismatch)
}

const INVALID_FORM: AuthError = AuthError::InvalidAuthorization(
    "write TC3-HMAC-SHA256 Credential=<SecretId>/<date>/<service>/tc3_request, SignedHeaders=<names>, Signature=<hex>",
);

/// The `Authorization` header, taken apart.
#[derive(Debug)]
struct Authorization<'a> {
    secret_id: &'a str,
    scope: Scope<'a>,
    signed_headers: &'a str,
    signature: &'a str,
}

/// What the signing key is derived for. The service is whatever the client says: the Node SDK sends the endpoint's
/// first label (CONTRACT 0.4).
#[derive(Debug, Clone, Copy)]
struct Scope<'a> {
    date: &'a str,
    service: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(text: &'a str) -> Result<Self, AuthError> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("SKIP") {
            return Err(AuthError::NotSigned);
        }
        let fields = text
            .strip_prefix(ALGORITHM)
            .filter(|rest| rest.starts_with(' '))
            .ok_or(INVALID_FORM)?;
        let field = |name: &str| {
            let mut values = fields
                .split(',')
                .filter_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
            values.next().filter(|_| values.next().is_none()).ok_or(INVALID_FORM)
        };
        let credential = field("Credential")?;
        let [secret_id, date, service, TERMINATOR] = credential.split('/').collect::<Vec<_>>()[..] else {
            return Err(INVALID_FORM);
        };
        let signed_headers = field("SignedHeaders")?;
        let names = || signed_headers.split(';');
        if SIGNED_ALWAYS.iter().any(|always| !names().any(|name| name == *always)) {
            return Err(AuthError::InvalidAuthorization(
                "SignedHeaders must have content-type and host",
            ));
        }
        if names().count() > SIGNED_HEADERS_MAX {
            return Err(AuthError::InvalidAuthorization("SignedHeaders has more than 32 names"));
        }
        Ok(Self {
            secret_id,
            scope: Scope { date, service },
            signed_headers,
            signature: field("Signature")?,
        })
    }
}

/// How a client wrote the values it signed: the documentation lower-cases them, some SDKs do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LetterCase {
    AsSent,
    Lower,
}

fn signed_values<'a>(
    headers: &HeaderMap,
    names: &'a str,
    host: &str,
    letter_case: LetterCase,
) -> Result<Vec<(&'a str, String)>, AuthError> {
    let value = |name: &'a str| {
        let mut values = headers.get_all(name).iter();
        let value = match (values.next(), values.next()) {
            (Some(_), Some(_)) => {
                return Err(AuthError::InvalidAuthorization(
                    "a signed header is in the request twice",
                ));
            }
            (Some(_), None) if name == HOST.as_str() => host,
            (Some(value), None) => value
                .to_str()
                .map_err(|_| AuthError::InvalidAuthorization("the value of a signed header is not text"))?,
            (None, _) if name == CONTENT_TYPE.as_str() => return Err(AuthError::Missing("Content-Type")),
            (None, _) => return Err(AuthError::InvalidAuthorization("a signed header is not in the request")),
        };
        let value = value.trim();
        let value = if letter_case == LetterCase::Lower {
            value.to_lowercase()
        } else {
            value.to_owned()
        };
        Ok((name, value))
    };
    names.split(';').map(value).collect()
}

fn canonical_request(
    method: &Method,
    path: &str,
    query: &str,
    headers: &[(&str, String)],
    signed_headers: &str,
    body_hash: &str,
) -> String {
    let headers: String = headers
        .iter()
        .flat_map(|(name, value)| [name, ":", value, "\n"])
        .collect();
    [method.as_str(), path, query, &headers, signed_headers, body_hash].join("\n")
}

fn signature(key: &SecretKey, scope: Scope<'_>, signed_at_s: i64, canonical_request: &str) -> String {
    let Scope { date, service } = scope;
    let hash = BodyHash::of(canonical_request.as_bytes()).hex();
    let to_sign = format!("{ALGORITHM}\n{signed_at_s}\n{date}/{service}/{TERMINATOR}\n{hash}");
    let key = hmac_sha256(format!("TC3{}", key.reveal()).as_bytes(), date.as_bytes());
    let key = hmac_sha256(&key, service.as_bytes());
    let key = hmac_sha256(&key, TERMINATOR.as_bytes());
    hex(&hmac_sha256(&key, to_sign.as_bytes()))
}

fn utc_date(time: Timestamp) -> String {
    TimeZone::UTC.to_datetime(time).date().to_string()
}

#[cfg(test)]
mod tests;
