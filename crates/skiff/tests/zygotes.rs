//! Zygotes wear out: a worker with settings no operator has, and the built binary as what its zygotes run.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use skiff_domain::{
    Call, CodeDigest, FunctionKey, FunctionUid, LayerStack, NetworkMode, Qualifier, RequestId, Revision, RuntimeName,
    Version,
};
use skiff_invoker::{Instance, Instances};
use skiff_runtimes::{Platform, host_pythons};
use skiff_worker::{CodeFolders, Finding, PoolConfig, Worker, WorkerConfig};
use tempfile::TempDir;
use tokio::sync::{Mutex, mpsc};

const SOON: Duration = Duration::from_secs(60);

struct OneFolder(Arc<Path>);

impl CodeFolders for OneFolder {
    fn folder(&self, _code: CodeDigest) -> Finding<'_, Arc<Path>> {
        let folder = Arc::clone(&self.0);
        Box::pin(async { Ok(folder) })
    }

    fn layers<'a>(&'a self, _layers: &'a LayerStack) -> Finding<'a, Option<Arc<Path>>> {
        Box::pin(async { Ok(None) })
    }
}

/// Held by the test that counts: what it counts are the children of its process.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A worker that makes every sandbox on demand, unless it is told otherwise.
fn worker(folder: &TempDir, name: &str, mut pool: PoolConfig) -> Worker {
    pool.memory_reserve_bytes = 0;
    let code = folder.path().join("code");
    fs::create_dir(&code).expect("a folder");
    fs::write(
        code.join("index.py"),
        "def main_handler(event, context): return event\n",
    )
    .expect("a file");
    let run_dir = folder.path().join("run");
    fs::create_dir(&run_dir).expect("a folder");
    let (inbound, _) = mpsc::channel(1);
    let config = WorkerConfig {
        server: format!("test-{name}-{}", std::process::id()),
        run_dir,
        zygote_command: vec![env!("CARGO_BIN_EXE_skiff").into(), "zygote".into()],
        platform: Platform {
            region: "local".to_owned(),
            app_id: "1250000000".to_owned(),
            uin: "100000000001".to_owned(),
            endpoints: Vec::new(),
        },
        runtimes: host_pythons(),
        inbound,
        pool,
    };
    Worker::open(config, Arc::new(OneFolder(code.into()))).expect("a host that isolates")
}

fn newest_python() -> RuntimeName {
    let names = host_pythons().into_iter().map(|manifest| manifest.name);
    names.max().expect("a runtime on this host")
}

fn version(runtime: RuntimeName) -> Arc<Version> {
    Arc::new(Version {
        key: FunctionKey {
            namespace: Default::default(),
            name: "worn".parse().expect("a name"),
        },
        uid: FunctionUid::from_random([7; 5]),
        label: Qualifier::latest(),
        revision: Revision(1),
        runtime,
        handler: "index.main_handler".to_owned(),
        memory_mb: 128,
        timeout: Duration::from_secs(20),
        init_timeout: Duration::from_secs(65),
        environment: Vec::new(),
        code: CodeDigest::of(b"worn"),
        layers: LayerStack::default(),
        network: NetworkMode::None,
        role: None,
        web: None,
        concurrency: Default::default(),
    })
}

/// The children of this process that run: its zygotes, this test's own where tests run in processes of their own.
fn zygotes() -> BTreeSet<u32> {
    let own = std::process::id().to_string();
    let is_ours = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let mut fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
        fields.next().is_some_and(|state| state != "Z") && fields.next() == Some(&own)
    };
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(is_ours)
        .collect()
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < SOON, "waited {SOON:?} for {what}: {:?}", zygotes());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn answers(instance: &mut impl Instance) {
    let report = instance
        .invoke(Call {
            request_id: RequestId::random(),
            event: "1".into(),
            context: "{}".into(),
            timeout: Duration::from_secs(20),
        })
        .await;
    assert_eq!(report.end, skiff_domain::AttemptEnd::Returned("1".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zygote_is_replaced_after_its_births_or_its_time_and_lives_while_its_children_do() {
    let _alone = ALONE.lock().await;
    let version = version(newest_python());
    for (name, births_max, age_max, borne_by) in [
        ("births", 2, Duration::from_secs(3600), [1, 1, 2, 2, 3]),
        ("age", 1000, Duration::ZERO, [1, 2, 3, 4, 5]),
        ("fresh", 1000, Duration::from_secs(3600), [1, 1, 1, 1, 1]),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let pool = PoolConfig {
            stem_cells_min: 0,
            stem_cells_max: 0,
            zygote_births_max: births_max,
            zygote_age_max: age_max,
            ..PoolConfig::default()
        };
        let worker = worker(&folder, name, pool);
        let mut instances = Vec::new();
        for zygotes_now in borne_by {
            instances.push(worker.start(&version).await.expect("an instance").0);
            assert_eq!(zygotes().len(), zygotes_now, "{name}: after {} births", instances.len());
        }
        for instance in &mut instances {
            answers(instance).await;
        }
        // The children of the first zygote go, and with them the zygote, unless it is the one in use.
        let first = borne_by.iter().filter(|zygote| **zygote == 1).count();
        instances.drain(..first);
        let left = borne_by[4] - usize::from(borne_by[4] > 1);
        eventually("a zygote without children to end", || zygotes().len() == left).await;
        for instance in &mut instances {
            answers(instance).await;
        }
        drop(instances);
        worker.shutdown().await;
        drop(worker);
        eventually("the end of all zygotes", || zygotes().is_empty()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stem_cells_are_there_while_they_are_used_and_their_zygote_goes_with_the_last_of_them() {
    let _alone = ALONE.lock().await;
    let version = version(newest_python());
    let folder = tempfile::tempdir().expect("a folder");
    let pool = PoolConfig {
        stem_cells_min: 2,
        zygote_unused_max: Duration::from_millis(50),
        ..PoolConfig::default()
    };
    let worker = worker(&folder, "unused", pool);
    let now = || {
        let status = worker.status();
        let of_it = status
            .runtimes
            .into_iter()
            .find(|runtime| runtime.name == version.runtime.as_str());
        let of_it = of_it.expect("the runtime");
        (of_it.stem_cells, of_it.reason)
    };
    let unused = (0, Some("no function uses it".to_owned()));
    assert_eq!(now(), unused);
    assert!(zygotes().is_empty(), "nothing boots that nobody uses");
    worker.set_used([version.stem_kind()].into());
    worker.has_stem_cell(&version.stem_kind()).await;
    assert!(now().0 > 0, "{:?}", now());
    eventually("both to be ready", || now() == (2, None)).await;
    worker.set_used(BTreeSet::new());
    eventually("the end of the zygote", || zygotes().is_empty()).await;
    assert_eq!(now(), unused);

    // Whoever comes all the same is served, from another zygote.
    let mut instance = worker.start(&version).await.expect("an instance").0;
    answers(&mut instance).await;
    drop(instance);
    worker.shutdown().await;
}
