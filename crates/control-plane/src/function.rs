//! A function as users know it, and what of it its instances see.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use skiff_domain::{CodeDigest, FunctionKey, FunctionUid, NetworkMode, Qualifier, Revision, RuntimeName, Version};

use crate::environment::Environment;
use crate::settings::{Description, InitTimeout, MemorySize, Timeout};
use crate::tags::Tags;

/// A function: `$LATEST` of it.
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
    /// What its user says it is for.
    pub description: Description,
    /// What runs it.
    pub runtime: RuntimeName,
    /// Where it begins.
    pub handler: String,
    /// Memory of an instance.
    pub memory: MemorySize,
    /// Longest run.
    pub timeout: Timeout,
    /// Longest initialisation.
    pub init_timeout: InitTimeout,
    /// Its environment variables.
    pub environment: Environment,
    /// What it may reach.
    pub network: NetworkMode,
    /// What it is filed under.
    pub tags: Tags,
    /// Its package.
    pub code: CodeDigest,
    /// Size of its package's zip, in bytes: `CodeSize`.
    pub code_bytes: u64,
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
        FunctionType::Event
    }

    /// What its instances see.
    pub(crate) fn version(&self) -> Version {
        Version {
            key: self.key.clone(),
            uid: self.uid.clone(),
            label: Qualifier::latest(),
            revision: self.revision,
            runtime: self.runtime.clone(),
            handler: self.handler.clone(),
            memory_mb: self.memory.mb(),
            timeout: self.timeout.into(),
            init_timeout: self.init_timeout.into(),
            environment: self.environment.variables().to_vec(),
            code: self.code,
            network: self.network,
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
