//! What is not done, and why: an HTTP status and a JSON body of code, message and request id.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::json;
use skiff_auth::AuthError;
use skiff_control_plane::{InvalidRoutingKey, ResolveError};
use skiff_domain::RequestId;

use crate::body::BodyError;
use crate::reply::{APPLICATION_JSON, X_SCF_REQUEST_ID, id_value};

/// A request that is not served.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// The documented code (CONTRACT 2.4, 2.9).
    code: &'static str,
    message: String,
    header: Option<(HeaderName, &'static str)>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            header: None,
        }
    }

    /// Of a request without any proof of who sent it: says what is taken here, which is more than at the API.
    pub(crate) fn not_signed() -> Self {
        let message = "the request has no credential: send HTTP Basic with the secret id and key (curl -u \"$SKIFF_SECRET_ID:\
                       $SKIFF_SECRET_KEY\"), or an Authorization header of TC3-HMAC-SHA256";
        Self::unauthorized(AuthError::NotSigned.code(), message)
    }

    fn unauthorized(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, message).with_header(WWW_AUTHENTICATE, "Basic realm=\"skiff\"")
    }

    pub(crate) fn with_header(self, name: HeaderName, value: &'static str) -> Self {
        Self {
            header: Some((name, value)),
            ..self
        }
    }

    pub(crate) fn into_response(self, id: RequestId) -> Response<Full<Bytes>> {
        let body = json!({ "code": self.code, "message": self.message, "requestId": id.to_string() });
        let mut response = Response::new(Full::new(body.to_string().into()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, APPLICATION_JSON);
        headers.insert(X_SCF_REQUEST_ID, id_value(id));
        if let Some((name, value)) = self.header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::RoleGone(_) | AuthError::RoleTaken { .. } | AuthError::NotAllowed { .. } => {
                Self::new(StatusCode::FORBIDDEN, error.code(), error.to_string())
            }
            AuthError::TooManyNonces => Self::new(StatusCode::TOO_MANY_REQUESTS, error.code(), error.to_string()),
            _ => Self::unauthorized(error.code(), error.to_string()),
        }
    }
}

impl From<ResolveError> for Refusal {
    fn from(error: ResolveError) -> Self {
        Self::new(StatusCode::NOT_FOUND, error.code(), error.to_string())
    }
}

impl From<InvalidRoutingKey> for Refusal {
    fn from(error: InvalidRoutingKey) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.code(), error.to_string())
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        let (status, code) = match error {
            BodyError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "InvalidParameter.RequestTooLarge"),
            BodyError::TooSlow => (StatusCode::REQUEST_TIMEOUT, "InvalidParameter.Payload"),
            BodyError::Broken(_) => (StatusCode::BAD_REQUEST, "InvalidParameter.Payload"),
        };
        Self::new(status, code, error.to_string())
    }
}
