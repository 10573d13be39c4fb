//! The control plane's handle: what everything else asks.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use parking_lot::Mutex;
use skiff_artifacts::{Artifacts, Collected, FolderError, Package};
use skiff_domain::{
    Allotment, CodeDigest, FunctionKey, FunctionUid, LayerStack, NamespaceName, Qualifier, RoleName, RuntimeName,
    StemKind, Version, VersionNumber,
};
use skiff_store::Store;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::Quotas;
use crate::open::{self, OpenError};
use crate::port::{Allot, Pools, Ports, Precompile, Retire, Roles, Runtimes};
use crate::routing::Draw;
use crate::state::State;

/// A package whose zip is no larger is compiled before its change is answered: that takes milliseconds.
const COMPILE_FIRST_BYTES_MAX: u64 = 16 * 1024;
/// How long a change waits for a larger one, which is then compiled beside its first calls: they compile for themselves
/// what is not done yet.
const COMPILE_WAIT_MAX: Duration = Duration::from_millis(10);
/// Longest compilation.
pub(crate) const COMPILE_TIME_MAX: Duration = Duration::from_secs(20);

/// The control plane. Cheap to clone.
#[derive(Clone)]
pub struct ControlPlane {
    pub(crate) inner: Arc<Inner>,
}

impl fmt::Debug for ControlPlane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlPlane").finish_non_exhaustive()
    }
}

pub(crate) struct Inner {
    pub(crate) state: ArcSwap<State>,
    /// Versions that are none any more, while somebody still runs or is about to run one.
    pub(crate) former: Mutex<Vec<Weak<Version>>>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) artifacts: Artifacts,
    pub(crate) runtimes: Arc<dyn Runtimes>,
    pub(crate) precompile: Arc<dyn Precompile>,
    pub(crate) retire: Arc<dyn Retire>,
    pub(crate) allot: Arc<dyn Allot>,
    pub(crate) pools: Arc<dyn Pools>,
    pub(crate) roles: Arc<dyn Roles>,
    /// What was handed out last.
    pub(crate) dealt: Mutex<Arc<Allotment>>,
    /// The kinds of stem cells that were asked for last.
    pub(crate) used: Mutex<BTreeSet<StemKind>>,
    /// Something that is stored changed.
    pub(crate) changed: Notify,
    pub(crate) quotas: Quotas,
    pub(crate) now: fn() -> jiff::Timestamp,
    pub(crate) new_uid: fn() -> FunctionUid,
    /// Whose turn it is to change something.
    pub(crate) turn: Semaphore,
    /// Changes under way, packages being compiled and collected; awaited when the server stops.
    pub(crate) tasks: TaskTracker,
    /// Ends compilations: what is not compiled is no loss.
    pub(crate) stop: CancellationToken,
}

/// Why a name and qualifier mean nothing here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// No such namespace.
    #[error("Namespace {0} does not exist")]
    NamespaceMissing(NamespaceName),
    /// No such function.
    #[error("Function {} does not exist in namespace {}", .0.name, .0.namespace)]
    FunctionMissing(FunctionKey),
    /// The function has no such version or alias.
    #[error("Function {} has no version or alias {qualifier}: use $LATEST, $DEFAULT or one that it has", .key.name)]
    QualifierMissing {
        /// The function.
        key: FunctionKey,
        /// What was asked for.
        qualifier: Qualifier,
    },
    /// The function has no such version, and nothing else will do.
    #[error("Function {} has no published version {number}: use one that ListVersionByFunction lists", .key.name)]
    VersionMissing {
        /// The function.
        key: FunctionKey,
        /// What was asked for.
        number: VersionNumber,
    },
}

impl ResolveError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NamespaceMissing(_) => "ResourceNotFound.Namespace",
            Self::FunctionMissing(_) => "ResourceNotFound.Function",
            Self::QualifierMissing { .. } | Self::VersionMissing { .. } => "ResourceNotFound.Qualifier",
        }
    }
}

impl ControlPlane {
    /// Loads everything, makes the namespace `default` if it is not there, and removes packages nobody uses.
    pub async fn open(ports: Ports) -> Result<Self, OpenError> {
        open::open(ports).await
    }

    /// The version that a call of this name and qualifier runs; of an alias, the one its draw falls on. From memory:
    /// touches no disk, waits for nobody, allocates nothing.
    pub fn resolve(
        &self,
        key: &FunctionKey,
        qualifier: &Qualifier,
        draw: &Draw<'_>,
    ) -> Result<Arc<Version>, ResolveError> {
        let state = self.inner.state.load();
        match state.table(key).and_then(|table| table.resolve(qualifier, draw)) {
            Some(version) => Ok(Arc::clone(version)),
            None => Err(why_missing(&state, key, qualifier)),
        }
    }

    /// Whether some version of a function, `namespace/name`, acts in this role.
    #[must_use]
    pub fn acts_in(&self, function: &str, role: &str) -> bool {
        self.roles_of(function).iter().any(|own| own.as_str() == role)
    }

    /// The roles that a function, `namespace/name`, acts in: those of all its versions, each once.
    #[must_use]
    pub fn roles_of(&self, function: &str) -> BTreeSet<RoleName> {
        let key = function.split_once('/').and_then(|(namespace, name)| {
            Some(FunctionKey {
                namespace: namespace.parse().ok()?,
                name: name.parse().ok()?,
            })
        });
        let state = self.inner.state.load();
        let versions = key.and_then(|key| state.table(&key)).into_iter();
        let versions = versions.flat_map(|table| table.versions());
        versions.filter_map(|(_, version)| version.role.clone()).collect()
    }

