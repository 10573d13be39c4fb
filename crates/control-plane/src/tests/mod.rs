//! The rules of every action, on the model store and real packages.

mod aliases;
mod code;
mod concurrency;
mod configuration;
mod copying;
mod creation;
mod deletion;
mod faults;
mod layers;
mod listing;
mod namespaces;
mod pools;
mod provisions;
mod quotas;
mod restart;
mod roles;
mod sharing;
mod versions;

use std::collections::{BTreeSet, HashSet};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use parking_lot::Mutex;
use skiff_artifacts::Artifacts;
use skiff_domain::{
    Allotment, FunctionKey, FunctionUid, InstanceConcurrency, NetworkMode, Purpose, Qualifier, RequestId, RoleName,
    RuntimeName, StemKind, Version,
};
use skiff_store::{MemStore, Store};

use super::*;
use crate::actions::CreateFunctionError;

/// A control plane with everything it works with, which can be closed and opened again.
struct Bed {
    control: ControlPlane,
    store: Arc<MemStore>,
    around: Arc<Around>,
    blobs: Arc<InMemory>,
    base: tempfile::TempDir,
}

/// What stands in for runtimes, compiler and instances, and what it was asked.
#[derive(Default)]
struct Around {
    /// Held by a test that wants no compilation to end.
    compiler: tokio::sync::Mutex<()>,
    compiled: Mutex<Vec<RuntimeName>>,
    retired: Mutex<Vec<(FunctionUid, Option<Qualifier>)>>,
    /// What was dealt out last.
    allotment: Mutex<Arc<Allotment>>,
    used: Mutex<BTreeSet<StemKind>>,
    awaited: Mutex<Vec<StemKind>>,
    quotas: Mutex<Quotas>,
}

impl Runtimes for Around {
    fn installed(&self) -> Vec<RuntimeName> {
        ["Python3.9", "Python3.11", "Python3.10"].map(runtime).to_vec()
    }
}

#[async_trait]
impl Precompile for Around {
    async fn precompile(&self, runtime: &RuntimeName, folder: Arc<Path>) -> Vec<(String, Bytes)> {
        let _turn = self.compiler.lock().await;
        assert!(folder.is_dir());
        self.compiled.lock().push(runtime.clone());
        vec![(
            format!("__pycache__/index.{runtime}.pyc"),
            Bytes::from_static(b"compiled"),
        )]
    }
}

impl Retire for Around {
    fn retire(&self, uid: &FunctionUid, label: Option<&Qualifier>) {
        self.retired.lock().push((uid.clone(), label.cloned()));
    }
}

/// There is the role `orders`.
impl Roles for Around {
    fn exists(&self, role: &RoleName) -> bool {
        role.as_str() == "orders"
    }
}

impl Allot for Around {
    fn allot(&self, allotment: &Arc<Allotment>) {
        *self.allotment.lock() = Arc::clone(allotment);
    }
}

#[async_trait]
impl Pools for Around {
    fn keep(&self, used: &BTreeSet<StemKind>) {
        used.clone_into(&mut self.used.lock());
    }

    async fn has_one(&self, kind: &StemKind) {
        self.awaited.lock().push(kind.clone());
    }
}

impl Bed {
    async fn new() -> Self {
        let store = Arc::new(MemStore::new());
        Self::on(store.clone(), store).await
    }

    /// On a store that reaches `store` in its own way.
    async fn on(store: Arc<MemStore>, reached: Arc<dyn Store>) -> Self {
        let base = tempfile::tempdir().unwrap();
        let blobs = Arc::new(InMemory::new());
        let around = Arc::<Around>::default();
        let control = open(base.path(), reached, Arc::clone(&blobs), &around).await.unwrap();
        Self {
            control,
            store,
            around,
            blobs,
            base,
        }
    }

    async fn restart(self) -> Self {
        self.control.shutdown().await;
        let control = open(
            self.base.path(),
            self.store.clone(),
            Arc::clone(&self.blobs),
            &self.around,
        );
        Self {
            control: control.await.unwrap(),
            ..self
        }
    }

