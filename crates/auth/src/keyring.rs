//! The credentials this server believes.

use std::hash::Hash;

use jiff::Timestamp;

use crate::credentials::{Credentials, SecretId};
use crate::error::AuthError;
use crate::identity::Identity;
use crate::nonces::Nonces;
use crate::uses::Uses;

/// Every credential a caller may use: the root one. Shared by all listeners, because a nonce is spent and a
/// signature taken for all of them.
#[derive(Debug)]
pub struct Keyring {
    root: Credentials,
    nonces: Nonces,
    uses: Uses,
}

impl Keyring {
    /// A keyring with the root credential.
    #[must_use]
    pub fn new(root: Credentials) -> Self {
        Self {
            root,
            nonces: Nonces::default(),
            uses: Uses::default(),
        }
    }

    /// The credential of this id. `token` is what the request gave as its token, if anything.
    pub(crate) fn find(&self, secret_id: &str, token: Option<&str>) -> Result<&Credentials, AuthError> {
        if secret_id.is_empty() {
            return Err(AuthError::EmptySecretId);
        }
        let secret_id: SecretId = secret_id.parse().map_err(|_| AuthError::InvalidSecretId)?;
        if secret_id != self.root.secret_id {
            return Err(AuthError::SecretIdNotFound);
        }
        match token {
            None | Some("") => Ok(&self.root),
            Some(_) => Err(AuthError::TokenMismatch),
        }
    }

    /// Takes a v1 nonce out of circulation. Call it for valid signatures only, or strangers could fill the memory.
    pub(crate) fn spend(&self, nonce: &str, signed_at: i64, now: Timestamp) -> Result<(), AuthError> {
        self.nonces.spend(nonce, signed_at, now.as_second())
    }

    /// Takes a TC3 signature with what it does not cover. Call it for valid ones only.
    pub(crate) fn take(&self, signature: &str, with: impl Hash, now: Timestamp) -> Result<(), AuthError> {
        self.uses.take(signature, with, now.as_second())
    }

    /// What links are signed with.
    pub(crate) fn root_key(&self) -> &str {
        self.root.secret_key.reveal()
    }

    pub(crate) fn identity(credentials: &Credentials) -> Identity {
        Identity {
            secret_id: credentials.secret_id.clone(),
        }
    }
}
