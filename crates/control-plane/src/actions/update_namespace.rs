//! `UpdateNamespace`.

use std::sync::Arc;

use skiff_domain::NamespaceName;

use crate::change::ChangeError;
use crate::document::Document;
use crate::namespace::Namespace;
use crate::plane::{ControlPlane, Inner};
use crate::settings::Description;
use crate::state::{State, Write};

/// What a namespace is for from now on.
#[derive(Debug, Clone)]
pub struct UpdateNamespace {
    /// Its name.
    pub name: NamespaceName,
    /// What it is for.
    pub description: Description,
}

/// Why a namespace was not updated.
#[derive(Debug, thiserror::Error)]
pub enum UpdateNamespaceError {
    /// There is no such namespace.
    #[error("Namespace {0} does not exist")]
    Missing(NamespaceName),
    /// The change could not be stored.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl UpdateNamespaceError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "ResourceNotFound.Namespace",
            Self::Change(error) => error.code(),
        }
    }
}

impl ControlPlane {
    /// Replaces a namespace's description.
    pub async fn update_namespace(&self, input: UpdateNamespace) -> Result<(), UpdateNamespaceError> {
        let write = |inner: Arc<Inner>| async move {
            let change = |state: &State| {
                let missing = || UpdateNamespaceError::Missing(input.name.clone());
                let namespace = state.namespace(&input.name).ok_or_else(missing)?;
                let namespace = Namespace {
                    description: input.description.clone(),
                    modified_at: (inner.now)(),
                    ..Namespace::clone(namespace)
                };
                Ok((vec![Write::Put(Document::Namespace(namespace))], ()))
            };
            inner.change(change).await
        };
        self.inner.run(write).await
    }
}
