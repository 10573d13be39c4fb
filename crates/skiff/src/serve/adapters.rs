//! What fits one part of the server to another's port.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use skiff_artifacts::Artifacts;
use skiff_control_plane::{Precompile, Retire, Runtimes};
use skiff_domain::{CodeDigest, FunctionUid, RuntimeName};
use skiff_invoker::Invoke;
use skiff_worker::{CodeFolders, Worker};

/// The machine as the control plane sees it: what can run and who compiles.
pub(super) struct Machine(pub(super) Worker);

impl Runtimes for Machine {
    fn installed(&self) -> Vec<RuntimeName> {
        self.0.runtimes()
    }
}

#[async_trait]
impl Precompile for Machine {
    async fn precompile(&self, runtime: &RuntimeName, folder: Arc<Path>) -> Vec<(String, Bytes)> {
        self.0.precompile(runtime, &folder).await
    }
}

/// The invoker as the control plane sees it: who holds instances.
pub(super) struct Holder(pub(super) Arc<dyn Invoke>);

impl Retire for Holder {
    fn retire(&self, uid: &FunctionUid) {
        self.0.retire(uid);
    }
}

/// The packages as the worker sees them: folders to mount.
pub(super) struct Folders(pub(super) Artifacts);

impl CodeFolders for Folders {
    fn folder(&self, code: CodeDigest) -> Pin<Box<dyn Future<Output = Result<Arc<Path>, String>> + Send + '_>> {
        Box::pin(async move { self.0.folder(code).await.map_err(|error| error.to_string()) })
    }
}
