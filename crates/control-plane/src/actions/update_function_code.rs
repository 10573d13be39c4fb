//! `UpdateFunctionCode`.

use std::sync::Arc;

use bytes::Bytes;
use skiff_domain::{FunctionKey, FunctionUid, Qualifier, Revision};

use crate::change::ChangeError;
use crate::code::{CodeError, entry_file, take_in};
use crate::document::Document;
use crate::function::Function;
use crate::plane::{ControlPlane, Inner, ResolveError, why_missing};
use crate::state::{State, Write};

/// A function's new code.
#[derive(Debug, Clone)]
pub struct UpdateFunctionCode {
    /// Which function.
    pub key: FunctionKey,
    /// The code: a zip.
    pub code: Bytes,
    /// Where it begins; as before where none is given.
    pub handler: Option<String>,
}

/// Why a function's code was not updated. It serves as before.
#[derive(Debug, thiserror::Error)]
pub enum UpdateFunctionCodeError {
    /// There is no such function.
    #[error(transparent)]
    Missing(#[from] ResolveError),
    /// The code or handler is not taken.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// The change could not be stored.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl UpdateFunctionCodeError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(error) => error.code(),
            Self::Code(error) => error.code(),
            Self::Change(error) => error.code(),
        }
    }
}

impl ControlPlane {
    /// Replaces a function's code. Once this returns, new calls run the new code; running ones finish with the old.
    /// On error nothing is changed, nor when the function has this code already: its instances stay.
    pub async fn update_function_code(&self, input: UpdateFunctionCode) -> Result<(), UpdateFunctionCodeError> {
        let updated = update(&self.inner, input).await;
        if updated.is_err() {
            self.inner.collect().await;
        }
        updated
    }
}

async fn update(inner: &Arc<Inner>, input: UpdateFunctionCode) -> Result<(), UpdateFunctionCodeError> {
    let UpdateFunctionCode { key, code, handler } = input;
    let seen = existing(&inner.state.load(), &key)?;
    let package = take_in(inner, code, &seen.runtime, handler.as_deref().unwrap_or(&seen.handler)).await?;
    let write = |inner: Arc<Inner>| async move {
        let change = |state: &State| {
            let current = existing(state, &key)?;
            let function = Function {
                handler: handler.clone().unwrap_or_else(|| current.handler.clone()),
                code: package.digest,
                code_bytes: package.zip_bytes,
                ..next_revision(&current, &inner)
            };
            // Runtime or handler may have changed since they were looked at.
            entry_file(&inner.artifacts, &function.runtime, &function.handler, &function.code)?;
            Ok::<_, UpdateFunctionCodeError>(put_changed(&current, function))
        };
        let changed = inner.change(change).await?;
        drop(package);
        if let Some(uid) = changed {
            inner.settle(&uid);
        }
        Ok(())
    };
    inner.run(write).await
}

/// The function of this name.
pub(crate) fn existing(state: &State, key: &FunctionKey) -> Result<Arc<Function>, ResolveError> {
    let function = state.function(key).cloned();
    function.ok_or_else(|| why_missing(state, key, &Qualifier::latest()))
}

/// What is to be written of a function that was to change, and whose instances go. Nothing where it is what it was:
/// no revision, and no cold start.
pub(crate) fn put_changed(current: &Function, changed: Function) -> (Vec<Write>, Option<FunctionUid>) {
    let same = Function {
        revision: current.revision,
        modified_at: current.modified_at,
        ..changed.clone()
    };
    if same == *current {
        return (Vec::new(), None);
    }
    let uid = changed.uid.clone();
    (vec![Write::Put(Document::Function(Box::new(changed)))], Some(uid))
}

/// The same function, changed now.
pub(crate) fn next_revision(current: &Function, inner: &Inner) -> Function {
    Function {
        revision: Revision(current.revision.0 + 1),
        modified_at: (inner.now)(),
        ..current.clone()
    }
}
