//! `PublishVersion`, and `Publish` of the updates: `$LATEST` as it is now, kept under the next number.

use std::sync::Arc;

use jiff::Timestamp;
use skiff_domain::limits::VERSIONS_PER_FUNCTION_MAX;
use skiff_domain::{FunctionKey, FunctionName, FunctionUid, VersionNumber};

use super::update_function_code::existing;
use crate::change::ChangeError;
use crate::configuration::Configuration;
use crate::document::Document;
use crate::function::Function;
use crate::plane::{ControlPlane, Inner, ResolveError};
use crate::published::PublishedVersion;
use crate::settings::Description;
use crate::state::{State, Write};

/// A version to be.
#[derive(Debug, Clone)]
pub struct PublishVersion {
    /// Of which function.
    pub key: FunctionKey,
    /// What it is for; as the function where none is given.
    pub description: Option<Description>,
}

/// Whether an update publishes a version of what it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Publish {
    /// It changes `$LATEST` only.
    #[default]
    No,
    /// It publishes one, in the same commit.
    Yes,
}

/// Why a version was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishVersionError {
    /// There is no such function.
    #[error(transparent)]
    Missing(#[from] ResolveError),
    /// The function has as many as it can have.
    #[error(transparent)]
    TooMany(#[from] TooManyVersions),
    /// It could not be stored.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl PublishVersionError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(error) => error.code(),
            Self::TooMany(error) => error.code(),
            Self::Change(error) => error.code(),
        }
    }
}

/// A function has as many published versions as it can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Function {0} has {VERSIONS_PER_FUNCTION_MAX} published versions, the most it can have: delete one first")]
pub struct TooManyVersions(pub FunctionName);

impl TooManyVersions {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        "LimitExceeded.FunctionVersions"
    }
}

impl ControlPlane {
    /// Publishes a version. Once this returns it can be invoked by its number, and it stays what it is whatever
    /// becomes of `$LATEST`.
    pub async fn publish_version(&self, input: PublishVersion) -> Result<PublishedVersion, PublishVersionError> {
        let write = |inner: Arc<Inner>| async move {
            let change = |state: &State| {
                let function = Function::clone(&*existing(state, &input.key)?);
                let version = publish(state, &function, input.description.clone(), (inner.now)())?;
                Ok((writes(function, version.clone()), version))
            };
            inner.change(change).await
        };
        self.inner.run(write).await
    }
}

/// This function's next version.
fn publish(
    state: &State,
    function: &Function,
    description: Option<Description>,
    now: Timestamp,
) -> Result<PublishedVersion, TooManyVersions> {
    if state.published(function).count() >= VERSIONS_PER_FUNCTION_MAX {
        return Err(TooManyVersions(function.key.name.clone()));
    }
    let configuration = match description {
        None => Arc::clone(&function.configuration),
        Some(description) => Arc::new(Configuration {
            description,
            ..Configuration::clone(&function.configuration)
        }),
    };
    Ok(PublishedVersion {
        key: function.key.clone(),
        uid: function.uid.clone(),
        number: function.last_version.map_or(VersionNumber::FIRST, VersionNumber::next),
        published_at: now,
        revision: function.revision,
        configuration,
    })
}

/// The version, and its function counting it.
fn writes(function: Function, version: PublishedVersion) -> Vec<Write> {
    let function = Function {
        last_version: Some(version.number),
        ..function
    };
    vec![
        Write::Put(Document::Function(Box::new(function))),
        Write::Put(Document::Version(Box::new(version))),
    ]
}

/// What an update writes, a version of it included if one is wanted; and whose instances go. Where a function has this
/// code and configuration already there is no new revision, and no cold start.
pub(crate) fn update_writes(
    state: &State,
    current: &Function,
    configuration: Configuration,
    wanted: Publish,
    now: Timestamp,
) -> Result<(Vec<Write>, Option<FunctionUid>), TooManyVersions> {
    let changed = (configuration != *current.configuration).then(|| current.changed(configuration, now));
    let uid = changed.as_ref().map(|function| function.uid.clone());
    let writes = match (wanted, changed) {
        (Publish::No, None) => Vec::new(),
        (Publish::No, Some(changed)) => vec![Write::Put(Document::Function(Box::new(changed)))],
        (Publish::Yes, changed) => {
            let function = changed.unwrap_or_else(|| current.clone());
            let version = publish(state, &function, None, now)?;
            writes(function, version)
        }
    };
    Ok((writes, uid))
}
