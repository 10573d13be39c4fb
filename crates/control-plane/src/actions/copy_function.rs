//! `CopyFunction`: `$LATEST` of a function under another name. Versions, aliases and triggers are not copied.

use std::sync::Arc;

use skiff_domain::{FunctionKey, FunctionUid, InstanceConcurrency, NetworkMode, Qualifier, Revision};

use super::create_function::{NoRoom, fresh_uid, room_in, writes};
use super::update_function_code::existing;
use crate::alias::Aliases;
use crate::change::ChangeError;
use crate::configuration::Configuration;
use crate::document::Document;
use crate::environment::Environment;
use crate::function::Function;
use crate::layer::{self, InvalidLayers, Layers};
use crate::plane::{ControlPlane, Inner, ResolveError};
use crate::provision::Provisions;
use crate::settings::{Description, InitTimeout, MemorySize, Timeout};
use crate::sharing::{self, NotShareable};
use crate::state::{State, Write};
use crate::tags::Tags;

/// A function to be copied.
#[derive(Debug, Clone)]
pub struct CopyFunction {
    /// Which function.
    pub source: FunctionKey,
    /// What the copy is called.
    pub target: FunctionKey,
    /// What the copy is for; as the source where none is given.
    pub description: Option<Description>,
    /// What becomes of a function that has the copy's name.
    pub existing: ExistingTarget,
    /// What is copied.
    pub what: CopyWhat,
}

/// What becomes of a function that has the copy's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExistingTarget {
    /// The copy is refused.
    #[default]
    Keep,
    /// It gets the code, and the configuration where that is copied. Its identity stays.
    Override,
}

/// What is copied of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CopyWhat {
    /// Code and configuration.
    #[default]
    CodeAndConfiguration,
    /// The code, with the runtime and handler it cannot do without. All else is the target's own, or the default.
    Code,
}

/// Why a function was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyFunctionError {
    /// There is no such function.
    #[error(transparent)]
    Missing(#[from] ResolveError),
    /// A function cannot be copied onto itself.
    #[error("NewFunctionName {} is the function itself: give another name or TargetNamespace", .0.name)]
    Itself(FunctionKey),
    /// There is a function of the new name.
    #[error("Function {} exists already in namespace {}: set Override to replace it", .0.name, .0.namespace)]
    Exists(FunctionKey),
    /// There is no place for it.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The target's layers do not go with the source's code and runtime.
    #[error(transparent)]
    Layers(#[from] InvalidLayers),
    /// The target's instances cannot take several events at once with the source's code and runtime.
    #[error(transparent)]
    NotShareable(#[from] NotShareable),
    /// It could not be stored.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl CopyFunctionError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(error) => error.code(),
            Self::Itself(_) => "InvalidParameterValue.FunctionName",
            Self::Exists(_) => "ResourceInUse.Function",
            Self::NoRoom(error) => error.code(),
            Self::Layers(error) => error.code(),
            Self::NotShareable(error) => error.code(),
            Self::Change(error) => error.code(),
        }
    }
}

impl ControlPlane {
    /// Copies a function as it is now. Once this returns the copy can be invoked.
    pub async fn copy_function(&self, input: CopyFunction) -> Result<(), CopyFunctionError> {
        let inner = &self.inner;
        if input.source == input.target {
            return Err(CopyFunctionError::Itself(input.source));
        }
        let write = |inner: Arc<Inner>| async move {
            // The source keeps what it is made of until the copy is there: no other change comes in between.
            let change = |state: &State| decide(state, &inner, &*existing(state, &input.source)?, &input);
            if let Some(replaced) = inner.change(change).await? {
                inner.settle(&replaced, Some(&Qualifier::latest()));
            }
            Ok(())
        };
        inner.run(write).await
    }
}

/// What is written, and the function whose instances have to go.
fn decide(
    state: &State,
    inner: &Inner,
    source: &Function,
    input: &CopyFunction,
) -> Result<(Vec<Write>, Option<FunctionUid>), CopyFunctionError> {
    match (state.function(&input.target), input.existing) {
        (Some(_), ExistingTarget::Keep) => Err(CopyFunctionError::Exists(input.target.clone())),
        (Some(target), ExistingTarget::Override) => {
            let copied = configuration(&source.configuration, &target.configuration, input)?;
            let changed = Function {
                tags: tags(source, target, input),
                ..target.changed(copied, (inner.now)())
            };
            let uid = changed.uid.clone();
            Ok((vec![Write::Put(Document::Function(Box::new(changed)))], Some(uid)))
        }
        (None, _) => {
            let namespace = room_in(inner, state, &input.target.namespace)?;
            let now = (inner.now)();
            let blank = Function {
                uid: fresh_uid(state, (inner.new_uid)(), inner.new_uid),
                key: input.target.clone(),
                created_at: now,
                modified_at: now,
                revision: Revision(1),
                tags: Tags::default(),
                last_version: None,
                aliases: Aliases::new(now),
                reserved_mb: None,
                provisions: Provisions::new(),
                configuration: Arc::new(Configuration {
                    description: Description::default(),
                    memory: MemorySize::default(),
                    timeout: Timeout::default(),
                    init_timeout: InitTimeout::default(),
                    environment: Environment::default(),
                    network: NetworkMode::default(),
                    role: None,
                    layers: Layers::default(),
                    concurrency: InstanceConcurrency::ONE,
                    ..Configuration::clone(&source.configuration)
                }),
            };
            let copied = Function {
                configuration: Arc::new(configuration(&source.configuration, &blank.configuration, input)?),
                tags: tags(source, &blank, input),
                ..blank
            };
            Ok((writes(&namespace, copied), None))
        }
    }
}

/// The target's code and configuration with what is copied of the source's.
fn configuration(
    source: &Configuration,
    target: &Configuration,
    input: &CopyFunction,
) -> Result<Configuration, CopyFunctionError> {
    let copied = match input.what {
        CopyWhat::CodeAndConfiguration => source.clone(),
        CopyWhat::Code => Configuration {
            runtime: source.runtime.clone(),
            handler: source.handler.clone(),
            web: source.web,
            code: source.code,
            code_bytes: source.code_bytes,
            unpacked_bytes: source.unpacked_bytes,
            ..target.clone()
        },
    };
    let copied = Configuration {
        description: input.description.clone().unwrap_or_else(|| copied.description.clone()),
        ..copied
    };
    layer::check(&copied)?;
    sharing::check(copied.concurrency, &copied.runtime, copied.web)?;
    Ok(copied)
}

/// Tags go with the configuration.
fn tags(source: &Function, target: &Function, input: &CopyFunction) -> Tags {
    match input.what {
        CopyWhat::CodeAndConfiguration => source.tags.clone(),
        CopyWhat::Code => target.tags.clone(),
    }
}