    /// Unpacks and compiles again the packages that this machine lost, as after a reboot. Calls do not wait for it:
    /// one that comes first unpacks its own package. Run it beside serving.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the rest to the calls.
    pub async fn prepare(&self) {
        let artifacts = &self.inner.artifacts;
        let is_lost = |code: &CodeDigest| !artifacts.is_unpacked(code);
        let versions: Vec<Arc<Version>> = self.inner.state.load().versions().cloned().collect();
        let packages = |version: &Arc<Version>| {
            let layers = version.layers.layers().iter().copied();
            std::iter::once(version.code).chain(layers).filter(is_lost).collect()
        };
        let lost: Vec<(Vec<CodeDigest>, Arc<Version>)> = versions
            .into_iter()
            .map(|version| (packages(&version), version))
            .collect();
        let mut done = HashSet::new();
        for (packages, version) in lost {
            let mut any = false;
            for code in packages
                .into_iter()
                .filter(|code| done.insert((*code, version.runtime.clone())))
            {
                any = true;
                match artifacts.folder(code).await {
                    Ok(folder) => self.inner.compile(&version.runtime, code, folder).await,
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(function = %version.key, error, "package cannot be unpacked again");
                    }
                }
            }
            // Its layers are laid over each other again once they are compiled.
            if any && let Err(error) = artifacts.stack(&version.layers).await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(function = %version.key, error, "layers cannot be laid over each other again");
            }
        }
    }

    /// A package as it was uploaded, if some version or layer has it.
    pub async fn package(&self, code: CodeDigest) -> Result<Option<Bytes>, FolderError> {
        if !self.inner.state.load().uses(&code) {
            return Ok(None);
        }
        // It may go meanwhile, and then nobody has it.
        match self.inner.artifacts.zip(code).await {
            Err(_) if !self.inner.state.load().uses(&code) => Ok(None),
            zip => zip.map(Some),
        }
    }

    /// Removes packages that no version uses and nobody runs. Done after every change and when opened; a package
    /// that was still running then waits for the next time, so call it now and then.
    pub async fn collect(&self) -> Collected {
        self.inner.collect().await
    }

    /// Waits for the changes under way; later ones are refused.
    pub async fn shutdown(&self) {
        self.inner.tasks.close();
        self.inner.stop.cancel();
        self.inner.tasks.wait().await;
        // For those that asked just before the door was closed.
        self.inner.turn.close();
    }
}

impl Inner {
    pub(crate) async fn collect(&self) -> Collected {
        self.former.lock().retain(|version| version.strong_count() > 0);
        self.artifacts.collect(|code| self.uses(code)).await
    }

    /// True while a package is some version's code, or was and a call may still begin with it.
    fn uses(&self, code: &CodeDigest) -> bool {
        let former = self.former.lock();
        let is_it = |version: &Weak<Version>| {
            version
                .upgrade()
                .is_some_and(|version| version.packages().any(|package| package == *code))
        };
        self.state.load().uses(code) || former.iter().any(is_it)
    }

    /// After a change of a version, or of a whole function where none is named: its old instances go, and then the
    /// package nobody needs any more.
    pub(crate) fn settle(self: &Arc<Self>, uid: &FunctionUid, label: Option<&Qualifier>) {
        self.retire.retire(uid, label);
        self.collect_later();
    }

    /// Removes in the background what nobody needs any more.
    pub(crate) fn collect_later(self: &Arc<Self>) {
        let this = Arc::clone(self);
        self.tasks.spawn(async move { this.collect().await });
    }

    /// Has a package compiled for a runtime. Returns when that is done, or soon when it is a large one.
    pub(crate) async fn compile_soon(self: &Arc<Self>, runtime: &RuntimeName, package: &Package) {
        let (this, runtime) = (Arc::clone(self), runtime.clone());
        let (code, folder) = (package.digest(), Arc::clone(package.folder()));
        let compiling = self.tasks.spawn(async move {
            tokio::select! {
                () = this.compile(&runtime, code, folder) => {}
                () = this.stop.cancelled() => {}
            }
        });
        let wait = match package.zip_bytes() {
            ..=COMPILE_FIRST_BYTES_MAX => COMPILE_TIME_MAX,
            _ => COMPILE_WAIT_MAX,
        };
        // Whether it is done or goes on, there is nothing to say.
        let _ = tokio::time::timeout(wait, compiling).await;
    }

    /// Compiles a package for a runtime, best effort.
    pub(crate) async fn compile(&self, runtime: &RuntimeName, code: CodeDigest, folder: Arc<Path>) {
        let compiling = self.precompile.precompile(runtime, folder);
        let Ok(files) = tokio::time::timeout(COMPILE_TIME_MAX, compiling).await else {
            tracing::warn!(%code, %runtime, "compiling took too long and was given up");
            return;
        };
        if files.is_empty() {
            return;
        }
        if let Err(error) = self.artifacts.add_compiled(code, files).await {
            tracing::warn!(%code, %runtime, error = &error as &dyn std::error::Error, "compiled files not kept");
        }
        let state = self.state.load_full();
        let stacks: HashSet<&LayerStack> = state.versions().map(|version| &version.layers).collect();
        for stack in stacks.into_iter().filter(|stack| stack.layers().contains(&code)) {
            self.artifacts.renew_stack(stack).await;
        }
    }
}

/// Which part of a full name is the one that does not exist.
pub(crate) fn why_missing(state: &State, key: &FunctionKey, qualifier: &Qualifier) -> ResolveError {
    if state.namespace(&key.namespace).is_none() {
        ResolveError::NamespaceMissing(key.namespace.clone())
    } else if state.function(key).is_none() {
        ResolveError::FunctionMissing(key.clone())
    } else {
        ResolveError::QualifierMissing {
            key: key.clone(),
            qualifier: qualifier.clone(),
        }
    }
}
