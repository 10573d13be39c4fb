//! `UpdateFunctionConfiguration`: what is not given stays as it is.

use std::sync::Arc;

use skiff_domain::{FunctionKey, NetworkMode};

use super::update_function_code::{existing, next_revision, put_changed};
use crate::change::ChangeError;
use crate::code::{CodeError, entry_file};
use crate::environment::Environment;
use crate::function::Function;
use crate::plane::{ControlPlane, Inner, ResolveError};
use crate::runtime_choice::RuntimeChoice;
use crate::settings::{Description, InitTimeout, MemorySize, Timeout};
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
        let seen = existing(&inner.state.load(), &input.key)?;
        let runtime = match &input.runtime {
            Some(choice) => {
                let runtime = choice.resolve(inner.runtimes.installed()).map_err(CodeError::from)?;
                let folder = inner.artifacts.folder(seen.code).await.map_err(CodeError::from)?;
                entry_file(&inner.artifacts, &runtime, &seen.handler, &seen.code)?;
                if runtime != seen.runtime {
                    inner.compile(&runtime, seen.code, folder).await;
                }
                Some(runtime)
            }
            None => None,
        };
        let write = |inner: Arc<Inner>| async move {
            let change = |state: &State| {
                let current = existing(state, &input.key)?;
                let runtime = runtime.clone().unwrap_or_else(|| current.runtime.clone());
                if runtime != current.runtime {
                    // The code may have changed since it was looked at.
                    entry_file(&inner.artifacts, &runtime, &current.handler, &current.code)?;
                }
                let function = Function {
                    description: input.description.clone().unwrap_or_else(|| current.description.clone()),
                    memory: input.memory.unwrap_or(current.memory),
                    timeout: input.timeout.unwrap_or(current.timeout),
                    init_timeout: input.init_timeout.unwrap_or(current.init_timeout),
                    environment: input.environment.clone().unwrap_or_else(|| current.environment.clone()),
                    network: input.network.unwrap_or(current.network),
                    runtime,
                    ..next_revision(&current, &inner)
                };
                Ok::<_, UpdateFunctionConfigurationError>(put_changed(&current, function))
            };
            if let Some(uid) = inner.change(change).await? {
                inner.settle(&uid);
            }
            Ok(())
        };
        inner.run(write).await
    }
}
