//! `DeleteFunction`.

use std::sync::Arc;

use skiff_domain::{FunctionKey, FunctionUid, Qualifier};

use super::delete_function_version::{BoundAliases, DeleteFunctionVersion, DeleteFunctionVersionError};
use super::update_function_code::existing;
use crate::change::ChangeError;
use crate::document::{Document, DocumentId};
use crate::namespace::Namespace;
use crate::plane::{ControlPlane, Inner, ResolveError};
use crate::state::{State, Write};

/// A function to be gone.
#[derive(Debug, Clone)]
pub struct DeleteFunction {
    /// Which function.
    pub key: FunctionKey,
    /// Which version of it; all of it where none is given.
    pub qualifier: Option<Qualifier>,
}

/// What was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deleted {
    /// The whole function, with this identity.
    Function(FunctionUid),
    /// One version of it.
    Version,
}

/// Why a function was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteFunctionError {
    /// There is no such function or version.
    #[error(transparent)]
    Missing(#[from] ResolveError),
    /// The version is not deleted.
    #[error(transparent)]
    Version(#[from] DeleteFunctionVersionError),
    /// The change could not be stored.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl DeleteFunctionError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(error) => error.code(),
            Self::Version(error) => error.code(),
            Self::Change(error) => error.code(),
        }
    }
}

impl ControlPlane {
    /// Deletes a function with all its versions, or one version. Once this returns, no new call of it is accepted;
    /// running ones finish.
    pub async fn delete_function(&self, input: DeleteFunction) -> Result<Deleted, DeleteFunctionError> {
        let DeleteFunction { key, qualifier } = input;
        if let Some(qualifier) = qualifier {
            let bound = BoundAliases::Keep;
            let version = DeleteFunctionVersion { key, qualifier, bound };
            self.delete_function_version(version).await?;
            return Ok(Deleted::Version);
        }
        let write = |inner: Arc<Inner>| async move {
            let change = |state: &State| {
                let function = existing(state, &key)?;
                let mut writes = vec![Write::Remove(DocumentId::Function(key.clone()))];
                let published = state.published(&function);
                writes.extend(published.map(|version| Write::Remove(DocumentId::Version(key.clone(), version.number))));
                writes.extend(state.namespace(&key.namespace).map(|namespace| {
                    Write::Put(Document::Namespace(Namespace {
                        functions: namespace.functions.saturating_sub(1),
                        ..Namespace::clone(namespace)
                    }))
                }));
                Ok::<_, DeleteFunctionError>((writes, function.uid.clone()))
            };
            let uid = inner.change(change).await?;
            inner.settle(&uid, None);
            Ok(Deleted::Function(uid))
        };
        self.inner.run(write).await
    }
}
