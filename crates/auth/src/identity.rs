//! Who a request was found to come from.

use crate::credentials::SecretId;

/// The caller, once a signature of theirs was found valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The credential they used.
    pub secret_id: SecretId,
}
