//! `GetFunction`.

use std::sync::Arc;

use jiff::Timestamp;
use skiff_domain::{FunctionKey, Qualifier, VersionRef};

use crate::code::entry_file;
use crate::configuration::Configuration;
use crate::function::Function;
use crate::plane::{ControlPlane, ResolveError, why_missing};

/// Largest source text that is shown, in bytes (CONTRACT 2.5, `ShowCode`).
const SOURCE_BYTES_MAX: u64 = 1024 * 1024;

/// A function, and one version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionView {
    /// The function.
    pub function: Arc<Function>,
    /// Which version.
    pub version: VersionRef,
    /// When that came to be: when the function was created, or when the version was published.
    pub created_at: Timestamp,
    /// When it last changed.
    pub modified_at: Timestamp,
    /// Its code and configuration.
    pub configuration: Arc<Configuration>,
}

/// The source a function begins in, or why it is not shown: `CodeInfo`, `CodeResult` and `CodeError`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntrySource {
    /// Its text.
    Text(String),
    /// It is larger than 1 MB.
    TooLarge,
    /// It is compiled: no text.
    NotText,
    /// The package cannot be read now.
    Unreadable,
}

impl ControlPlane {
    /// A function as a version of it is; of an alias, the main one.
    pub fn get_function(&self, key: &FunctionKey, qualifier: &Qualifier) -> Result<FunctionView, ResolveError> {
        let state = self.inner.state.load();
        let view = || {
            let function = state.function(key)?;
            match state.table(key)?.at(qualifier)? {
                VersionRef::Latest => Some(FunctionView {
                    version: VersionRef::Latest,
                    created_at: function.created_at,
                    modified_at: function.modified_at,
                    configuration: Arc::clone(&function.configuration),
                    function: Arc::clone(function),
                }),
                VersionRef::Number(number) => {
                    let version = state.published_version(function, number)?;
                    Some(FunctionView {
                        version: VersionRef::Number(number),
                        created_at: version.published_at,
                        modified_at: version.published_at,
                        configuration: Arc::clone(&version.configuration),
                        function: Arc::clone(function),
                    })
                }
            }
        };
        view().ok_or_else(|| why_missing(&state, key, qualifier))
    }

    /// The source a version begins in.
    pub async fn entry_source(&self, configuration: &Arc<Configuration>) -> EntrySource {
        let artifacts = self.inner.artifacts.clone();
        // Unpacked again if need be, and held while it is read.
        let Ok(held) = artifacts.folder(configuration.code).await else {
            return EntrySource::Unreadable;
        };
        let configuration = Arc::clone(configuration);
        let read = tokio::task::spawn_blocking(move || {
            let _held = held;
            let file = entry_file(
                &artifacts,
                configuration.function_type(),
                &configuration.runtime,
                &configuration.handler,
                &configuration.code,
            )
            .ok();
            let Some(file) = file else {
                return EntrySource::Unreadable;
            };
            match artifacts.read(&configuration.code, &file, SOURCE_BYTES_MAX) {
                Some(bytes) => String::from_utf8(bytes.into()).map_or(EntrySource::NotText, EntrySource::Text),
                None => EntrySource::TooLarge,
            }
        });
        read.await.unwrap_or(EntrySource::Unreadable)
    }
}
