//! The envelope every answer is in: HTTP 200, exactly `application/json`, `{"Response":{…,"RequestId":"…"}}`.

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use skiff_domain::RequestId;

use crate::error::ApiError;

/// Both SDKs compare the content type as a text: with a charset an error arrives as an object of nulls
/// (CONTRACT 0.2).
const JSON: HeaderValue = HeaderValue::from_static("application/json");

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope<T> {
    response: Fields<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Fields<T> {
    #[serde(flatten)]
    fields: T,
    request_id: RequestId,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorFields<'a> {
    error: ErrorField<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorField<'a> {
    code: &'a str,
    message: &'a str,
}

/// The answer of an action that has nothing to say but that it is done.
#[derive(Debug, Serialize)]
pub(crate) struct Done {}

/// A body in the envelope.
pub(crate) fn body(fields: &impl Serialize, request_id: RequestId) -> Result<Vec<u8>, ApiError> {
    let envelope = Envelope {
        response: Fields { fields, request_id },
    };
    serde_json::to_vec(&envelope).map_err(|error| {
        tracing::error!(%error, "answer cannot be written as JSON");
        ApiError::internal()
    })
}

/// The response for what an action came to.
pub(crate) fn response(answer: Result<Vec<u8>, ApiError>, request_id: RequestId) -> Response {
    let body = answer.or_else(|error| {
        let error = ErrorField {
            code: &error.code,
            message: &error.message,
        };
        body(&ErrorFields { error }, request_id)
    });
    let mut response = Response::new(Body::from(body.unwrap_or_default()));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
