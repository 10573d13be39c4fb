//! How functions, versions, layers, namespaces and their number are stored: JSON documents, each naming its schema.
//!
//! Owns keys and schemas. A document is read back through the same checks a user's input passes, so a value in memory
//! is legal wherever it came from. A changed schema is a new variant with a conversion, never a changed one.

mod layers;
mod provision;
mod schema;

use bytes::Bytes;
use skiff_domain::{FunctionKey, InvalidInstanceConcurrency, InvalidName, LayerName, NamespaceName, VersionNumber};
use skiff_store::{InvalidKey, Key, Prefix, VALUE_BYTES_MAX};

use crate::account::AccountRecord;
use crate::alias::Aliases;
use crate::environment::InvalidEnvironment;
use crate::function::Function;
use crate::layer::{InvalidCompatibleRuntimes, InvalidLayers, InvalidLicense, Layer, LayerVersion};
use crate::namespace::Namespace;
use crate::provision::{InvalidProvision, Provisions};
use crate::published::PublishedVersion;
use crate::routing::InvalidRouting;
use crate::settings::InvalidSetting;
use crate::tags::InvalidTags;
use layers::{LayerSchemas, LayerV1, LayerVersionSchemas, LayerVersionV1};
use provision::ProvisionV1;
use schema::{
    AccountSchemas, AliasV1, FunctionSchemas, FunctionV2, NamespaceSchemas, NamespaceV1, VersionSchemas, VersionV1,
};

const FUNCTIONS: &str = "fn";
const VERSIONS: &str = "version";
const LAYERS: &str = "layer";
const LAYER_VERSIONS: &str = "layer-version";
const NAMESPACES: &str = "ns";
const ACCOUNT: &str = "account";

/// Names one document of the control plane.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum DocumentId {
    /// The account's own.
    Account,
    /// A namespace.
    Namespace(NamespaceName),
    /// A function.
    Function(FunctionKey),
    /// A published version.
    Version(FunctionKey, VersionNumber),
    /// A layer.
    Layer(LayerName),
    /// A version of a layer.
    LayerVersion(LayerName, VersionNumber),
}

impl DocumentId {
    /// Where the store keeps it.
    pub(crate) fn key(&self) -> Result<Key, InvalidKey> {
        match self {
            Self::Account => Key::of([ACCOUNT]),
            Self::Namespace(name) => Key::of([NAMESPACES, name.as_str()]),
            Self::Function(key) => Key::of([FUNCTIONS, key.namespace.as_str(), key.name.as_str()]),
            Self::Version(key, number) => Key::of([
                VERSIONS,
                key.namespace.as_str(),
                key.name.as_str(),
                number.to_string().as_str(),
            ]),
            Self::Layer(name) => Key::of([LAYERS, name.as_str()]),
            Self::LayerVersion(name, number) => Key::of([LAYER_VERSIONS, name.as_str(), number.to_string().as_str()]),
        }
    }

    /// What the store keeps there; `None` for documents of others.
    pub(crate) fn parse(key: &Key) -> Result<Option<Self>, InvalidName> {
        let segments: Vec<&str> = key.as_str().split('/').collect();
        Ok(match segments[..] {
            [ACCOUNT] => Some(Self::Account),
            [NAMESPACES, name] => Some(Self::Namespace(name.parse()?)),
            [FUNCTIONS, namespace, name] => Some(Self::Function(function_key(namespace, name)?)),
            [VERSIONS, namespace, name, number] => Some(Self::Version(function_key(namespace, name)?, number.parse()?)),
            [LAYERS, name] => Some(Self::Layer(name.parse()?)),
            [LAYER_VERSIONS, name, number] => Some(Self::LayerVersion(name.parse()?, number.parse()?)),
            _ => None,
        })
    }

    /// The folders that hold every document but the account's.
    pub(crate) fn folders() -> Result<[Prefix; 5], InvalidKey> {
        Ok([
            Prefix::folder(&Key::of([NAMESPACES])?),
            Prefix::folder(&Key::of([FUNCTIONS])?),
            Prefix::folder(&Key::of([VERSIONS])?),
            Prefix::folder(&Key::of([LAYERS])?),
            Prefix::folder(&Key::of([LAYER_VERSIONS])?),
        ])
    }
}

fn function_key(namespace: &str, name: &str) -> Result<FunctionKey, InvalidName> {
    Ok(FunctionKey {
        namespace: namespace.parse()?,
        name: name.parse()?,
    })
}

/// One document, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Document {
    /// The account's own. Written with whatever it limits, so that the limit holds whoever writes.
    Account(AccountRecord),
    /// A namespace.
    Namespace(Namespace),
    /// A function.
    Function(Box<Function>),
    /// A published version.
    Version(Box<PublishedVersion>),
    /// A layer.
    Layer(Layer),
    /// A version of a layer.
    LayerVersion(Box<LayerVersion>),
}

/// Most of a function's document that its aliases may take, and what is kept ready of it: their own limits allow more than
/// there is room for. What is left holds all else at its longest, however it is escaped.
pub(crate) const ALIASES_BYTES_MAX: usize = VALUE_BYTES_MAX / 2;
pub(crate) const PROVISIONS_BYTES_MAX: usize = VALUE_BYTES_MAX / 4;

