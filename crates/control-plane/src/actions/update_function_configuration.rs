//! `UpdateFunctionConfiguration`: what is not given stays as it is.

use std::sync::Arc;
use std::time::Duration;

use skiff_domain::{FunctionKey, InstanceConcurrency, LayerRef, NetworkMode, Qualifier, RoleName, Web};

use super::layers::bind;
use super::publish_version::{Publish, TooManyVersions, update_writes};
use super::update_function_code::existing;
use crate::change::ChangeError;
use crate::code::{CodeError, check_entry};
use crate::configuration::Configuration;
use crate::environment::Environment;
use crate::layer::{self, InvalidLayers};
use crate::plane::{ControlPlane, Inner, ResolveError};
use crate::role::UnknownRole;
use crate::runtime_choice::RuntimeChoice;
use crate::settings::{Description, InitTimeout, MemorySize, Timeout};
use crate::sharing::{self, NotShareable};
use crate::state::State;

/// What is to change of a function.
#[derive(Debug, Clone)]
pub struct UpdateFunctionConfiguration {
    /// Which function.
    pub key: FunctionKey,
    /// What it is for.
    pub description: Option<Description>,
    /// Memory of an instance.
    pub memory: Option<MemorySize>,
    /// Longest run.
    pub timeout: Option<Timeout>,
    /// Longest initialisation.
    pub init_timeout: Option<InitTimeout>,
    /// What runs it. The package must hold the handler's file for it.
    pub runtime: Option<RuntimeChoice>,
    /// Its environment variables, all of them.
    pub environment: Option<Environment>,
    /// What it may reach.
    pub network: Option<NetworkMode>,
    /// The role it acts in, or none any more.
    pub role: Option<Option<RoleName>>,
    /// Its layers, all of them, the lowest first.
    pub layers: Option<Vec<LayerRef>>,
    /// How long its WebSockets may be silent.
    pub socket_idle: Option<Duration>,
    /// How many events an instance takes at once.
    pub concurrency: Option<InstanceConcurrency>,
    /// Whether a version is published of it.
    pub publish: Publish,
}

impl UpdateFunctionConfiguration {
    /// A change of nothing.
    #[must_use]
    pub fn of(key: FunctionKey) -> Self {
        Self {
            key,
            description: None,
            memory: None,
            timeout: None,
            init_timeout: None,
            runtime: None,
            environment: None,
            network: None,
            role: None,
            layers: None,
            socket_idle: None,
            concurrency: None,
            publish: Publish::No,
        }
    }
}

/// Why a function's configuration was not updated. It serves as before.
#[derive(Debug, thiserror::Error)]
pub enum UpdateFunctionConfigurationError {
    /// There is no such function.
    #[error(transparent)]
    Missing(#[from] ResolveError),
    /// The runtime is not installed, or does not go with the code.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// The layers are not there, or do not go with the rest.
    #[error(transparent)]
    Layers(#[from] InvalidLayers),
    /// Its instances take one event at a time.
    #[error(transparent)]
    NotShareable(#[from] NotShareable),
    /// There is no such role.
    #[error(transparent)]
    Role(#[from] UnknownRole),
    /// It takes no WebSockets.
    #[error("ProtocolParams.WSParams is for functions that were created with ProtocolType WS")]
    NoSockets,
    /// No version can be published.
    #[error(transparent)]
    TooManyVersions(#[from] TooManyVersions),
    /// The change could not be stored.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl UpdateFunctionConfigurationError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(error) => error.code(),
            Self::Code(error) => error.code(),
            Self::Layers(error) => error.code(),
            Self::NotShareable(error) => error.code(),
            Self::Role(error) => error.code(),
            Self::NoSockets => "InvalidParameterValue.WebSocketsParams",
            Self::TooManyVersions(error) => error.code(),
            Self::Change(error) => error.code(),
        }
    }
}

impl ControlPlane {
    /// Changes a function's configuration. Once this returns, new calls run with it; running ones finish as they
    /// began. On error nothing is changed, nor when it has these settings already: its instances stay.
    pub async fn update_function_configuration(
        &self,
        input: UpdateFunctionConfiguration,
    ) -> Result<(), UpdateFunctionConfigurationError> {
        let inner = &self.inner;
        let seen = Arc::clone(&existing(&inner.state.load(), &input.key)?.configuration);
        inner.check_role(input.role.as_ref().and_then(Option::as_ref))?;
        let runtime = match &input.runtime {
            Some(choice) => {
                let runtime = choice.resolve(&*inner.runtimes).map_err(CodeError::from)?;
                let folder = inner.artifacts.folder(seen.code).await.map_err(CodeError::from)?;
                check_entry(
                    &inner.artifacts,
                    seen.function_type(),
                    &runtime,
                    &seen.handler,
                    &seen.code,
                )?;
                if runtime != seen.runtime {
                    inner.compile(&runtime, seen.code, folder).await;
                }
                Some(runtime)
            }
            None => None,
        };
        let write = |inner: Arc<Inner>| async move {
            let change = |state: &State| {
                let function = existing(state, &input.key)?;
                let current = &function.configuration;
                let runtime = runtime.clone().unwrap_or_else(|| current.runtime.clone());
                if runtime != current.runtime {
                    // The code may have changed since it was looked at.
                    check_entry(
                        &inner.artifacts,
                        current.function_type(),
                        &runtime,
                        &current.handler,
                        &current.code,
                    )?;
                }
                let configuration = Configuration {
                    description: input.description.clone().unwrap_or_else(|| current.description.clone()),
                    memory: input.memory.unwrap_or(current.memory),
                    timeout: input.timeout.unwrap_or(current.timeout),
                    init_timeout: input.init_timeout.unwrap_or(current.init_timeout),
                    environment: input.environment.clone().unwrap_or_else(|| current.environment.clone()),
                    network: input.network.unwrap_or(current.network),
                    role: input.role.clone().unwrap_or_else(|| current.role.clone()),
                    layers: match &input.layers {
                        Some(layers) => bind(state, layers, Some(current))?,
                        None => current.layers.clone(),
                    },
                    web: match (current.web, input.socket_idle) {
                        (web, None) => web,
                        (Some(Web { socket_idle: Some(_) }), socket_idle) => Some(Web { socket_idle }),
                        _ => return Err(UpdateFunctionConfigurationError::NoSockets),
                    },
                    concurrency: input.concurrency.unwrap_or(current.concurrency),
                    runtime,
                    ..Configuration::clone(current)
                };
                layer::check(&configuration)?;
                sharing::check(configuration.concurrency, &configuration.runtime, configuration.web)?;
                let writes = update_writes(state, &function, configuration, input.publish, (inner.now)())?;
                Ok::<_, UpdateFunctionConfigurationError>(writes)
            };
            if let Some(uid) = inner.change(change).await? {
                inner.settle(&uid, Some(&Qualifier::latest()));
            }
            Ok(())
        };
        inner.run(write).await
    }
}
