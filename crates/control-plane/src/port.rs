//! What the control plane needs of others. Traits only, and the bundle they are handed in with.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use skiff_artifacts::Artifacts;
use skiff_domain::{Allotment, FunctionUid, Qualifier, RoleName, RuntimeName, StemKind};
use skiff_store::Store;
use uuid::Uuid;

use crate::account::Quotas;

/// Which runtimes functions can be created with.
pub trait Runtimes: Send + Sync + 'static {
    /// The runtimes that can run here now.
    fn installed(&self) -> Vec<RuntimeName>;

    /// The command by which the operator installs one that cannot run here; none for those that cannot be installed.
    fn installed_by(&self, _runtime: &RuntimeName) -> Option<String> {
        None
    }
}

/// Compiles a package's code before its first call needs it.
#[async_trait]
pub trait Precompile: Send + Sync + 'static {
    /// What compiling gave: paths below the folder, and their bytes. Best effort: what does not compile is left out,
    /// and the function's first call will say why.
    async fn precompile(&self, runtime: &RuntimeName, folder: Arc<Path>) -> Vec<(String, Bytes)>;
}

/// Lets instances go that serve what a function no longer is.
pub trait Retire: Send + Sync + 'static {
    /// Called after a version of a function changed or was deleted, or, where none is named, the whole function. Idle
    /// instances go, running calls finish. Must not block.
    fn retire(&self, uid: &FunctionUid, label: Option<&Qualifier>);
}

/// Which roles functions can act in.
pub trait Roles: Send + Sync + 'static {
    /// Whether there is such a role.
    fn exists(&self, role: &RoleName) -> bool;
}

/// Keeps to how the account's concurrency is dealt out.
pub trait Allot: Send + Sync + 'static {
    /// Called when the control plane opens, where it is not the usual, and whenever it changed; what comes last counts.
    /// Must not block.
    fn allot(&self, allotment: &Arc<Allotment>);
}

/// Keeps stem cells ready for the functions there are.
#[async_trait]
pub trait Pools: Send + Sync + 'static {
    /// Called when the control plane opens and whenever there came to be other kinds of functions; what comes last
    /// counts. Must not block.
    fn keep(&self, used: &BTreeSet<StemKind>);

    /// Returns when a stem cell of this kind is ready, or none will be soon.
    ///
    /// # Cancel safety
    /// Safe.
    async fn has_one(&self, kind: &StemKind);
}

/// Everything the control plane works with.
#[derive(Clone)]
pub struct Ports {
    /// Where functions and namespaces are kept.
    pub store: Arc<dyn Store>,
    /// Where their code is kept.
    pub artifacts: Artifacts,
    /// What can run them.
    pub runtimes: Arc<dyn Runtimes>,
    /// What compiles them.
    pub precompile: Arc<dyn Precompile>,
    /// What holds their instances.
    pub retire: Arc<dyn Retire>,
    /// What keeps to the concurrency of functions.
    pub allot: Arc<dyn Allot>,
    /// What keeps stem cells ready for them.
    pub pools: Arc<dyn Pools>,
    /// What functions can act in.
    pub roles: Arc<dyn Roles>,
    /// What the operator allows.
    pub quotas: Quotas,
    /// The time: `Timestamp::now` outside of tests.
    pub now: fn() -> Timestamp,
    /// New identities: [`random_uid`] outside of tests.
    pub new_uid: fn() -> FunctionUid,
}

/// A function's identity from the system's random bytes.
#[must_use]
pub fn random_uid() -> FunctionUid {
    let random = Uuid::new_v4();
    // The last 8 bytes are random but for two bits of the first of them.
    let [.., a, b, c, d, e] = *random.as_bytes();
    FunctionUid::from_random([a, b, c, d, e])
}
