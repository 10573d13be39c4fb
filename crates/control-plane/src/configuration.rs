//! What a version is: code and configuration.

use skiff_domain::{
    CodeDigest, FunctionKey, FunctionUid, InstanceConcurrency, NetworkMode, Qualifier, Revision, RoleName, RuntimeName,
    Version, Web,
};

use crate::environment::Environment;
use crate::function::FunctionType;
use crate::layer::Layers;
use crate::settings::{Description, InitTimeout, MemorySize, Timeout};

/// Code and configuration. Of `$LATEST` they change together with its revision, of a published version never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
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
    /// The role it acts in towards the API.
    pub role: Option<RoleName>,
    /// Its package.
    pub code: CodeDigest,
    /// Size of its package's zip, in bytes: `CodeSize`.
    pub code_bytes: u64,
    /// Size of what is in its package, in bytes. 0 where that was not recorded.
    pub unpacked_bytes: u64,
    /// Its layers.
    pub layers: Layers,
    /// How it serves HTTP, where it is a web function.
    pub web: Option<Web>,
    /// How many events an instance takes at once.
    pub concurrency: InstanceConcurrency,
}

impl Configuration {
    /// Its kind.
    #[must_use]
    pub fn function_type(&self) -> FunctionType {
        match self.web {
            Some(_) => FunctionType::Http,
            None => FunctionType::Event,
        }
    }

    /// What instances see of it.
    pub(crate) fn version(
        &self,
        key: &FunctionKey,
        uid: &FunctionUid,
        label: Qualifier,
        revision: Revision,
    ) -> Version {
        Version {
            key: key.clone(),
            uid: uid.clone(),
            label,
            revision,
            runtime: self.runtime.clone(),
            handler: self.handler.clone(),
            memory_mb: self.memory.mb(),
            timeout: self.timeout.into(),
            init_timeout: self.init_timeout.into(),
            environment: self.environment.variables().to_vec(),
            code: self.code,
            layers: self.layers.stack(),
            network: self.network,
            role: self.role.clone(),
            web: self.web,
            concurrency: self.concurrency,
        }
    }
}
