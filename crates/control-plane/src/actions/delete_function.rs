//! `DeleteFunction`.

use std::sync::Arc;

use skiff_domain::{FunctionKey, FunctionUid, Qualifier};

use super::update_function_code::existing;
use crate::change::ChangeError;
use crate::document::{Document, DocumentId};
use crate::namespace::Namespace;
use crate::plane::{ControlPlane, Inner, ResolveError, is_latest};
use crate::state::{State, Write};

/// A function to be gone.
#[derive(Debug, Clone)]
pub struct DeleteFunction {
    /// Which function.
    pub key: FunctionKey,
    /// Which version of it; all of it where none is given.
    pub qualifier: Option<Qualifier>,
}

/// Why a function was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteFunctionError {
    /// There is no such function or version.
    #[error(transparent)]
    Missing(#[from] ResolveError),
    /// `$LATEST` was named, which goes only with the whole function.
    #[error("Qualifier {0} cannot be deleted alone: leave Qualifier out to delete the whole function")]
    Latest(Qualifier),
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
            Self::Latest(_) => "InvalidParameterValue.Qualifier",
            Self::Change(error) => error.code(),
        }
    }
}

impl ControlPlane {
    /// Deletes a function and says which it was. Once this returns, no new call of it is accepted; running ones finish.
    pub async fn delete_function(&self, input: DeleteFunction) -> Result<FunctionUid, DeleteFunctionError> {
        let DeleteFunction { key, qualifier } = input;
        let write = |inner: Arc<Inner>| async move {
            let change = |state: &State| {
                let function = existing(state, &key)?;
                match &qualifier {
                    Some(qualifier) if is_latest(qualifier) => {
                        return Err(DeleteFunctionError::Latest(qualifier.clone()));
                    }
                    Some(qualifier) => {
                        return Err(ResolveError::QualifierMissing {
                            key: key.clone(),
                            qualifier: qualifier.clone(),
                        }
                        .into());
                    }
                    None => {}
                }
                let mut writes = vec![Write::Remove(DocumentId::Function(key.clone()))];
                writes.extend(state.namespace(&key.namespace).map(|namespace| {
                    Write::Put(Document::Namespace(Namespace {
                        functions: namespace.functions.saturating_sub(1),
                        ..Namespace::clone(namespace)
                    }))
                }));
                Ok((writes, function.uid.clone()))
            };
            let uid = inner.change(change).await?;
            inner.settle(&uid);
            Ok(uid)
        };
        self.inner.run(write).await
    }
}