    async fn create(&self, name: &str) -> Result<(), CreateFunctionError> {
        self.control.create_function(creation(name)).await
    }

    fn get(&self, name: &str) -> Result<Arc<Function>, ResolveError> {
        let view = self.control.get_function(&key(name), &Qualifier::latest())?;
        Ok(view.function)
    }

    fn resolve(&self, name: &str, qualifier: &str) -> Result<Arc<Version>, ResolveError> {
        let draw = Draw::of(RequestId::random(), None);
        self.control.resolve(&key(name), &qualifier.parse().unwrap(), &draw)
    }

    async fn publish(&self, name: &str) -> String {
        let input = PublishVersion {
            key: key(name),
            description: None,
        };
        self.control.publish_version(input).await.unwrap().number.to_string()
    }

    /// Packages kept, once what is under way is done.
    async fn packages(&self) -> usize {
        // Collecting goes on in the background; one collection passes over what another has in hand.
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.control.inner.tasks.is_empty() {
            assert!(Instant::now() < deadline, "a task does not end");
            tokio::task::spawn_blocking(std::thread::yield_now).await.unwrap();
        }
        let collected = self.control.collect().await;
        assert_eq!(collected.failed, 0);
        let folders = std::fs::read_dir(self.base.path().join("packages")).unwrap().count();
        let stacks = self.control.inner.state.load();
        let stacks: HashSet<_> = stacks.versions().filter_map(|version| version.layers.whole()).collect();
        for stack in std::fs::read_dir(self.base.path().join("stacks")).unwrap().flatten() {
            let whole = stack.file_name().to_str().unwrap().parse().unwrap();
            assert!(stacks.contains(&whole), "nobody needs the stack {whole}");
        }
        let blobs = futures::StreamExt::count(self.blobs.list(None)).await;
        assert_eq!(folders, blobs);
        assert_eq!(std::fs::read_dir(self.base.path().join("staging")).unwrap().count(), 0);
        folders
    }
}

async fn open(
    base: &Path,
    store: Arc<dyn Store>,
    blobs: Arc<InMemory>,
    around: &Arc<Around>,
) -> Result<ControlPlane, OpenError> {
    let artifacts = Artifacts::open(base, blobs).await.unwrap();
    let quotas = around.quotas.lock().clone();
    ControlPlane::open(Ports {
        store,
        artifacts,
        runtimes: Arc::<Around>::clone(around),
        precompile: Arc::<Around>::clone(around),
        retire: Arc::<Around>::clone(around),
        allot: Arc::<Around>::clone(around),
        pools: Arc::<Around>::clone(around),
        roles: Arc::<Around>::clone(around),
        quotas,
        now: tick,
        new_uid: random_uid,
    })
    .await
}

/// A clock that moves on whenever it is read: two events are never at the same time.
fn tick() -> Timestamp {
    static SECONDS: AtomicI64 = AtomicI64::new(1_790_000_000);
    Timestamp::from_second(SECONDS.fetch_add(1, Ordering::Relaxed)).unwrap()
}

fn runtime(name: &str) -> RuntimeName {
    name.parse().unwrap()
}

/// `name` in `default`, or `namespace/name`.
fn key(name: &str) -> FunctionKey {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    FunctionKey {
        namespace: namespace.parse().unwrap(),
        name: name.parse().unwrap(),
    }
}

fn creation(name: &str) -> CreateFunction {
    CreateFunction {
        key: key(name),
        code: zip(&[("index.py", "def main_handler(event, context): pass")]),
        runtime: Some(RuntimeChoice::NewestPython3),
        handler: None,
        description: Description::default(),
        memory: MemorySize::default(),
        timeout: Timeout::default(),
        init_timeout: InitTimeout::default(),
        environment: Environment::default(),
        network: NetworkMode::default(),
        role: None,
        tags: Tags::default(),
        layers: Vec::new(),
        web: None,
        concurrency: InstanceConcurrency::ONE,
    }
}

fn zip(files: &[(&str, &str)]) -> Bytes {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
        zip.start_file(*name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner().into()
}
