//! A published version: `$LATEST` as it was once, and never changed again.

use std::sync::Arc;

use jiff::Timestamp;
use skiff_domain::{FunctionKey, FunctionUid, Revision, Version, VersionNumber, VersionRef};

use crate::configuration::Configuration;

/// A published version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedVersion {
    /// Of which function.
    pub key: FunctionKey,
    /// Of which one of that name.
    pub uid: FunctionUid,
    /// Its number.
    pub number: VersionNumber,
    /// When it was published.
    pub published_at: Timestamp,
    /// The revision of `$LATEST` that it was.
    pub revision: Revision,
    /// Its code and configuration.
    pub configuration: Arc<Configuration>,
}

impl PublishedVersion {
    /// What its instances see.
    pub(crate) fn version(&self) -> Version {
        let label = VersionRef::Number(self.number).into();
        self.configuration.version(&self.key, &self.uid, label, self.revision)
    }
}
