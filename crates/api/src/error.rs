//! The one error shape of API 3.0: a documented code and a message for the user.

use std::borrow::Cow;

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
        Self { code: code.into(), message: message.into() }
    }
}
