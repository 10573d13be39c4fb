//! What fits one part of the server to another's port.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use skiff_artifacts::Artifacts;
use skiff_control_plane::{Allot, Pools, Precompile, Retire, Runtimes};
use skiff_domain::{Allotment, CodeDigest, FunctionUid, LayerStack, Qualifier, RuntimeName, StemKind};
use skiff_invoker::{Invoke, Invoker};
use skiff_worker::{CodeFolders, Finding, Worker};

use super::roles::Acting;

/// The machine as the control plane sees it: what can run, who compiles, and what is kept ready.
pub(super) struct Machine {
    pub(super) worker: Worker,
    /// Where runtimes are installed.
    pub(super) data_dir: PathBuf,
}

impl Runtimes for Machine {
    fn installed(&self) -> Vec<RuntimeName> {
        self.worker.runtimes()
    }

    fn installed_by(&self, runtime: &RuntimeName) -> Option<String> {
        if let Some(command) = skiff_runtimes::wasm::build_command(runtime) {
            return Some(command.to_owned());
        }
        let source = skiff_runtimes::usual_source(runtime)?;
        let command = format!("skiff runtime add {runtime} --from {source}");
        if self.data_dir == skiff_cli::default_data_dir() {
            return Some(command);
        }
        Some(format!("{command} --data-dir {}", self.data_dir.display()))
    }
}

#[async_trait]
impl Precompile for Machine {
    async fn precompile(&self, runtime: &RuntimeName, folder: Arc<Path>) -> Vec<(String, Bytes)> {
        self.worker.precompile(runtime, &folder).await
    }
}

#[async_trait]
impl Pools for Machine {
    fn keep(&self, used: &BTreeSet<StemKind>) {
        self.worker.set_used(used.clone());
    }

    async fn has_one(&self, kind: &StemKind) {
        self.worker.has_stem_cell(kind).await;
    }
}

/// The invoker and the worker as the control plane sees them: who holds instances, and how many.
pub(super) struct Holder {
    pub(super) invoker: Arc<Invoker<Acting<Worker>>>,
    pub(super) worker: Worker,
}

impl Allot for Holder {
    fn allot(&self, allotment: &Arc<Allotment>) {
        self.invoker.allot(allotment);
    }
}

impl Retire for Holder {
    fn retire(&self, uid: &FunctionUid, label: Option<&Qualifier>) {
        self.invoker.retire(uid, label);
        self.worker.retire(uid, label);
    }
}

/// The packages as the worker sees them: folders to mount.
pub(super) struct Folders(pub(super) Artifacts);

impl CodeFolders for Folders {
    fn layers<'a>(&'a self, layers: &'a LayerStack) -> Finding<'a, Option<Arc<Path>>> {
        Box::pin(async move { self.0.stack(layers).await.map_err(|error| error.to_string()) })
    }

    fn folder(&self, code: CodeDigest) -> Finding<'_, Arc<Path>> {
        Box::pin(async move { self.0.folder(code).await.map_err(|error| error.to_string()) })
    }
}