/// How much of its document a function's aliases take.
pub(crate) fn aliases_bytes(aliases: &Aliases) -> Result<usize, DocumentError> {
    let aliases: Vec<_> = aliases.iter().map(AliasV1::of).collect();
    Ok(serde_json::to_vec(&aliases)?.len())
}

/// How much of its document what is kept ready of a function takes.
pub(crate) fn provisions_bytes(provisions: &Provisions) -> Result<usize, DocumentError> {
    let provisions = provisions.iter();
    let provisions: Vec<_> = provisions
        .map(|(number, provision)| ProvisionV1::of(*number, provision))
        .collect();
    Ok(serde_json::to_vec(&provisions)?.len())
}

/// Why a document cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// No JSON of a schema this build knows: written by a newer Skiff, or damaged.
    #[error("not a document of a schema this version knows")]
    Schema(#[from] serde_json::Error),
    /// A name that is not legal.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// A setting that is not legal.
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    /// Variables that are not legal.
    #[error(transparent)]
    Environment(#[from] InvalidEnvironment),
    /// Tags that are not legal.
    #[error(transparent)]
    Tags(#[from] InvalidTags),
    /// Layers that are not legal.
    #[error(transparent)]
    Layers(#[from] InvalidLayers),
    /// A license that is not legal.
    #[error(transparent)]
    License(#[from] InvalidLicense),
    /// Runtimes that are not legal.
    #[error(transparent)]
    CompatibleRuntimes(#[from] InvalidCompatibleRuntimes),
    /// An alias's routing that is not legal.
    #[error(transparent)]
    Routing(#[from] InvalidRouting),
    /// So many events no instance takes at once.
    #[error(transparent)]
    Concurrency(#[from] InvalidInstanceConcurrency),
    /// What is kept ready is not legal.
    #[error(transparent)]
    Provision(#[from] InvalidProvision),
    /// A name no key can hold.
    #[error(transparent)]
    Key(#[from] InvalidKey),
}

impl Document {
    /// Which document this is.
    pub(crate) fn id(&self) -> DocumentId {
        match self {
            Self::Account(_) => DocumentId::Account,
            Self::Namespace(namespace) => DocumentId::Namespace(namespace.name.clone()),
            Self::Function(function) => DocumentId::Function(function.key.clone()),
            Self::Version(version) => DocumentId::Version(version.key.clone(), version.number),
            Self::Layer(layer) => DocumentId::Layer(layer.name.clone()),
            Self::LayerVersion(version) => DocumentId::LayerVersion(version.name.clone(), version.number),
        }
    }

    /// What the store keeps of it.
    pub(crate) fn encode(&self) -> Result<Bytes, DocumentError> {
        let json = match self {
            Self::Account(AccountRecord {
                namespaces,
                concurrency_mb,
            }) => serde_json::to_vec(&AccountSchemas::V1 {
                namespaces: *namespaces,
                concurrency_mb: *concurrency_mb,
            }),
            Self::Namespace(namespace) => serde_json::to_vec(&NamespaceSchemas::V1(NamespaceV1::of(namespace))),
            Self::Function(function) => serde_json::to_vec(&FunctionSchemas::V2(FunctionV2::of(function))),
            Self::Version(version) => serde_json::to_vec(&VersionSchemas::V1(VersionV1::of(version))),
            Self::Layer(layer) => serde_json::to_vec(&LayerSchemas::V1(LayerV1::of(layer))),
            Self::LayerVersion(version) => serde_json::to_vec(&LayerVersionSchemas::V1(LayerVersionV1::of(version))),
        };
        Ok(json?.into())
    }

    /// Reads it back.
    pub(crate) fn decode(id: DocumentId, value: &[u8]) -> Result<Self, DocumentError> {
        Ok(match id {
            DocumentId::Account => {
                let AccountSchemas::V1 {
                    namespaces,
                    concurrency_mb,
                } = serde_json::from_slice(value)?;
                Self::Account(AccountRecord {
                    namespaces,
                    concurrency_mb,
                })
            }
            DocumentId::Namespace(name) => {
                let NamespaceSchemas::V1(stored) = serde_json::from_slice(value)?;
                Self::Namespace(stored.read(name)?)
            }
            DocumentId::Function(key) => {
                let function = match serde_json::from_slice(value)? {
                    FunctionSchemas::V1(stored) => stored.read(key)?,
                    FunctionSchemas::V2(stored) => stored.read(key)?,
                };
                Self::Function(Box::new(function))
            }
            DocumentId::Version(key, number) => {
                let VersionSchemas::V1(stored) = serde_json::from_slice(value)?;
                Self::Version(Box::new(stored.read(key, number)?))
            }
            DocumentId::Layer(name) => {
                let LayerSchemas::V1(stored) = serde_json::from_slice(value)?;
                Self::Layer(stored.read(name)?)
            }
            DocumentId::LayerVersion(name, number) => {
                let LayerVersionSchemas::V1(stored) = serde_json::from_slice(value)?;
                Self::LayerVersion(Box::new(stored.read(name, number)?))
            }
        })
    }
}
