//! Why a caller is not believed, each with its documented code (CONTRACT 2.4).

/// Why a request is refused before anybody looks at what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No signature at all, or a client that was told not to sign (`Authorization: SKIP`).
    #[error("the request is not signed: send an Authorization header of TC3-HMAC-SHA256 or v1 signature parameters")]
    NotSigned,
    /// An `Authorization` header that cannot be read.
    #[error("the Authorization header is not valid: {0}")]
    InvalidAuthorization(&'static str),
    /// Something the signature needs is not in the request.
    #[error("the request is missing the parameter {0}, which its signature needs")]
    Missing(&'static str),
    /// A time that is not a number of seconds.
    #[error("{0} is not a Unix time in seconds")]
    InvalidTimestamp(&'static str),
    /// A secret id no credential can have.
    #[error("the SecretId is not valid: it is 1 to 128 letters, digits, '-' and '_'")]
    InvalidSecretId,
    /// No secret id at all: mostly of a script whose variable is not set.
    #[error("the SecretId is empty: is the variable set that should hold it?")]
    EmptySecretId,
    /// A secret id nobody has.
    #[error("the SecretId is not known here: check it, and that it is meant for this endpoint")]
    SecretIdNotFound,
    /// The signature is not the one this request has under the caller's key.
    #[error(
        "the signature does not match: check the secret key, and that host, content type and body are signed as sent"
    )]
    SignatureMismatch,
    /// A secret key that is sent as it is, with HTTP Basic, and is another.
    #[error("the secret key is not the one of this SecretId")]
    WrongKey,
    /// The signature is too old or from the future.
    #[error(
        "the signature's time is {skew_s} s from this server's clock: at most {max} s are allowed; check the clocks",
        max = crate::CLOCK_SKEW_S_MAX
    )]
    Expired {
        /// Seconds between the two clocks.
        skew_s: u64,
    },
    /// A token with a credential that has none.
    #[error(
        "the token does not belong to this SecretId: a permanent credential is used without one, a temporary one with its own"
    )]
    TokenMismatch,
    /// A token whose time is over.
    #[error("the token has expired: temporary credentials are good for six hours, and instances are handed new ones")]
    TokenExpired,
    /// A token of a role that is no longer there.
    #[error("the role {0} does not exist any more")]
    RoleGone(String),
    /// A function that does not act in that role any more.
    #[error("the function {function} does not act in the role {role} any more")]
    RoleTaken {
        /// The role that it was handed credentials of.
        role: String,
        /// The function.
        function: String,
    },
    /// The role does not let do that.
    #[error("the role {role} does not allow {action} on {}", if .target.is_empty() { "everything" } else { .target.as_str() })]
    NotAllowed {
        /// The caller's role.
        role: String,
        /// What it wanted to do.
        action: String,
        /// To what.
        target: String,
    },
    /// A role that is not the caller's was to be handed to a function, or a function that has it to be changed.
    #[error("a role gives no other role to functions and changes none that has one: {0} is not the caller's own")]
    OtherRole(String),
    /// A v1 signature that was used before.
    #[error("this Nonce was used before: every request needs a new one")]
    Replayed,
    /// A TC3 signature that was used before, for something else that it does not cover.
    #[error("this signature came with another action or body before: sign every request anew")]
    OtherUse,
    /// More v1 signatures in five minutes than are remembered.
    #[error("too many v1 signatures within {max} s: sign with TC3-HMAC-SHA256 or wait", max = crate::CLOCK_SKEW_S_MAX)]
    TooManyNonces,
}

impl AuthError {
    /// The documented error code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotSigned | Self::InvalidAuthorization(_) => "AuthFailure.InvalidAuthorization",
            Self::Missing(_) => "MissingParameter",
            Self::InvalidTimestamp(_) => "InvalidParameterValue",
            Self::InvalidSecretId | Self::EmptySecretId => "AuthFailure.InvalidSecretId",
            Self::SecretIdNotFound => "AuthFailure.SecretIdNotFound",
            Self::SignatureMismatch | Self::WrongKey | Self::Replayed | Self::OtherUse => {
                "AuthFailure.SignatureFailure"
            }
            Self::Expired { .. } => "AuthFailure.SignatureExpire",
            Self::TokenMismatch | Self::TokenExpired => "AuthFailure.TokenFailure",
            Self::RoleGone(_) | Self::RoleTaken { .. } | Self::NotAllowed { .. } | Self::OtherRole(_) => {
                "AuthFailure.UnauthorizedOperation"
            }
            Self::TooManyNonces => "RequestLimitExceeded",
        }
    }
}
