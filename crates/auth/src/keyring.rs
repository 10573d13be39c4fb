//! The credentials this server believes.

use std::hash::Hash;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::RwLock;

use crate::credentials::{Credentials, SecretId};
use crate::error::AuthError;
use crate::identity::{Identity, Session};
use crate::nonces::Nonces;
use crate::policy::Roles;
use crate::uses::Uses;

/// Every credential a caller may use: the root one, and the temporary ones of roles. Shared by all listeners, because a
/// nonce is spent and a signature taken for all of them.
#[derive(Debug)]
pub struct Keyring {
    root: Arc<Credentials>,
    roles: RwLock<Arc<Roles>>,
    nonces: Nonces,
    uses: Uses,
}

impl Keyring {
    /// A keyring with the root credential.
    #[must_use]
    pub fn new(root: Credentials) -> Self {
        Self {
            root: Arc::new(root),
            roles: RwLock::default(),
            nonces: Nonces::default(),
            uses: Uses::default(),
        }
    }

    /// Makes these the roles there are. Temporary credentials of others are refused from now on.
    pub fn set_roles(&self, roles: Roles) {
        *self.roles.write() = Arc::new(roles);
    }

    /// The roles there are.
    #[must_use]
    pub fn roles(&self) -> Arc<Roles> {
        Arc::clone(&self.roles.read())
    }

    /// The credential of this id. `token` is what the request gave as its token, if anything.
    pub(crate) fn find(&self, secret_id: &str, token: Option<&str>, now: Timestamp) -> Result<Found, AuthError> {
        if secret_id.is_empty() {
            return Err(AuthError::EmptySecretId);
        }
        let secret_id: SecretId = secret_id.parse().map_err(|_| AuthError::InvalidSecretId)?;
        let is_root = secret_id == self.root.secret_id;
        match token.filter(|token| !token.is_empty()) {
            None if is_root => Ok(Found {
                credentials: Arc::clone(&self.root),
                session: None,
            }),
            None => Err(AuthError::SecretIdNotFound),
            Some(_) if is_root => Err(AuthError::TokenMismatch),
            Some(token) => {
                let (credentials, session) = self.session(&secret_id, token, now)?;
                Ok(Found {
                    credentials: Arc::new(credentials),
                    session: Some(session),
                })
            }
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
}

/// A credential that was asked for.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) credentials: Arc<Credentials>,
    session: Option<Session>,
}

impl Found {
    /// Whose it is, once what was signed with it was found valid.
    pub(crate) fn identity(self) -> Identity {
        Identity {
            secret_id: self.credentials.secret_id.clone(),
            session: self.session,
        }
    }
}
