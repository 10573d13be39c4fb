//! The worker itself: runtimes, pools and the tasks that keep them.

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use skiff_domain::{
    CodeDigest, FunctionUid, InitReport, LayerStack, NetworkMode, Purpose, Qualifier, RuntimeName, StartError,
    StemKind, Version,
};
use skiff_invoker::Instances;
use skiff_runtimes::wire::{self, Request, Response};
use skiff_runtimes::{Manifest, Platform, host};
use skiff_sandbox::{
    CgroupError, Cgroups, Endpoint, Limits, Mounter, NetworkConfig, NetworkError, Networks, ZygoteConfig, make_staging,
};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{UID_FIRST, WorkerConfig};
use crate::freezer::Freezer;
use crate::graveyard::Graveyard;
use crate::instance::WorkerInstance;
use crate::kept::Start;
use crate::pools::{Ground, Pools};
use crate::pressure::Pressure;
use crate::snapshots::Snapshots;
use crate::start;
use crate::stock::Stock;
use crate::walls;

/// Longest compilation of a package; what is not done by then is compiled when it is imported.
const COMPILE_MAX: Duration = Duration::from_secs(20);
/// Memory for it, in MB.
const COMPILE_MEMORY_MB: u32 = 512;
/// Its share when processors are scarce: calls come first.
const COMPILE_CPU_WEIGHT: u32 = 10;
/// Most byte code taken from one package, in bytes.
const COMPILE_BYTES_MAX: usize = 256 << 20;
/// How long the end may take: processes are killed, groups and networks removed.
const SHUTDOWN_MAX: Duration = Duration::from_secs(20);

/// A folder of the host that is being found or made, or why it cannot be.
pub type Finding<'a, Folder> = Pin<Box<dyn Future<Output = Result<Folder, String>> + Send + 'a>>;

/// Where a version's code is.
pub trait CodeFolders: Send + Sync + 'static {
    /// The unpacked package, a folder of the host. Does not touch the disk when it was asked for before.
    fn folder(&self, code: CodeDigest) -> Finding<'_, Arc<Path>>;

    /// The layers laid over each other, a folder of the host; `None` where there are none. Does not touch the disk when
    /// they were asked for before.
    fn layers<'a>(&'a self, layers: &'a LayerStack) -> Finding<'a, Option<Arc<Path>>>;
}

