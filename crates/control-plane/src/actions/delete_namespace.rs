//! `DeleteNamespace`.

use std::sync::Arc;

use skiff_domain::NamespaceName;

use crate::account::AccountRecord;
use crate::change::ChangeError;
use crate::document::{Document, DocumentId};
use crate::plane::{ControlPlane, Inner};
use crate::state::{State, Write};

/// Why a namespace was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteNamespaceError {
    /// There is no such namespace.
    #[error("Namespace {0} does not exist")]
    Missing(NamespaceName),
    /// `default` always exists.
    #[error("Namespace default cannot be deleted")]
    Default,
    /// There are functions in it.
    #[error("Namespace {name} is not empty (functions: {functions}): delete them first")]
    NotEmpty {
        /// Its name.
        name: NamespaceName,
        /// How many.
        functions: usize,
    },
    /// The change could not be stored.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl DeleteNamespaceError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "ResourceNotFound.Namespace",
            Self::Default => "InvalidParameterValue.DefaultNamespace",
            Self::NotEmpty { .. } => "FailedOperation.DeleteNamespace",
            Self::Change(error) => error.code(),
        }
    }
}

impl ControlPlane {
    /// Deletes an empty namespace.
    pub async fn delete_namespace(&self, name: NamespaceName) -> Result<(), DeleteNamespaceError> {
        let write = |inner: Arc<Inner>| async move {
            let change = |state: &State| {
                let missing = || DeleteNamespaceError::Missing(name.clone());
                let namespace = state.namespace(&name).ok_or_else(missing)?;
                if name == NamespaceName::default() {
                    return Err(DeleteNamespaceError::Default);
                }
                if namespace.functions > 0 {
                    return Err(DeleteNamespaceError::NotEmpty {
                        name: name.clone(),
                        functions: namespace.functions,
                    });
                }
                let account = Document::Account(AccountRecord {
                    namespaces: state.account().namespaces.saturating_sub(1),
                    ..state.account().clone()
                });
                Ok((
                    vec![Write::Remove(DocumentId::Namespace(name.clone())), Write::Put(account)],
                    (),
                ))
            };
            inner.change(change).await
        };
        self.inner.run(write).await
    }
}
