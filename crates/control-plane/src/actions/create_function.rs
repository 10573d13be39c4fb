//! `CreateFunction`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use skiff_domain::{
    FunctionKey, FunctionUid, InstanceConcurrency, LayerRef, NamespaceName, NetworkMode, Revision, RoleName,
    RuntimeName, VersionRef, Web,
};

use tokio::time::timeout;

use super::layers::bind;
use crate::alias::Aliases;
use crate::change::ChangeError;
use crate::code::{CodeError, take_in};
use crate::configuration::Configuration;
use crate::document::Document;
use crate::environment::Environment;
use crate::function::{Function, FunctionType};
use crate::layer::{self, InvalidLayers, Layers};
use crate::namespace::Namespace;
use crate::plane::{ControlPlane, Inner};
use crate::provision::Provisions;
use crate::role::UnknownRole;
use crate::runtime_choice::{RuntimeChoice, RuntimeUnavailable};
use crate::settings::{Description, InitTimeout, MemorySize, Timeout};
use crate::sharing::{self, NotShareable};
use crate::state::{State, Write};
use crate::tags::Tags;

/// The handler of a function created without one (CONTRACT 2.5).
pub(crate) const HANDLER_DEFAULT: &str = "index.main_handler";

/// How long a new function is held back until a runtime has booted for it: the slowest, Java, takes about a second.
const STEM_CELL_WAIT_MAX: Duration = Duration::from_secs(3);

/// A function to be.
#[derive(Debug, Clone)]
pub struct CreateFunction {
    /// Its namespace and name.
    pub key: FunctionKey,
    /// Its code: a zip.
    pub code: Bytes,
    /// What runs it; the contract's default, `Python2.7`, where none is given.
    pub runtime: Option<RuntimeChoice>,
    /// Where it begins; `index.main_handler` where none is given.
    pub handler: Option<String>,
    /// What it is for.
    pub description: Description,
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
    /// The role it acts in.
    pub role: Option<RoleName>,
    /// What it is filed under.
    pub tags: Tags,
    /// Its layers, the lowest first.
    pub layers: Vec<LayerRef>,
    /// How it serves HTTP, where it is to be a web function.
    pub web: Option<Web>,
    /// How many events an instance takes at once.
    pub concurrency: InstanceConcurrency,
}

/// Why a function was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateFunctionError {
    /// There is no place for it.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// There is one of this name.
    #[error("Function {} exists already in namespace {}", .0.name, .0.namespace)]
    Exists(FunctionKey),
    /// Its code, handler or runtime is not taken.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// Its layers are not there, or do not go with the rest.
    #[error(transparent)]
    Layers(#[from] InvalidLayers),
    /// Its instances take one event at a time.
    #[error(transparent)]
    NotShareable(#[from] NotShareable),
    /// There is no such role.
    #[error(transparent)]
    Role(#[from] UnknownRole),
    /// It could not be stored.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl CreateFunctionError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRoom(error) => error.code(),
            Self::Exists(_) => "ResourceInUse.Function",
            Self::Code(error) => error.code(),
            Self::Layers(error) => error.code(),
            Self::NotShareable(error) => error.code(),
            Self::Role(error) => error.code(),
            Self::Change(error) => error.code(),
        }
    }
}

/// Why a namespace takes no further function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// It does not exist.
    #[error("Namespace {0} does not exist")]
    NamespaceMissing(NamespaceName),
    /// It is full.
    #[error("Namespace {0} has {1} functions, the most it can have: delete one first")]
    Full(NamespaceName, usize),
}

impl NoRoom {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NamespaceMissing(_) => "ResourceNotFound.Namespace",
            Self::Full(..) => "LimitExceeded.Function",
        }
    }
}

impl ControlPlane {
    /// Creates a function. Once this returns it can be invoked, and survives a crash. On error nothing is kept of it. The
    /// first of its kind is waited for until a stem cell is ready, so that its first call need not wait as long.
    pub async fn create_function(&self, input: CreateFunction) -> Result<(), CreateFunctionError> {
        let inner = &self.inner;
        let key = input.key.clone();
        let created = create(inner, input).await;
        if created.is_err() {
            inner.collect().await;
            return created;
        }
        let kind = inner
            .state
            .load()
            .table(&key)
            .and_then(|table| Some(table.version(VersionRef::Latest)?.stem_kind()));
        if let Some(kind) = kind {
            // Whatever comes of it: the function is there.
            let _ = timeout(STEM_CELL_WAIT_MAX, inner.pools.has_one(&kind)).await;
        }
        created
    }
}

