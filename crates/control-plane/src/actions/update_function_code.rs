//! `UpdateFunctionCode`.

use std::sync::Arc;

use bytes::Bytes;
use skiff_domain::{FunctionKey, Qualifier};

use super::publish_version::{Publish, TooManyVersions, update_writes};
use crate::change::ChangeError;
use crate::code::{CodeError, check_entry, take_in};
use crate::configuration::Configuration;
use crate::function::Function;
use crate::layer::{self, InvalidLayers};
use crate::plane::{ControlPlane, Inner, ResolveError, why_missing};
use crate::state::State;

/// A function's new code.
#[derive(Debug, Clone)]
pub struct UpdateFunctionCode {
    /// Which function.
    pub key: FunctionKey,
    /// The code: a zip.
    pub code: Bytes,
    /// Where it begins; as before where none is given.
    pub handler: Option<String>,
    /// Whether a version is published of it.
    pub publish: Publish,
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
    /// The code is too large for the function's layers.
    #[error(transparent)]
    Layers(#[from] InvalidLayers),
    /// No version can be published.
    #[error(transparent)]
    TooManyVersions(#[from] TooManyVersions),
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
            Self::Layers(error) => error.code(),
            Self::TooManyVersions(error) => error.code(),
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
    let UpdateFunctionCode {
        key,
        code,
        handler,
        publish,
    } = input;
    let seen = existing(&inner.state.load(), &key)?;
    let package = {
        let seen = &seen.configuration;
        let handler = handler.as_deref().unwrap_or(&seen.handler);
        take_in(inner, code, seen.function_type(), &seen.runtime, handler).await?
    };
    let write = |inner: Arc<Inner>| async move {
        let change = |state: &State| {
            let current = existing(state, &key)?;
            let before = &current.configuration;
            let configuration = Configuration {
                handler: handler.clone().unwrap_or_else(|| before.handler.clone()),
                code: package.digest(),
                code_bytes: package.zip_bytes(),
                unpacked_bytes: package.unpacked_bytes(),
                ..Configuration::clone(before)
            };
            // Runtime or handler may have changed since they were looked at.
            check_entry(
                &inner.artifacts,
                configuration.function_type(),
                &configuration.runtime,
                &configuration.handler,
                &configuration.code,
            )?;
            layer::check(&configuration)?;
            Ok::<_, UpdateFunctionCodeError>(update_writes(state, &current, configuration, publish, (inner.now)())?)
        };
        let changed = inner.change(change).await?;
        drop(package);
        if let Some(uid) = changed {
            inner.settle(&uid, Some(&Qualifier::latest()));
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
