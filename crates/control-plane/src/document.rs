//! How functions, namespaces and their number are stored: JSON documents, each naming the schema it is written in.
//!
//! Owns keys and schemas. A document is read back through the same checks a user's input passes, so a value in memory
//! is legal wherever it came from. A changed schema is a new variant with a conversion, never a changed one.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use skiff_domain::{
    CodeDigest, FunctionKey, FunctionUid, InvalidName, NamespaceName, NetworkMode, Revision, RuntimeName,
};
use skiff_store::{InvalidKey, Key, Prefix};

use crate::environment::{Environment, InvalidEnvironment};
use crate::function::Function;
use crate::namespace::Namespace;
use crate::settings::{Description, InitTimeout, InvalidSetting, MemorySize, Timeout};
use crate::tags::{InvalidTags, Tags};

const FUNCTIONS: &str = "fn";
const NAMESPACES: &str = "ns";
const ACCOUNT: &str = "account";

/// Names one document of the control plane.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum DocumentId {
    /// How many namespaces there are.
    Account,
    /// A namespace.
    Namespace(NamespaceName),
    /// A function.
    Function(FunctionKey),
}

impl DocumentId {
    /// Where the store keeps it.
    pub(crate) fn key(&self) -> Result<Key, InvalidKey> {
        match self {
            Self::Account => Key::of([ACCOUNT]),
            Self::Namespace(name) => Key::of([NAMESPACES, name.as_str()]),
            Self::Function(key) => Key::of([FUNCTIONS, key.namespace.as_str(), key.name.as_str()]),
        }
    }

    /// What the store keeps there; `None` for documents of others.
    pub(crate) fn parse(key: &Key) -> Result<Option<Self>, InvalidName> {
        let segments: Vec<&str> = key.as_str().split('/').collect();
        Ok(match segments[..] {
            [ACCOUNT] => Some(Self::Account),
            [NAMESPACES, name] => Some(Self::Namespace(name.parse()?)),
            [FUNCTIONS, namespace, name] => Some(Self::Function(FunctionKey {
                namespace: namespace.parse()?,
                name: name.parse()?,
            })),
            _ => None,
        })
    }

    /// The folders that hold every document but the account's.
    pub(crate) fn folders() -> Result<[Prefix; 2], InvalidKey> {
        Ok([
            Prefix::folder(&Key::of([NAMESPACES])?),
            Prefix::folder(&Key::of([FUNCTIONS])?),
        ])
    }
}

/// One document, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Document {
    /// How many namespaces there are. Written with each of them, so that the limit holds whoever writes.
    Account {
        /// Their number, `default` among them.
        namespaces: usize,
    },
    /// A namespace.
    Namespace(Namespace),
    /// A function.
    Function(Box<Function>),
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
    /// A name no key can hold.
    #[error(transparent)]
    Key(#[from] InvalidKey),
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "schema")]
enum AccountSchemas {
    #[serde(rename = "1")]
    V1 { namespaces: usize },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "schema")]
enum NamespaceSchemas {
    #[serde(rename = "1")]
    V1(NamespaceV1),
}

#[derive(Serialize, Deserialize)]
struct NamespaceV1 {
    description: String,
    created_at: Timestamp,
    modified_at: Timestamp,
    functions: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "schema")]
enum FunctionSchemas {
    #[serde(rename = "1")]
    V1(FunctionV1),
}

#[derive(Serialize, Deserialize)]
struct FunctionV1 {
    uid: FunctionUid,
    created_at: Timestamp,
    modified_at: Timestamp,
    revision: Revision,
    description: String,
    runtime: RuntimeName,
    handler: String,
    memory_mb: u64,
    timeout_s: u64,
    init_timeout_s: u64,
    environment: Vec<(String, String)>,
    network: NetworkMode,
    tags: Vec<(String, String)>,
    code: CodeDigest,
    code_bytes: u64,
}

