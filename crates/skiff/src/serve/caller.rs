//! Who asks for a page beside the API.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use skiff_auth::{AuthError, BodyHash, Identity, Keyring, SignedRequest, verify, verify_basic};

/// Says who sent this request without a body: signed like one of the API, or with HTTP Basic, as monitors send it.
pub(super) fn identify(request: &Request, keyring: &Keyring) -> Result<Identity, AuthError> {
    let authorization = request.headers().get(AUTHORIZATION);
    let authorization = authorization.and_then(|value| value.to_str().ok()).unwrap_or_default();
    if authorization
        .get(..6)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic "))
    {
        return root(verify_basic(authorization, None, keyring, jiff::Timestamp::now())?);
    }
    let signed = SignedRequest {
        method: request.method(),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        headers: request.headers(),
        body: BodyHash::of(b""),
        parameters: &[],
    };
    root(verify(&signed, keyring, jiff::Timestamp::now())?)
}

/// These pages are the operator's: no role is asked.
fn root(identity: Identity) -> Result<Identity, AuthError> {
    match identity.session {
        None => Ok(identity),
        Some(session) => Err(AuthError::NotAllowed {
            role: session.role,
            action: "this page".to_owned(),
            target: String::new(),
        }),
    }
}

/// The answer to somebody who is not believed.
pub(super) fn refusal(error: &AuthError) -> Response {
    let error = json!({"Code": error.code(), "Message": error.to_string()});
    let body = json!({"Response": {"Error": error, "RequestId": ""}});
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (WWW_AUTHENTICATE, "Basic realm=\"skiff\""),
    ];
    (StatusCode::UNAUTHORIZED, headers, body.to_string()).into_response()
}
