//! (d) How many sandboxes can come and go in a second.
//!
//! The figure of the engine alone is taken in this process, which links the sandbox crate and is its own zygote's
//! program: through the server it would be a figure of HTTP, scheduling and Python as well. That one is in `burst.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use skiff_domain::limits::{OPEN_FILES_MAX, PIDS_MAX, TMP_BYTES_MAX, TMP_INODES_MAX};
use skiff_runtimes::wire::HEAD_BYTES;
use skiff_sandbox::{
    BirthSpec, Cgroups, NetworkConfig, NetworkMode, Networks, Parts, Pipes, Zygote, ZygoteConfig, make_staging,
};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Bench;
use crate::machine;
use crate::peers::interpreter;
use crate::report::{Section, Table, Unit, Whose};

/// The argument that makes this program a zygote.
pub(crate) const ZYGOTE_ARGUMENT: &str = "zygote";

/// The group and the networks of this run are called so.
const NAME: &str = "bench";
/// User ids far from those of servers.
const UID_FIRST: u32 = 1_800_000_000;
const UID_COUNT: u32 = 64;
const READY_MAX: Duration = Duration::from_secs(20);

pub(crate) fn measure(bench: &Bench, section: &mut Section) -> Result<()> {
    let (rounds, slice) = (bench.samples(5, 2), Duration::from_secs(bench.samples(3, 1) as u64));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let engine = runtime.block_on(Engine::start(bench))?;
    let many = machine::cores() * 2;
    let mut one_by_one = Vec::new();
    let mut at_once = Vec::new();
    let mut spawned = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        one_by_one.push(runtime.block_on(engine.rate(1, slice))?);
        spawned[0].push(spawn_rate(1, slice)?);
        at_once.push(runtime.block_on(engine.rate(many, slice))?);
        spawned[1].push(spawn_rate(many, slice)?);
    }
    drop(engine);
    runtime.shutdown_timeout(READY_MAX);
    for (at, (title, rates)) in [
        ("one by one".to_owned(), one_by_one),
        (format!("{many} at once"), at_once),
    ]
    .into_iter()
    .enumerate()
    {
        let mut table = Table::new(format!("sandboxes, {title}"), Unit::PerSecond);
        table.add(Whose::Ours, "sandbox: born, ready for code, killed, buried", &rates);
        table.add(Whose::Theirs, "/bin/true", &spawned[at]);
        section.tables.push(table.compared());
    }
    section.how = vec![
        "Whole sandboxes of a Python zygote, without the warming that pools do: namespaces, control groups and network".to_owned(),
        "made and removed for each, nothing kept ready. In this process, through the sandbox crate, without the server.".to_owned(),
    ];
    Ok(())
}

/// A zygote and what sandboxes are made of.
struct Engine {
    cgroups: Cgroups,
    networks: Networks,
    zygote: Arc<Zygote>,
    uids: Arc<AtomicU32>,
    _home: tempfile::TempDir,
}

impl Engine {
    async fn start(bench: &Bench) -> Result<Self> {
        let (manifest, _) = interpreter::of_the_server()?;
        let home = tempfile::Builder::new()
            .prefix("skiff-bench-")
            .tempdir_in(&bench.scratch)?;
        let staging = home.path().join("root");
        make_staging(&staging)?;
        let networks = Networks::open(NetworkConfig {
            server: NAME.to_owned(),
            subnet: None,
            endpoints: Vec::new(),
            nameservers: Vec::new(),
        })?;
        let config = ZygoteConfig {
            command: vec!["/proc/self/exe".into(), ZYGOTE_ARGUMENT.into()],
            staging,
            uid_first: UID_FIRST,
            uid_count: UID_COUNT,
        };
        Ok(Self {
            cgroups: Cgroups::open(NAME)?,
            networks,
            zygote: Zygote::boot(&config, &manifest.template).await?,
            uids: Arc::default(),
            _home: home,
        })
    }

    /// Sandboxes per second by so many tasks, each with one at a time.
    async fn rate(&self, tasks: usize, slice: Duration) -> Result<f64> {
        let began = Instant::now();
        let count = Arc::new(AtomicU64::new(0));
        let mut running = JoinSet::new();
        for _ in 0..tasks {
            let (cgroups, networks) = (self.cgroups.clone(), self.networks.clone());
            let (zygote, uids, count) = (Arc::clone(&self.zygote), Arc::clone(&self.uids), Arc::clone(&count));
            running.spawn(async move {
                while began.elapsed() < slice {
                    let parts = Parts {
                        cgroup: Arc::new(cgroups.create()?),
                        network: networks.create(NetworkMode::None)?,
                        uid: UID_FIRST + uids.fetch_add(1, Ordering::Relaxed) % UID_COUNT,
                    };
                    live_and_die(&zygote, parts).await?;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, anyhow::Error>(())
            });
        }
        while let Some(ended) = running.join_next().await {
            ended??;
        }
        Ok(count.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64())
    }
}

/// One sandbox from its birth to the removal of all it was made of.
async fn live_and_die(zygote: &Arc<Zygote>, parts: Parts) -> Result<()> {
    let spec = BirthSpec {
        hostname: "bench".to_owned(),
        tmp_bytes: TMP_BYTES_MAX,
        tmp_inodes: TMP_INODES_MAX,
        open_files: OPEN_FILES_MAX,
        pids: PIDS_MAX,
        warm: false,
    };
    let (sandbox, pipes) = zygote.bear(parts, &spec).await.map_err(|stillborn| stillborn.error)?;
    if timeout(READY_MAX, is_ready(&pipes)).await.is_err() {
        bail!("a sandbox did not become ready: {:?}", sandbox.failure());
    }
    let parts = sandbox.bury().await.context("a sandbox without parts")?;
    parts.network.remove()?;
    Arc::into_inner(parts.cgroup)
        .context("a buried control group is still in use")?
        .remove()?;
    Ok(())
}

/// The runtime's first frame, which has no body, says that it is ready.
async fn is_ready(pipes: &Pipes) -> std::io::Result<()> {
    let mut head = [0; HEAD_BYTES];
    let mut filled = 0;
    while filled < HEAD_BYTES {
        pipes.responses.readable().await?;
        match pipes.responses.try_read(&mut head[filled..]) {
            Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Bare processes per second by so many threads: spawned and waited for.
fn spawn_rate(threads: usize, slice: Duration) -> Result<f64> {
    let began = Instant::now();
    let counts = thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(move || {
                    let mut count = 0_u64;
                    while began.elapsed() < slice {
                        interpreter::nothing()?;
                        count += 1;
                    }
                    Ok::<_, anyhow::Error>(count)
                })
            })
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("a thread panicked")))
            .collect::<Result<Vec<u64>>>()
    })?;
    Ok(counts.iter().sum::<u64>() as f64 / began.elapsed().as_secs_f64())
}
