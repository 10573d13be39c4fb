//! A function as users know it, and what of it its instances see.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use skiff_domain::{FunctionKey, FunctionUid, Qualifier, Revision, Version, VersionNumber};

use crate::alias::Aliases;
use crate::configuration::Configuration;
use crate::provision::Provisions;
use crate::tags::Tags;

/// A function: what of it is not of one version, and `$LATEST`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its namespace and name.
    pub key: FunctionKey,
    /// Its identity; a function that is deleted and made again has another.
    pub uid: FunctionUid,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its code or configuration last changed.
    pub modified_at: Timestamp,
    /// Counts these changes.
    pub revision: Revision,
    /// What it is filed under.
    pub tags: Tags,
    /// The number of the version that was published last. It stays when that version goes: no number is given twice.
    pub last_version: Option<VersionNumber>,
    /// Its aliases.
    pub aliases: Aliases,
    /// What it has of the account's concurrency for itself, and at most, in MB, if that is set.
    pub reserved_mb: Option<u64>,
    /// The versions of which instances are kept ready.
    pub provisions: Provisions,
    /// Code and configuration of `$LATEST`.
    pub configuration: Arc<Configuration>,
}

impl Function {
    /// Its life cycle's state. A change is acknowledged when it is complete, so that what can be seen is active; a
    /// change that fails leaves what was there before.
    #[must_use]
    pub fn status(&self) -> FunctionStatus {
        FunctionStatus::Active
    }

    /// Its kind.
    #[must_use]
    pub fn function_type(&self) -> FunctionType {
        self.configuration.function_type()
    }

    /// What the instances of `$LATEST` see.
    pub(crate) fn version(&self) -> Version {
        self.configuration
            .version(&self.key, &self.uid, Qualifier::latest(), self.revision)
    }

    /// The same function with this code and configuration, changed at this time.
    pub(crate) fn changed(&self, configuration: Configuration, now: Timestamp) -> Self {
        Self {
            revision: Revision(self.revision.0 + 1),
            modified_at: now,
            configuration: Arc::new(configuration),
            ..self.clone()
        }
    }
}

/// A word that is none of the contract's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not known: use {allowed}")]
pub struct UnknownName {
    /// What was given.
    pub given: String,
    /// What would be understood.
    pub allowed: &'static str,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $allowed:literal, $($(#[$each:meta])* $word:ident = $text:literal,)+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$each])* $word,)+
        }

        impl $name {
            /// The contract's word.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)+
                }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl FromStr for $name {
            type Err = UnknownName;
            /// Any letter case.
            fn from_str(text: &str) -> Result<Self, UnknownName> {
                [$(Self::$word,)+]
                    .into_iter()
                    .find(|word| word.as_str().eq_ignore_ascii_case(text))
                    .ok_or_else(|| UnknownName {
                        given: text.chars().take(80).collect(),
                        allowed: $allowed,
                    })
            }
        }
    };
}

words! {
    /// Where a function is in its life (CONTRACT 2.6).
    FunctionStatus,
    "Creating, CreateFailed, Active, Updating, UpdateFailed, Publishing, PublishFailed, Deleting or DeleteFailed",
    /// Being created.
    Creating = "Creating",
    /// Creation failed.
    CreateFailed = "CreateFailed",
    /// Serves calls.
    Active = "Active",
    /// Being updated; the old code serves.
    Updating = "Updating",
    /// The update failed; the old code serves.
    UpdateFailed = "UpdateFailed",
    /// A version is being published.
    Publishing = "Publishing",
    /// Publishing failed.
    PublishFailed = "PublishFailed",
    /// Being deleted.
    Deleting = "Deleting",
    /// Deletion failed.
    DeleteFailed = "DeleteFailed",
}

words! {
    /// What calls a function.
    FunctionType, "Event or HTTP",
    /// Events.
    Event = "Event",
    /// HTTP requests.
    Http = "HTTP",
}
