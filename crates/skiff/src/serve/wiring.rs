//! Who is given what, in which order they begin and in which they end. Decides nothing.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use skiff_api::ApiContext;
use skiff_artifacts::Artifacts;
use skiff_auth::{Credentials, Keyring, Loaded};
use skiff_control_plane::{ControlPlane, Ports, random_uid};
use skiff_domain::limits;
use skiff_gateway::GatewayContext;
use skiff_invoker::{Invoke, Invoker, Recorder};
use skiff_observe::{LogStore, LogStoreConfig, Metrics};
use skiff_runtimes::{Platform, host};
use skiff_sandbox::Endpoint;
use skiff_store::Store;
use skiff_store_sqlite::SqliteStore;
use skiff_worker::{Inbound, Worker, WorkerConfig};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::adapters::{Folders, Holder, Machine};
use super::connections::{self, Connections};
use super::pages::{self, Readiness};
use super::roles::{Acting, Known};
use super::signals::{HangUps, Stops};
use super::status::{self, StatusContext};
use super::{blobs, gauges, inbound, listeners, roles, runtimes};
use crate::ZYGOTE;
use crate::config::Config;
use crate::data_dir::{DataDir, Listening};

/// Longest life of a call: waiting for an instance that is being started, its initialisation, its run.
const DRAIN_MAX: Duration = Duration::from_secs(2 * limits::INIT_TIMEOUT_S_MAX as u64 + limits::TIMEOUT_S_MAX as u64);
/// How long answers of calls that were cut short at the deadline may take to be sent.
const ANSWER_GRACE: Duration = Duration::from_secs(2);
/// Between two removals of packages that were still in use when their function changed.
const COLLECT_PERIOD: Duration = Duration::from_secs(60);
/// The one node of a server of its own: part of the names of its log chunks.
const NODE: &str = "local";

/// Serves until a signal, then drains.
pub(super) async fn serve(config: &Config, data_dir: &DataDir, hang_ups: HangUps) -> anyhow::Result<()> {
    let mut stops = Stops::listen()?;
    let mut serving = tokio::select! {
        serving = Serving::start(config, data_dir, hang_ups) => serving?,
        // Nothing runs yet that would have to be finished.
        (signal, _) = stops.next() => {
            tracing::info!(signal, "stopped before it was ready");
            return Ok(());
        }
    };
    let (signal, _) = stops.next().await;
    stops.settle().await;
    tracing::info!(
        signal,
        "draining: no new calls, running ones finish; a second signal ends them"
    );
    tokio::select! {
        () = serving.drain() => {
            tracing::info!("drained");
            Ok(())
        }
        (signal, code) = stops.next() => {
            tracing::warn!(signal, "second signal: running calls are given up");
            data_dir.retract();
            std::process::exit(code);
        }
    }
}

/// Everything that runs.
struct Serving {
    readiness: Readiness,
    store: Arc<SqliteStore>,
    logs: LogStore,
    worker: Worker,
    invoker: Arc<Invoker<Acting<Worker>>>,
    control: ControlPlane,
    api: Connections,
    inbound_api: Connections,
    /// Ends both gateways.
    gateway_stop: CancellationToken,
    gateways: JoinSet<()>,
    /// Accepting, distributing, preparing: what ends with its source or is cut at the end.
    tasks: JoinSet<()>,
}