/// Why a worker cannot be.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No control groups.
    #[error("control groups")]
    Cgroups(#[from] CgroupError),
    /// No network namespaces.
    #[error("networks")]
    Networks(#[from] NetworkError),
    /// Anything else of the host.
    #[error("{0}")]
    Host(&'static str, #[source] io::Error),
}

/// What a worker has.
#[derive(Debug, Clone, serde::Serialize)]
pub struct WorkerStatus {
    /// Sandboxes alive or ready to be: instances, stem cells and what waits to become one.
    pub sandboxes: u32,
    /// The runtimes.
    pub runtimes: Vec<RuntimeStatus>,
}

/// What a worker has of one runtime.
#[derive(Debug, Clone, serde::Serialize)]
pub struct RuntimeStatus {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub source: String,
    /// Bytes it takes in the data dir; none for what is the host's.
    pub bytes: Option<u64>,
    /// Stem cells ready for code.
    pub stem_cells: usize,
    /// Why there are none, or none of some kind.
    pub reason: Option<String>,
    /// Whether that is because they do not come up.
    pub fails: bool,
}

/// A machine's instances. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Worker {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) mounter: Mounter,
    pub(crate) freezer: Arc<Freezer>,
    pub(crate) platform: Platform,
    pub(crate) snapshots: Snapshots,
    folders: Arc<dyn CodeFolders>,
    pressure: Arc<Pressure>,
    stock: Arc<Stock>,
    pub(crate) pools: Pools,
    public: Result<(), String>,
    pub(crate) tasks: TaskTracker,
    stop: CancellationToken,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Worker {
    /// Takes possession of the machine's part in it: control groups and networks of this server's name, whatever a
    /// killed predecessor left of them included. Pools fill in the background. Blocks for some milliseconds.
    pub fn open(mut config: WorkerConfig, folders: Arc<dyn CodeFolders>) -> Result<Self, OpenError> {
        let open_files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        config.pool = config.pool.within(open_files.unwrap_or(u64::MAX));
        let cgroups = Cgroups::open(&config.server)?;
        if let Err(error) = cgroups.favour_server() {
            tracing::warn!(%error, "the server cannot be given more processor time than functions");
        }
        let networks = Networks::open(NetworkConfig {
            server: config.server.clone(),
            subnet: None,
            endpoints: Endpoint::ALL.to_vec(),
            nameservers: Vec::new(),
        })?;
        let public = networks.public_available().map_err(|error| {
            tracing::warn!(%error, "functions with a public network cannot run on this host");
            format!("functions with a public network cannot run on this host: {error}")
        });
        let staging = config.run_dir.join("root");
        make_staging(&staging).map_err(|error| OpenError::Host("make the folder roots are built over", error))?;
        let zygotes = ZygoteConfig {
            command: config.zygote_command,
            staging,
            uid_first: UID_FIRST,
            uid_count: config.pool.sandboxes_max,
        };
        let resolver = host::resolv_conf(networks.resolv_conf(NetworkMode::Public));
        let tasks = TaskTracker::new();
        let snapshots = Snapshots::open(config.run_dir.join("snapshots"), tasks.clone())
            .map_err(|error| OpenError::Host("make the folder for what is kept of instances", error))?;
        let watched = networks.clone();
        let stock = Stock::new(
            cgroups,
            networks,
            config.inbound,
            config.pool.sandboxes_max,
            tasks.clone(),
        );
        let stop = CancellationToken::new();
        let pressure = Pressure::new(config.pool.memory_reserve_bytes);
        let pools = Pools::new(Ground {
            zygotes,
            pool: config.pool,
            resolver,
            public: public.clone(),
            stock: Arc::clone(&stock),
            pressure: Arc::clone(&pressure),
            graveyard: Graveyard::open(Arc::clone(&stock), &tasks),
            tasks: tasks.clone(),
            stop: stop.clone(),
        });
        let shared = Arc::new(Shared {
            mounter: Mounter::open().map_err(|error| OpenError::Host("open its own mount namespace", error))?,
            freezer: Arc::default(),
            platform: config.platform,
            snapshots,
            pressure,
            folders,
            stock,
            pools,
            public,
            tasks,
            stop,
        });
        let worker = Self { shared };
        worker.keep(walls::watch(watched));
        let (pressure, freezer) = (Arc::clone(&worker.shared.pressure), Arc::clone(&worker.shared.freezer));
        worker.keep(async move { pressure.watch().await });
        worker.keep(async move { freezer.watch().await });
        let shared = Arc::clone(&worker.shared);
        worker.keep(async move { shared.pools.tidy().await });
        let shared = Arc::clone(&worker.shared);
        worker.keep(async move { shared.snapshots.watch().await });
        worker.set_runtimes(config.runtimes);
        Ok(worker)
    }

    /// Makes these the runtimes of this machine. One that is there already and has not changed keeps its pools; calls and
    /// idle instances of one that has changed or gone go on with what they have.
    pub fn set_runtimes(&self, manifests: Vec<Manifest>) {
        self.shared.pools.set_runtimes(manifests);
    }

    /// Makes these the kinds that stem cells are kept ready of. What nobody uses goes after a while.
    pub fn set_used(&self, used: BTreeSet<StemKind>) {
        self.shared.pools.set_used(used);
    }

    /// Returns when a stem cell of this kind is ready, or none will be soon.
    ///
    /// # Cancel safety
    /// Safe: it only looks.
    pub async fn has_stem_cell(&self, kind: &StemKind) {
        if let Some(nursery) = self.shared.pools.nursery(kind) {
            nursery.has_one().await;
        }
    }

    /// The runtimes of this machine.
    #[must_use]
    pub fn runtimes(&self) -> Vec<RuntimeName> {
        self.shared.pools.runtimes()
    }

    /// What there is.
    #[must_use]
    pub fn status(&self) -> WorkerStatus {
        WorkerStatus {
            sandboxes: self.shared.stock.in_use(),
            runtimes: self.shared.pools.status(),
        }
    }

    /// Byte code for the sources of a package: path inside the package and content. What cannot be compiled, or not
    /// in time, is left out: it is then compiled, and complained about, when it is imported. The compiler runs in a
    /// sandbox without any network, since it reads what a stranger wrote.
    pub async fn precompile(&self, runtime: &RuntimeName, folder: &Path) -> Vec<(String, Bytes)> {
        match timeout(COMPILE_MAX, self.compile(runtime, folder)).await {
            Ok(Ok(files)) => files,
            Ok(Err(error)) => {
                tracing::warn!(%runtime, error, "a package could not be compiled");
                Vec::new()
            }
            Err(_) => {
                tracing::warn!(%runtime, "compiling a package took too long");
                Vec::new()
            }
        }
    }

    async fn compile(&self, runtime: &RuntimeName, folder: &Path) -> Result<Vec<(String, Bytes)>, String> {
        const SEQUENCE: u32 = 1;
        const NOT_INSTALLED: &str = "the runtime is not installed";
        let pools = &self.shared.pools;
        if !pools.compiles(runtime).ok_or(NOT_INSTALLED)? {
            return Ok(Vec::new());
        }
        let kind = StemKind {
            runtime: runtime.clone(),
            purpose: Purpose::Events,
            network: NetworkMode::None,
        };
        let nursery = pools.nursery(&kind).ok_or(NOT_INSTALLED)?;
        let mut cell = pools.take(&nursery).await.map_err(|error| error.to_string())?;
        let compiled = async {
            let limits = Limits {
                cpu_weight: COMPILE_CPU_WEIGHT,
                ..start::limits(COMPILE_MEMORY_MB)
            };
            let folders = start::Folders {
                code: folder,
                layers: None,
                snapshot: None,
            };
            start::assign(&self.shared, &cell, &limits, folders).map_err(|error| error.to_string())?;
            let request = wire::request(Request::Compile, SEQUENCE, &[]).ok_or("no request")?;
            let mut answer = cell.line.ask(&request, SEQUENCE, Instant::now() + COMPILE_MAX).await;
            let mut files: Vec<(String, BytesMut)> = Vec::new();
            let mut bytes = 0;
            loop {
                match answer {
                    Ok((Response::Compiled, body)) => {
                        bytes += body.len();
                        if bytes > COMPILE_BYTES_MAX {
                            return Err("too much byte code".to_owned());
                        }
                        let (path, part) = wire::compiled(body).ok_or("a compiled file without its path")?;
                        match files.last_mut() {
                            Some((last, content)) if *last == path => content.extend_from_slice(&part),
                            _ => files.push((path, BytesMut::from(part))),
                        }
                    }
                    Ok((Response::CompileDone, _)) => {
                        let whole = files.into_iter().map(|(path, content)| (path, content.freeze()));
                        return Ok(whole.collect());
                    }
                    other => return Err(format!("{other:?}")),
                }
                answer = cell.line.listen(SEQUENCE, COMPILE_MAX).await;
            }
        };
        compiled.await
    }

    /// Ends everything: instances nobody holds any more, pools, zygotes. Those the invoker still holds end when it
    /// lets them go, so shut that down first.
    pub async fn shutdown(&self) {
        self.shared.stop.cancel();
        let deadline = Instant::now() + SHUTDOWN_MAX;
        loop {
            self.shared.pools.clear();
            self.shared.stock.clear().await;
            if self.shared.stock.in_use() == 0 {
                return;
            }
            if Instant::now() > deadline {
                tracing::warn!(
                    left = self.shared.stock.in_use(),
                    "sandboxes are left; they end with the server"
                );
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Lets go of what is kept of instances of one version of a function, of all its versions where none is named.
    pub fn retire(&self, uid: &FunctionUid, label: Option<&Qualifier>) {
        self.shared.snapshots.retire(uid, label);
    }

    /// Runs a task until the shutdown.
    pub(crate) fn keep(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.shared.stop.clone();
        self.shared.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = task => {}
            }
        });
    }
}

impl Instances for Worker {
    type Instance = WorkerInstance;

    async fn start(&self, version: &Arc<Version>) -> Result<(WorkerInstance, InitReport), StartError> {
        let begun = Instant::now();
        if let Err(short) = self.shared.pressure.check() {
            self.shared.pools.look();
            return Err(StartError::NoRoom(short));
        }
        if version.network == NetworkMode::Public {
            self.shared.public.clone().map_err(StartError::Unavailable)?;
        }
        let nursery = self.shared.pools.nursery(&version.stem_kind());
        let nursery = nursery.ok_or_else(|| start::not_installed(&version.runtime))?;
        let folder = self
            .shared
            .folders
            .folder(version.code)
            .await
            .map_err(StartError::Platform)?;
        let layers = match version.layers.whole() {
            Some(_) => {
                let layers = self.shared.folders.layers(&version.layers).await;
                layers.map_err(StartError::Platform)?
            }
            None => None,
        };
        let taken = self.shared.pools.take(&nursery).await;
        let cell = taken.map_err(|error| start::no_cell(&error))?;
        let start = Start {
            version: Arc::clone(version),
            nursery,
            code: folder,
            layers,
        };
        start.run(self, cell, begun).await
    }
}
