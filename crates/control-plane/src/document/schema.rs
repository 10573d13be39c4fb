//! The schemas of documents, as they are written.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use skiff_domain::{
    AliasName, CodeDigest, FunctionKey, FunctionUid, InstanceConcurrency, NamespaceName, NetworkMode, Revision,
    RoleName, RuntimeName, VersionNumber, VersionRef, Web,
};

use super::DocumentError;
use super::layers::BoundLayerV1;
use super::provision::ProvisionV1;
use crate::alias::{Alias, Aliases};
use crate::configuration::Configuration;
use crate::environment::Environment;
use crate::function::Function;
use crate::layer::Layers;
use crate::namespace::Namespace;
use crate::published::PublishedVersion;
use crate::routing::{GivenRule, Routing, Rule};
use crate::settings::{Description, InitTimeout, MemorySize, Timeout};
use crate::tags::Tags;

#[derive(Serialize, Deserialize)]
#[serde(tag = "schema")]
pub(super) enum AccountSchemas {
    #[serde(rename = "1")]
    V1 {
        namespaces: usize,
        /// Of before there was one nothing is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        concurrency_mb: Option<u64>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "schema")]
pub(super) enum NamespaceSchemas {
    #[serde(rename = "1")]
    V1(NamespaceV1),
}

#[derive(Serialize, Deserialize)]
pub(super) struct NamespaceV1 {
    description: String,
    created_at: Timestamp,
    modified_at: Timestamp,
    functions: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "schema")]
pub(super) enum FunctionSchemas {
    /// Before there were versions.
    #[serde(rename = "1")]
    V1(FunctionV1),
    #[serde(rename = "2")]
    V2(FunctionV2),
}

#[derive(Serialize, Deserialize)]
pub(super) struct FunctionV1 {
    uid: FunctionUid,
    created_at: Timestamp,
    modified_at: Timestamp,
    revision: Revision,
    tags: Vec<(String, String)>,
    #[serde(flatten)]
    configuration: ConfigurationV1,
}

#[derive(Serialize, Deserialize)]
pub(super) struct FunctionV2 {
    uid: FunctionUid,
    created_at: Timestamp,
    modified_at: Timestamp,
    revision: Revision,
    tags: Vec<(String, String)>,
    last_version: Option<VersionNumber>,
    aliases: Vec<AliasV1>,
    /// Of before there were reservations nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reserved_mb: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    provisions: Vec<ProvisionV1>,
    configuration: ConfigurationV1,
}

/// Part of a function.
#[derive(Serialize, Deserialize)]
pub(super) struct AliasV1 {
    name: AliasName,
    description: String,
    created_at: Timestamp,
    modified_at: Timestamp,
    version: VersionRef,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    weights: Vec<(VersionRef, f64)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rules: Vec<RuleV1>,
}

#[derive(Serialize, Deserialize)]
struct RuleV1 {
    version: VersionRef,
    key: String,
    method: String,
    expression: String,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "schema")]
pub(super) enum VersionSchemas {
    #[serde(rename = "1")]
    V1(VersionV1),
}

#[derive(Serialize, Deserialize)]
pub(super) struct VersionV1 {
    uid: FunctionUid,
    published_at: Timestamp,
    revision: Revision,
    configuration: ConfigurationV1,
}

/// Part of a function and of a published version.
#[derive(Serialize, Deserialize)]
struct ConfigurationV1 {
    description: String,
    runtime: RuntimeName,
    handler: String,
    memory_mb: u64,
    timeout_s: u64,
    init_timeout_s: u64,
    environment: Vec<(String, String)>,
    network: NetworkMode,
    code: CodeDigest,
    code_bytes: u64,
    /// From here on: of before there were layers nothing is known.
    #[serde(default)]
    unpacked_bytes: u64,
    #[serde(default)]
    layers: Vec<BoundLayerV1>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<RoleName>,
    /// Of before there were web functions there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    web: Option<WebV1>,
    /// Of before an instance could take several events at once it takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    concurrency: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct WebV1 {
    socket_idle_s: Option<u64>,
}

impl NamespaceV1 {
    pub(super) fn of(namespace: &Namespace) -> Self {
        let Namespace {
            name: _, // the document's key
            description,
            created_at,
            modified_at,
            functions,
        } = namespace;
        Self {
            description: description.as_str().to_owned(),
            created_at: *created_at,
            modified_at: *modified_at,
            functions: *functions,
        }
    }

    pub(super) fn read(self, name: NamespaceName) -> Result<Namespace, DocumentError> {
        Ok(Namespace {
            name,
            description: Description::new(self.description)?,
            created_at: self.created_at,
            modified_at: self.modified_at,
            functions: self.functions,
        })
    }
}

impl FunctionV1 {
    pub(super) fn read(self, key: FunctionKey) -> Result<Function, DocumentError> {
        let later = FunctionV2 {
            uid: self.uid,
            created_at: self.created_at,
            modified_at: self.modified_at,
            revision: self.revision,
            tags: self.tags,
            last_version: None,
            aliases: Vec::new(),
            reserved_mb: None,
            provisions: Vec::new(),
            configuration: self.configuration,
        };
        later.read(key)
    }
}

impl FunctionV2 {
    pub(super) fn of(function: &Function) -> Self {
        let Function {
            key: _, // the document's key
            uid,
            created_at,
            modified_at,
            revision,
            tags,
            last_version,
            aliases,
            reserved_mb,
            provisions,
            configuration,
        } = function;
        Self {
            uid: uid.clone(),
            created_at: *created_at,
            modified_at: *modified_at,
            revision: *revision,
            tags: tags.as_slice().to_vec(),
            last_version: *last_version,
            aliases: aliases.iter().map(AliasV1::of).collect(),
            reserved_mb: *reserved_mb,
            provisions: provisions
                .iter()
                .map(|(number, provision)| ProvisionV1::of(*number, provision))
                .collect(),
            configuration: ConfigurationV1::of(configuration),
        }
    }

