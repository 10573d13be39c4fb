//! Whether code, handler and runtime go together.

use std::sync::Arc;

use bytes::Bytes;
use skiff_artifacts::{AdmitError, Artifacts, FolderError, Package};
use skiff_domain::{CodeDigest, RuntimeName, Version};
use skiff_runtimes::{InvalidHandler, WEB_PROGRAM, entry_files, entry_is_program};

use crate::function::FunctionType;
use crate::plane::Inner;
use crate::runtime_choice::RuntimeUnavailable;

/// Why a function cannot have this code, handler or runtime.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// The package is not taken.
    #[error(transparent)]
    Package(#[from] AdmitError),
    /// The runtime is not installed.
    #[error(transparent)]
    Runtime(#[from] RuntimeUnavailable),
    /// The handler names no entry point of the runtime.
    #[error(transparent)]
    Handler(#[from] InvalidHandler),
    /// The handler's file is not in the package.
    #[error("{} needs the file {file} in the package, and it is not there", needing(.handler, .file))]
    EntryMissing {
        /// The handler.
        handler: String,
        /// The file it is looked for in first.
        file: String,
    },
    /// The handler's file is a program, and not marked as one.
    #[error(
        "{0} is not executable: give it mode 755 (chmod 755 {0}) and make the zip anew, with a tool that keeps modes, as those of Windows do not"
    )]
    EntryNotExecutable(String),
    /// The package the function has already cannot be read.
    #[error("the function's package cannot be read")]
    Unreadable(#[from] FolderError),
}

impl CodeError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Package(error) => error.code(),
            Self::Runtime(error) => error.code(),
            Self::Handler(_) | Self::EntryMissing { .. } | Self::EntryNotExecutable(_) => {
                "InvalidParameterValue.Handler"
            }
            Self::Unreadable(_) => "InternalError.System",
        }
    }
}

/// A web function's handler means nothing.
fn needing(handler: &str, file: &str) -> String {
    if file == WEB_PROGRAM {
        "a web function".to_owned()
    } else {
        format!("Handler {handler}")
    }
}

/// A package that was taken in and goes with its function's handler and runtime.
pub(crate) async fn take_in(
    inner: &Arc<Inner>,
    zip: Bytes,
    kind: FunctionType,
    runtime: &RuntimeName,
    handler: &str,
) -> Result<Package, CodeError> {
    // Before the package is looked at: this is the cheaper question.
    entries(kind, runtime, handler)?;
    let package = inner.artifacts.admit(zip).await?;
    check_entry(&inner.artifacts, kind, runtime, handler, &package.digest())?;
    let is_compiled = |version: &Arc<Version>| version.code == package.digest() && version.runtime == *runtime;
    if !inner.state.load().versions().any(is_compiled) {
        inner.compile_soon(runtime, &package).await;
    }
    Ok(package)
}

/// The file of an unpacked package that a handler begins in.
pub(crate) fn entry_file(
    artifacts: &Artifacts,
    kind: FunctionType,
    runtime: &RuntimeName,
    handler: &str,
    code: &CodeDigest,
) -> Result<String, CodeError> {
    let files = entries(kind, runtime, handler)?;
    let found = files.iter().find_map(|file| artifacts.find(code, file));
    found.ok_or_else(|| CodeError::EntryMissing {
        handler: handler.to_owned(),
        file: files.first().cloned().unwrap_or_default(),
    })
}

/// Whether an unpacked package has the file that a handler begins in, and may execute it where it is a program.
pub(crate) fn check_entry(
    artifacts: &Artifacts,
    kind: FunctionType,
    runtime: &RuntimeName,
    handler: &str,
    code: &CodeDigest,
) -> Result<(), CodeError> {
    let file = entry_file(artifacts, kind, runtime, handler, code)?;
    let is_program = kind == FunctionType::Http || entry_is_program(runtime);
    match is_program && !artifacts.is_executable(code, &file) {
        true => Err(CodeError::EntryNotExecutable(file)),
        false => Ok(()),
    }
}

/// The files any one of which it may begin in.
fn entries(kind: FunctionType, runtime: &RuntimeName, handler: &str) -> Result<Vec<String>, InvalidHandler> {
    match kind {
        FunctionType::Event => entry_files(runtime, handler),
        FunctionType::Http => Ok(vec![WEB_PROGRAM.to_owned()]),
    }
}
