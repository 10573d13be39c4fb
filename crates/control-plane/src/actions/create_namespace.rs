//! `CreateNamespace`.

use std::sync::Arc;

use skiff_domain::NamespaceName;

use crate::account::AccountRecord;
use crate::change::ChangeError;
use crate::document::Document;
use crate::namespace::Namespace;
use crate::plane::{ControlPlane, Inner};
use crate::settings::Description;
use crate::state::{State, Write};

/// A namespace to be.
#[derive(Debug, Clone)]
pub struct CreateNamespace {
    /// Its name.
    pub name: NamespaceName,
    /// What it is for.
    pub description: Description,
}

/// Why a namespace was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateNamespaceError {
    /// There is one of this name.
    #[error("Namespace {0} exists already")]
    Exists(NamespaceName),
    /// There are as many as there can be.
    #[error("there are {0} namespaces, the most there can be: delete one first")]
    TooMany(usize),
    /// It could not be stored.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl CreateNamespaceError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exists(_) => "ResourceInUse.Namespace",
            Self::TooMany(_) => "LimitExceeded.Namespace",
            Self::Change(error) => error.code(),
        }
    }
}

impl ControlPlane {
    /// Creates a namespace.
    pub async fn create_namespace(&self, input: CreateNamespace) -> Result<(), CreateNamespaceError> {
        let write = |inner: Arc<Inner>| async move {
            let change = |state: &State| {
                if state.namespace(&input.name).is_some() {
                    return Err(CreateNamespaceError::Exists(input.name.clone()));
                }
                let namespaces_max = inner.quotas.namespaces_max;
                if state.account().namespaces >= namespaces_max {
                    return Err(CreateNamespaceError::TooMany(namespaces_max));
                }
                Ok((writes(state, &inner, &input), ()))
            };
            inner.change(change).await
        };
        self.inner.run(write).await
    }
}

/// An empty namespace, and the account counting it.
pub(crate) fn writes(state: &State, inner: &Inner, input: &CreateNamespace) -> Vec<Write> {
    let now = (inner.now)();
    vec![
        Write::Put(Document::Namespace(Namespace {
            name: input.name.clone(),
            description: input.description.clone(),
            created_at: now,
            modified_at: now,
            functions: 0,
        })),
        Write::Put(Document::Account(AccountRecord {
            namespaces: state.account().namespaces + 1,
            ..state.account().clone()
        })),
    ]
}