impl Serving {
    async fn start(config: &Config, data_dir: &DataDir, hang_ups: HangUps) -> anyhow::Result<Self> {
        let started = std::time::Instant::now();
        let api_listener = listeners::bind(config.api_listen, "--api-listen").await?;
        let gateway_listener = listeners::bind(config.gateway_listen, "--gateway-listen").await?;
        let credentials = credentials(config)?;
        let listening = Listening {
            api: api_listener.local_addr()?,
            gateway: gateway_listener.local_addr()?,
            secret_id: credentials.secret_id.as_str().to_owned(),
        };
        let keyring = Arc::new(Keyring::new(credentials));
        keyring.set_roles(roles::read(&config.data_dir)?);

        let database = config.in_data_dir("skiff.db");
        blobs::refuse_orphans(&config.in_data_dir("blobs"), &database)?;
        let store = tokio::task::spawn_blocking(move || SqliteStore::open(&database))
            .await?
            .context("open the store")?;
        let store = Arc::new(store);
        let shared_store: Arc<dyn Store> = store.clone();
        let blobs = blobs::open(&config.in_data_dir("blobs"))?;
        let artifacts = Artifacts::open(&config.in_data_dir("code"), Arc::clone(&blobs))
            .await
            .context("open the code packages")?;
        let metrics = Metrics::new();
        let logs = LogStore::open(LogStoreConfig {
            retention_age: config.logs.age,
            retention_bytes: config.logs.bytes,
            ..LogStoreConfig::new(
                config.in_data_dir("logs"),
                blobs,
                Arc::clone(&shared_store),
                NODE.parse().context("node id")?,
                metrics.clone(),
            )
        });
        let logs = logs.await.context("open the logs")?;

        let (inbound_sender, inbound) = mpsc::channel(inbound::WAITING_MAX);
        let worker = worker(config, artifacts.clone(), inbound_sender)
            .await
            .context("open the worker")?;
        let recorder: Arc<dyn Recorder> = Arc::new(logs.clone());
        let invoker = Arc::new(Invoker::new(
            Arc::new(Acting {
                instances: worker.clone(),
                keyring: Arc::clone(&keyring),
            }),
            recorder,
            config.limits.clone(),
            config.identity.clone(),
        ));
        let invoke: Arc<dyn Invoke> = invoker.clone();
        let machine = Arc::new(Machine {
            worker: worker.clone(),
            data_dir: config.data_dir.clone(),
        });
        let holder = Arc::new(Holder {
            invoker: Arc::clone(&invoker),
            worker: worker.clone(),
        });
        let control = ControlPlane::open(Ports {
            store: shared_store,
            artifacts,
            runtimes: Arc::clone(&machine) as _,
            precompile: Arc::clone(&machine) as _,
            pools: machine,
            retire: Arc::clone(&holder) as _,
            allot: holder,
            roles: Arc::new(Known(Arc::clone(&keyring))),
            quotas: config.quotas.clone(),
            now: jiff::Timestamp::now,
            new_uid: random_uid,
        });
        let control = control.await.context("load functions and namespaces")?;

        gauges::register(&metrics, &invoke, worker.clone());
        let readiness = Readiness::default();
        let actions = ApiContext {
            control: control.clone(),
            invoker: Arc::clone(&invoke),
            logs: logs.clone(),
            keyring: Arc::clone(&keyring),
            region: config.identity.region.clone(),
            app_id: config.identity.app_id.clone(),
        };
        let status = StatusContext {
            started,
            keyring: Arc::clone(&keyring),
            invoker: Arc::clone(&invoke),
            worker: worker.clone(),
            metrics: metrics.clone(),
        };
        let pages = pages::router(readiness.clone(), metrics, Arc::clone(&keyring)).merge(status::router(status));
        // Two of them: functions share no memory for bodies with the operator.
        let operators = skiff_api::router(actions.clone()).merge(pages);
        let api = Connections::new(operators, connections::CONNECTIONS_MAX);
        let inbound_api = Connections::new(skiff_api::router(actions), inbound::CONNECTIONS_MAX);
        let followed = Arc::clone(&keyring);
        let gateway = GatewayContext {
            control: control.clone(),
            invoker: invoke,
            keyring,
            identity: config.identity.clone(),
        };

        let mut this = Self {
            readiness,
            store,
            logs,
            worker,
            invoker,
            control,
            api,
            inbound_api,
            gateway_stop: CancellationToken::new(),
            gateways: JoinSet::new(),
            tasks: JoinSet::new(),
        };
        let (streams_sender, streams) = mpsc::channel(inbound::WAITING_MAX);
        this.gateways.spawn(skiff_gateway::serve(
            gateway_listener,
            gateway.clone(),
            this.gateway_stop.clone(),
        ));
        this.gateways.spawn(skiff_gateway::serve_streams(
            streams,
            gateway,
            this.gateway_stop.clone(),
        ));
        this.tasks
            .spawn(inbound::distribute(inbound, this.inbound_api.clone(), streams_sender));
        let clock = this.control.clone();
        this.tasks.spawn(async move { clock.keep_time().await });
        let (api, control) = (this.api.clone(), this.control.clone());
        this.tasks.spawn(async move { api.accept_all(api_listener).await });
        this.tasks.spawn(async move {
            control.prepare().await;
            let mut tick = tokio::time::interval(COLLECT_PERIOD);
            loop {
                tick.tick().await;
                control.collect().await;
            }
        });

        this.tasks.spawn(runtimes::follow(
            config.data_dir.clone(),
            this.worker.clone(),
            followed,
            hang_ups,
        ));

        this.readiness.set(true);
        data_dir.announce(&listening)?;
        tracing::info!(
            api = %listening.api,
            gateway = %listening.gateway,
            data_dir = %config.data_dir.display(),
            file = config.file.as_ref().map(|file| file.display().to_string()),
            runtimes = this.worker.runtimes().iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            "ready after {} ms",
            started.elapsed().as_millis(),
        );
        Ok(this)
    }