impl Document {
    /// Which document this is.
    pub(crate) fn id(&self) -> DocumentId {
        match self {
            Self::Account { .. } => DocumentId::Account,
            Self::Namespace(namespace) => DocumentId::Namespace(namespace.name.clone()),
            Self::Function(function) => DocumentId::Function(function.key.clone()),
        }
    }

    /// What the store keeps of it.
    pub(crate) fn encode(&self) -> Result<Bytes, DocumentError> {
        let json = match self {
            Self::Account { namespaces } => serde_json::to_vec(&AccountSchemas::V1 {
                namespaces: *namespaces,
            }),
            Self::Namespace(namespace) => serde_json::to_vec(&NamespaceSchemas::V1(store_namespace(namespace))),
            Self::Function(function) => serde_json::to_vec(&FunctionSchemas::V1(store_function(function))),
        };
        Ok(json?.into())
    }

    /// Reads it back.
    pub(crate) fn decode(id: DocumentId, value: &[u8]) -> Result<Self, DocumentError> {
        Ok(match id {
            DocumentId::Account => {
                let AccountSchemas::V1 { namespaces } = serde_json::from_slice(value)?;
                Self::Account { namespaces }
            }
            DocumentId::Namespace(name) => {
                let NamespaceSchemas::V1(stored) = serde_json::from_slice(value)?;
                Self::Namespace(read_namespace(name, stored)?)
            }
            DocumentId::Function(key) => {
                let FunctionSchemas::V1(stored) = serde_json::from_slice(value)?;
                Self::Function(Box::new(read_function(key, stored)?))
            }
        })
    }
}

fn store_namespace(namespace: &Namespace) -> NamespaceV1 {
    let Namespace {
        name: _, // the document's key
        description,
        created_at,
        modified_at,
        functions,
    } = namespace;
    NamespaceV1 {
        description: description.as_str().to_owned(),
        created_at: *created_at,
        modified_at: *modified_at,
        functions: *functions,
    }
}

fn read_namespace(name: NamespaceName, stored: NamespaceV1) -> Result<Namespace, DocumentError> {
    Ok(Namespace {
        name,
        description: Description::new(stored.description)?,
        created_at: stored.created_at,
        modified_at: stored.modified_at,
        functions: stored.functions,
    })
}

fn store_function(function: &Function) -> FunctionV1 {
    let Function {
        key: _, // the document's key
        uid,
        created_at,
        modified_at,
        revision,
        description,
        runtime,
        handler,
        memory,
        timeout,
        init_timeout,
        environment,
        network,
        tags,
        code,
        code_bytes,
    } = function;
    FunctionV1 {
        uid: uid.clone(),
        created_at: *created_at,
        modified_at: *modified_at,
        revision: *revision,
        description: description.as_str().to_owned(),
        runtime: runtime.clone(),
        handler: handler.clone(),
        memory_mb: memory.mb().into(),
        timeout_s: timeout.secs().into(),
        init_timeout_s: init_timeout.secs().into(),
        environment: environment.variables().to_vec(),
        network: *network,
        tags: tags.as_slice().to_vec(),
        code: *code,
        code_bytes: *code_bytes,
    }
}

fn read_function(key: FunctionKey, stored: FunctionV1) -> Result<Function, DocumentError> {
    Ok(Function {
        key,
        uid: stored.uid,
        created_at: stored.created_at,
        modified_at: stored.modified_at,
        revision: stored.revision,
        description: Description::new(stored.description)?,
        runtime: stored.runtime,
        handler: stored.handler,
        memory: MemorySize::from_mb(stored.memory_mb)?,
        timeout: Timeout::from_secs(stored.timeout_s)?,
        init_timeout: InitTimeout::from_secs(stored.init_timeout_s)?,
        environment: Environment::new(stored.environment)?,
        network: stored.network,
        tags: Tags::new(stored.tags)?,
        code: stored.code,
        code_bytes: stored.code_bytes,
    })
}
