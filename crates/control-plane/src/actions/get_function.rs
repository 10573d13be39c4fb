//! `GetFunction`.

use std::sync::Arc;

use skiff_domain::{FunctionKey, Qualifier};

use crate::code::entry_file;
use crate::function::Function;
use crate::plane::{ControlPlane, ResolveError, is_latest, why_missing};

/// Largest source text that is shown, in bytes (CONTRACT 2.5, `ShowCode`).
const SOURCE_BYTES_MAX: u64 = 1024 * 1024;

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
    /// A function.
    pub fn get_function(&self, key: &FunctionKey, qualifier: &Qualifier) -> Result<Arc<Function>, ResolveError> {
        let state = self.inner.state.load();
        match state.function(key) {
            Some(function) if is_latest(qualifier) => Ok(Arc::clone(function)),
            _ => Err(why_missing(&state, key, qualifier)),
        }
    }

    /// The source a function begins in.
    pub async fn entry_source(&self, function: &Arc<Function>) -> EntrySource {
        let artifacts = self.inner.artifacts.clone();
        // Unpacked again if need be, and held while it is read.
        let Ok(held) = artifacts.folder(function.code).await else {
            return EntrySource::Unreadable;
        };
        let function = Arc::clone(function);
        let read = tokio::task::spawn_blocking(move || {
            let _held = held;
            let file = entry_file(&artifacts, &function.runtime, &function.handler, &function.code).ok();
            let Some(file) = file else {
                return EntrySource::Unreadable;
            };
            match artifacts.read(&function.code, &file, SOURCE_BYTES_MAX) {
                Some(bytes) => String::from_utf8(bytes.into()).map_or(EntrySource::NotText, EntrySource::Text),
                None => EntrySource::TooLarge,
            }
        });
        read.await.unwrap_or(EntrySource::Unreadable)
    }
}