    /// In the order of what needs what: edges, calls, changes, instances, records, store.
    async fn drain(&mut self) {
        let deadline = Instant::now() + DRAIN_MAX;
        self.readiness.set(false);
        self.gateway_stop.cancel();
        // Calls that are cut short at the deadline still answer those who wait for them.
        let answered = deadline + ANSWER_GRACE;
        let gateways = async { while self.gateways.join_next().await.is_some() {} };
        let gateways = timeout_at(answered, gateways);
        let (_, gateways, ()) = tokio::join!(self.api.drain(answered), gateways, self.invoker.shutdown(deadline));
        if gateways.is_err() {
            self.gateways.shutdown().await;
        }
        self.inbound_api.drain(deadline).await;
        self.control.shutdown().await;
        self.worker.shutdown().await;
        self.tasks.shutdown().await;
        self.logs.shutdown().await;
        self.store.close().await;
    }
}

/// The credential the operator gave, or the one in the data dir, made at the first start.
fn credentials(config: &Config) -> anyhow::Result<Credentials> {
    if let Some(given) = &config.credentials {
        return Ok(given.clone());
    }
    match Credentials::load_or_create(&config.data_dir)? {
        Loaded::Existing(credentials) => Ok(credentials),
        Loaded::Created(credentials) => {
            // To stdout, not to the log: who keeps one keeps stderr.
            print!("{}", created(&credentials, &config.in_data_dir("credentials.json")));
            Ok(credentials)
        }
    }
}

/// What is said of a new credential, once in its life.
fn created(credentials: &Credentials, file: &Path) -> String {
    format!(
        "A credential was created. It is shown this once, and kept in {}:\n  secret id   {}\n  secret key  {}\n",
        file.display(),
        credentials.secret_id.as_str(),
        credentials.secret_key.reveal(),
    )
}

async fn worker(config: &Config, artifacts: Artifacts, inbound: mpsc::Sender<Inbound>) -> anyhow::Result<Worker> {
    let address = |endpoint: Endpoint| format!("http://{}:{}", host::ENDPOINT_HOST, endpoint.address().port());
    let worker = WorkerConfig {
        server: config.server_name(),
        run_dir: config.in_data_dir("run"),
        // The file this process runs from, also when another version has taken its place by now.
        zygote_command: vec![OsString::from("/proc/self/exe"), OsString::from(ZYGOTE)],
        platform: Platform {
            region: config.identity.region.clone(),
            app_id: config.identity.app_id.clone(),
            uin: config.identity.uin.clone(),
            endpoints: vec![
                ("SKIFF_API_ENDPOINT".to_owned(), address(Endpoint::Api)),
                ("SKIFF_GATEWAY_ENDPOINT".to_owned(), address(Endpoint::Gateway)),
            ],
        },
        runtimes: runtimes::at_the_start(&config.data_dir).await?,
        inbound,
        pool: config.pool.clone(),
    };
    if worker.runtimes.is_empty() {
        tracing::warn!("there is no runtime: install python3, or one with `skiff runtime add`");
    }
    Worker::open(worker, Arc::new(Folders(artifacts))).context("this host")
}