async fn create(inner: &Arc<Inner>, input: CreateFunction) -> Result<(), CreateFunctionError> {
    // Asked again when it is committed; asked first because unpacking costs more.
    place_for(inner, &inner.state.load(), &input.key)?;
    bind(&inner.state.load(), &input.layers, None)?;
    inner.check_role(input.role.as_ref())?;
    let runtime = runtime(inner, input.runtime.as_ref()).map_err(CodeError::from)?;
    sharing::check(input.concurrency, &runtime, input.web)?;
    let kind = input.web.map_or(FunctionType::Event, |_| FunctionType::Http);
    let handler = input.handler.unwrap_or_else(|| HANDLER_DEFAULT.to_owned());
    let package = take_in(inner, input.code, kind, &runtime, &handler).await?;
    let now = (inner.now)();
    let configuration = Configuration {
        description: input.description,
        runtime,
        handler,
        memory: input.memory,
        timeout: input.timeout,
        init_timeout: input.init_timeout,
        environment: input.environment,
        network: input.network,
        role: input.role,
        code: package.digest(),
        code_bytes: package.zip_bytes(),
        unpacked_bytes: package.unpacked_bytes(),
        layers: Layers::default(),
        web: input.web,
        concurrency: input.concurrency,
    };
    let layers = input.layers;
    let function = Function {
        uid: (inner.new_uid)(),
        key: input.key,
        created_at: now,
        modified_at: now,
        revision: Revision(1),
        tags: input.tags,
        last_version: None,
        aliases: Aliases::new(now),
        reserved_mb: None,
        provisions: Provisions::new(),
        configuration: Arc::new(configuration),
    };
    let write = |inner: Arc<Inner>| async move {
        // Until it is written, this is all that keeps the package.
        let _package = package;
        inner
            .change(|state| {
                let namespace = place_for(&inner, state, &function.key)?;
                let configuration = Configuration {
                    layers: bind(state, &layers, None)?,
                    ..Configuration::clone(&function.configuration)
                };
                layer::check(&configuration)?;
                let function = Function {
                    uid: fresh_uid(state, function.uid.clone(), inner.new_uid),
                    configuration: Arc::new(configuration),
                    ..function.clone()
                };
                Ok((writes(&namespace, function), ()))
            })
            .await
    };
    inner.run(write).await
}

/// The installed runtime that is meant.
fn runtime(inner: &Inner, choice: Option<&RuntimeChoice>) -> Result<RuntimeName, RuntimeUnavailable> {
    let runtimes = &*inner.runtimes;
    match choice {
        Some(choice) => choice.resolve(runtimes),
        None => RuntimeChoice::resolve_default(runtimes),
    }
}

/// The namespace as it is before a function of a new name comes into it.
fn place_for(inner: &Inner, state: &State, key: &FunctionKey) -> Result<Arc<Namespace>, CreateFunctionError> {
    if state.function(key).is_some() {
        return Err(CreateFunctionError::Exists(key.clone()));
    }
    Ok(room_in(inner, state, &key.namespace)?)
}

/// The namespace as it is, if it takes a further function.
pub(crate) fn room_in(inner: &Inner, state: &State, name: &NamespaceName) -> Result<Arc<Namespace>, NoRoom> {
    let namespace = state
        .namespace(name)
        .ok_or_else(|| NoRoom::NamespaceMissing(name.clone()))?;
    let functions_max = inner.quotas.functions_per_namespace_max;
    if namespace.functions >= functions_max {
        return Err(NoRoom::Full(name.clone(), functions_max));
    }
    Ok(Arc::clone(namespace))
}

/// A function that is new, and its namespace counting it.
pub(crate) fn writes(namespace: &Namespace, function: Function) -> Vec<Write> {
    let namespace = Namespace {
        functions: namespace.functions + 1,
        ..namespace.clone()
    };
    vec![
        Write::Put(Document::Function(Box::new(function))),
        Write::Put(Document::Namespace(namespace)),
    ]
}

/// An identity no function has. 40 random bits are seldom alike, but nothing may depend on luck.
pub(crate) fn fresh_uid(state: &State, first: FunctionUid, new_uid: fn() -> FunctionUid) -> FunctionUid {
    let mut uid = first;
    while state.functions().any(|function| function.uid == uid) {
        uid = new_uid();
    }
    uid
}
