//! `DeleteFunctionVersion`.

use std::sync::Arc;

use jiff::Timestamp;
use skiff_domain::{AliasName, FunctionKey, Qualifier, VersionNumber, VersionRef};

use super::update_function_code::existing;
use crate::change::ChangeError;
use crate::document::{Document, DocumentId};
use crate::function::Function;
use crate::plane::{ControlPlane, Inner, ResolveError};
use crate::state::{State, Write};

/// A published version to be gone.
#[derive(Debug, Clone)]
pub struct DeleteFunctionVersion {
    /// Of which function.
    pub key: FunctionKey,
    /// Its number.
    pub qualifier: Qualifier,
    /// What becomes of aliases that lead to it.
    pub bound: BoundAliases,
}

/// What becomes of the aliases that lead to a version that is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BoundAliases {
    /// They keep it: it is not deleted.
    #[default]
    Keep,
    /// Those of which it is the main version go with it, `$DEFAULT` back to `$LATEST`; the others send no call there
    /// any more.
    Unbind,
}

/// Why a version was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteFunctionVersionError {
    /// There is no such function or version.
    #[error(transparent)]
    Missing(#[from] ResolveError),
    /// An alias leads to it.
    #[error("Version {version} is used by the alias {alias}: change or delete it first, or set ForceDelete")]
    Bound {
        /// The version.
        version: VersionRef,
        /// The first such alias.
        alias: AliasName,
    },
    /// Something else was named, which is not deleted so.
    #[error("Qualifier {0} is not the number of a published version: $LATEST goes with the whole function")]
    NoNumber(Qualifier),
    /// The change could not be stored.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl DeleteFunctionVersionError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(error) => error.code(),
            Self::Bound { .. } => "UnsupportedOperation.AliasBind",
            Self::NoNumber(_) => "InvalidParameterValue.Qualifier",
            Self::Change(error) => error.code(),
        }
    }
}

impl ControlPlane {
    /// Deletes a published version. Once this returns, no new call of it is accepted; running ones finish. Its number
    /// is not given again.
    pub async fn delete_function_version(
        &self,
        input: DeleteFunctionVersion,
    ) -> Result<(), DeleteFunctionVersionError> {
        let write = |inner: Arc<Inner>| async move {
            let change = |state: &State| {
                let function = existing(state, &input.key)?;
                let writes = deletion(state, &function, &input, (inner.now)())?;
                Ok::<_, DeleteFunctionVersionError>((writes, function.uid.clone()))
            };
            let uid = inner.change(change).await?;
            inner.settle(&uid, Some(&input.qualifier));
            Ok(())
        };
        self.inner.run(write).await
    }
}

fn deletion(
    state: &State,
    function: &Arc<Function>,
    input: &DeleteFunctionVersion,
    now: Timestamp,
) -> Result<Vec<Write>, DeleteFunctionVersionError> {
    let exists = state.table(&function.key).and_then(|table| table.at(&input.qualifier));
    let number: VersionNumber = match (exists, input.qualifier.as_str().parse()) {
        (Some(_), Ok(number)) => number,
        (Some(_), Err(_)) => return Err(DeleteFunctionVersionError::NoNumber(input.qualifier.clone())),
        (None, _) => {
            return Err(ResolveError::QualifierMissing {
                key: input.key.clone(),
                qualifier: input.qualifier.clone(),
            }
            .into());
        }
    };
    let version = VersionRef::Number(number);
    let mut changed = Function::clone(function);
    if let Some(alias) = function.aliases.iter().find(|alias| alias.leads_to(version)) {
        if input.bound == BoundAliases::Keep {
            let alias = alias.name.clone();
            return Err(DeleteFunctionVersionError::Bound { version, alias });
        }
        changed.aliases.forget(version, now);
    }
    changed.provisions.remove(&number);
    // The function is written in any case: an alias that comes to lead here at the same time excludes this.
    Ok(vec![
        Write::Put(Document::Function(Box::new(changed))),
        Write::Remove(DocumentId::Version(input.key.clone(), number)),
    ])
}
