//! The one error shape of API 3.0: a documented code and a message for the user.

use std::borrow::Cow;
use std::error::Error;

use skiff_auth::AuthError;
use skiff_domain::InvalidName;

/// An error reply: `{"Response":{"Error":{"Code","Message"},"RequestId"}}` with HTTP 200 (CONTRACT 0.1).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// A code of CONTRACT 2.9, e.g. `ResourceNotFound.Function`.
    pub code: Cow<'static, str>,
    /// What is wrong and what is allowed, for the user.
    pub message: String,
}

impl ApiError {
    /// An error with this code and message.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }

    /// A required parameter that was not given.
    pub(crate) fn missing(field: &str) -> Self {
        Self::new("MissingParameter", format!("the required parameter {field} is missing"))
    }

    /// A value that names nothing, with the code of its kind.
    pub(crate) fn name(code: &'static str, error: &InvalidName) -> Self {
        Self::new(code, error.to_string())
    }

    /// What a core refused. A fault of the platform goes to the log with its causes; the user is told the outermost.
    pub(crate) fn refused(code: &'static str, error: &(impl Error + 'static)) -> Self {
        if code.starts_with("InternalError") {
            tracing::error!(error = error as &dyn Error, "an action failed");
        }
        Self::new(code, error.to_string())
    }

    /// A fault of ours. What happened is in the server's log under the request id, not in the answer.
    pub(crate) fn internal() -> Self {
        Self::new(
            "InternalError",
            "the service failed; its log has the reason under this RequestId",
        )
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        Self::refused(error.code(), &error)
    }
}
