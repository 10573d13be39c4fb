//! Who a request was found to come from.

use std::sync::Arc;

use crate::credentials::SecretId;
use crate::error::AuthError;
use crate::policy::Policy;

/// The caller, once a signature of theirs was found valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The credential they used.
    pub secret_id: SecretId,
    /// Whose it is, where it is a temporary one. Without one it is the root credential, which may do everything.
    pub session: Option<Session>,
}

/// A function that acts in a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The role.
    pub role: String,
    /// The function that was handed the credentials, `namespace/name`.
    pub function: String,
    /// What the role lets do now.
    pub policy: Arc<Policy>,
}

impl Identity {
    /// Refuses credentials that outlived their function's part: `acts` says whether a function, `namespace/name`, still
    /// acts in a role.
    pub fn still(&self, acts: impl FnOnce(&str, &str) -> bool) -> Result<(), AuthError> {
        match &self.session {
            Some(Session { role, function, .. }) if !acts(function, role) => Err(AuthError::RoleTaken {
                role: role.clone(),
                function: function.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Refuses an action that the caller's role does not let do to this: `namespace/name` of a function, `namespace/` of
    /// all in a namespace, or nothing of what is neither.
    pub fn may(&self, action: &str, target: &str) -> Result<(), AuthError> {
        match &self.session {
            Some(session) if !session.policy.allows(action, target) => Err(AuthError::NotAllowed {
                role: session.role.clone(),
                action: action.chars().take(80).collect(),
                target: target.chars().take(160).collect(),
            }),
            _ => Ok(()),
        }
    }
}
