//! The role a function acts in: one that there is.

use skiff_domain::RoleName;

use crate::plane::Inner;

/// There is no such role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Role {0} does not exist: the operator defines roles in roles.toml of the data dir")]
pub struct UnknownRole(pub RoleName);

impl UnknownRole {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        "ResourceNotFound.Role"
    }
}

impl Inner {
    /// Refuses a role that is not there.
    pub(crate) fn check_role(&self, role: Option<&RoleName>) -> Result<(), UnknownRole> {
        match role {
            Some(role) if !self.roles.exists(role) => Err(UnknownRole(role.clone())),
            _ => Ok(()),
        }
    }
}