    pub(super) fn read(self, key: FunctionKey) -> Result<Function, DocumentError> {
        let aliases = self.aliases.into_iter().map(AliasV1::read);
        let aliases = aliases.collect::<Result<_, _>>()?;
        let provisions = self.provisions.into_iter().map(ProvisionV1::read);
        Ok(Function {
            key,
            uid: self.uid,
            created_at: self.created_at,
            modified_at: self.modified_at,
            revision: self.revision,
            tags: Tags::new(self.tags)?,
            last_version: self.last_version,
            aliases: Aliases::with(aliases, self.created_at),
            reserved_mb: self.reserved_mb,
            provisions: provisions.collect::<Result<_, _>>()?,
            configuration: self.configuration.read()?,
        })
    }
}

impl AliasV1 {
    pub(super) fn of(alias: &Alias) -> Self {
        let Alias {
            name,
            description,
            created_at,
            modified_at,
            version,
            routing,
        } = alias;
        let (weights, rules) = match routing {
            Routing::None => (Vec::new(), Vec::new()),
            Routing::Weighted { version, weight } => (vec![(*version, weight.get())], Vec::new()),
            Routing::Ruled(rules) => (Vec::new(), rules.iter().map(RuleV1::of).collect()),
        };
        Self {
            name: name.clone(),
            description: description.as_str().to_owned(),
            created_at: *created_at,
            modified_at: *modified_at,
            version: *version,
            weights,
            rules,
        }
    }

    fn read(self) -> Result<Alias, DocumentError> {
        let weights: Vec<_> = self
            .weights
            .into_iter()
            .map(|(version, weight)| (version.to_string(), weight))
            .collect();
        let rules = self.rules.into_iter().map(|rule| GivenRule {
            version: rule.version.to_string(),
            key: rule.key,
            method: rule.method,
            expression: rule.expression,
        });
        Ok(Alias {
            name: self.name,
            description: Description::new(self.description)?,
            created_at: self.created_at,
            modified_at: self.modified_at,
            version: self.version,
            routing: Routing::parse(&weights, rules.collect())?,
        })
    }
}

impl RuleV1 {
    fn of(rule: &Rule) -> Self {
        let given = rule.to_given();
        Self {
            version: rule.version,
            key: given.key,
            method: given.method,
            expression: given.expression,
        }
    }
}

impl VersionV1 {
    pub(super) fn of(version: &PublishedVersion) -> Self {
        let PublishedVersion {
            key: _, // with the number, the document's key
            uid,
            number: _,
            published_at,
            revision,
            configuration,
        } = version;
        Self {
            uid: uid.clone(),
            published_at: *published_at,
            revision: *revision,
            configuration: ConfigurationV1::of(configuration),
        }
    }

    pub(super) fn read(self, key: FunctionKey, number: VersionNumber) -> Result<PublishedVersion, DocumentError> {
        Ok(PublishedVersion {
            key,
            uid: self.uid,
            number,
            published_at: self.published_at,
            revision: self.revision,
            configuration: self.configuration.read()?,
        })
    }
}

impl ConfigurationV1 {
    fn of(configuration: &Configuration) -> Self {
        let Configuration {
            description,
            runtime,
            handler,
            memory,
            timeout,
            init_timeout,
            environment,
            network,
            code,
            code_bytes,
            unpacked_bytes,
            layers,
            role,
            web,
            concurrency,
        } = configuration;
        Self {
            description: description.as_str().to_owned(),
            runtime: runtime.clone(),
            handler: handler.clone(),
            memory_mb: memory.mb().into(),
            timeout_s: timeout.secs().into(),
            init_timeout_s: init_timeout.secs().into(),
            environment: environment.variables().to_vec(),
            network: *network,
            code: *code,
            code_bytes: *code_bytes,
            unpacked_bytes: *unpacked_bytes,
            layers: layers.as_slice().iter().map(|layer| BoundLayerV1::of(layer)).collect(),
            role: role.clone(),
            web: web.map(|web| WebV1 {
                socket_idle_s: web.socket_idle.map(|idle| idle.as_secs()),
            }),
            concurrency: concurrency.is_shared().then(|| concurrency.get()),
        }
    }

    fn read(self) -> Result<Arc<Configuration>, DocumentError> {
        let layers = self.layers.into_iter().map(|layer| layer.read().map(Arc::new));
        let layers = Layers::new(layers.collect::<Result<_, _>>()?)?;
        Ok(Arc::new(Configuration {
            description: Description::new(self.description)?,
            runtime: self.runtime,
            handler: self.handler,
            memory: MemorySize::from_mb(self.memory_mb)?,
            timeout: Timeout::from_secs(self.timeout_s)?,
            init_timeout: InitTimeout::from_secs(self.init_timeout_s)?,
            environment: Environment::new(self.environment)?,
            network: self.network,
            code: self.code,
            code_bytes: self.code_bytes,
            unpacked_bytes: self.unpacked_bytes,
            layers,
            role: self.role,
            web: self.web.map(|web| Web {
                socket_idle: web.socket_idle_s.map(Duration::from_secs),
            }),
            concurrency: match self.concurrency {
                Some(events) => InstanceConcurrency::new(events)?,
                None => InstanceConcurrency::ONE,
            },
        }))
    }
}
