//! A gateway over a store in memory with the function `hello` in it.

use std::collections::BTreeSet;
use std::io::{Cursor, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use parking_lot::Mutex;
use skiff_artifacts::Artifacts;
use skiff_auth::{Credentials, Keyring};
use skiff_control_plane::{
    Allot, ControlPlane, CreateFunction, Pools, Ports, Precompile, Quotas, Retire, Roles, RuntimeChoice, Runtimes,
    random_uid,
};
use skiff_domain::{
    Allotment, FunctionKey, FunctionUid, Invocation, NetworkMode, Outcome, Qualifier, RequestId, RoleName, RuntimeName,
    StatusCode, StemKind, Web,
};
use skiff_gateway::{GatewayContext, Stream, serve, serve_streams};
use skiff_invoker::{FunctionLoad, Identity, Invoke, RunningCall, Visit};
use skiff_store::MemStore;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) invoker: Arc<FakeInvoker>,
    pub(crate) credentials: Credentials,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
    pub(crate) context: GatewayContext,
    _dir: tempfile::TempDir,
}

/// Remembers what it was asked to run and ends it as told.
pub(crate) struct FakeInvoker {
    pub(crate) seen: Mutex<Vec<Invocation>>,
    /// How calls end.
    pub(crate) end: Mutex<End>,
    /// A call needs one to end, when `waits`.
    pub(crate) may_end: Semaphore,
    pub(crate) waits: Mutex<bool>,
    /// One for each call that was given up.
    pub(crate) given_up: Semaphore,
    /// One for each call that began.
    pub(crate) began: Semaphore,
    /// Where the server of web functions listens.
    pub(crate) door: Mutex<Option<SocketAddr>>,
    /// What visitors had for bodies, in bytes.
    pub(crate) bodies: Mutex<Vec<usize>>,
}

#[derive(Clone)]
pub(crate) struct End {
    pub(crate) status: StatusCode,
    pub(crate) ret_msg: Bytes,
    pub(crate) err_msg: String,
    pub(crate) log: Bytes,
}

/// Says that a call was given up, unless it ended.
struct Call<'a>(&'a FakeInvoker, bool);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.given_up.add_permits(1);
        }
    }
}

#[async_trait::async_trait]
impl Invoke for FakeInvoker {
    async fn invoke(&self, invocation: Invocation) -> Outcome {
        let request_id = invocation.id;
        self.seen.lock().push(invocation);
        let mut call = Call(self, false);
        self.began.add_permits(1);
        let waits = *self.waits.lock();
        if waits {
            self.may_end.acquire().await.unwrap().forget();
        }
        call.1 = true;
        let end = self.end.lock().clone();
        Outcome {
            request_id,
            status: end.status,
            ret_msg: end.ret_msg,
            err_msg: end.err_msg,
            duration: Duration::from_micros(826),
            billed_ms: 1,
            memory_peak_bytes: 3_207_168,
            init: None,
            log: end.log,
        }
    }

    async fn visit(&self, invocation: Invocation, visit: Visit) -> Outcome {
        self.bodies.lock().push(visit.body_bytes);
        let door = *self.door.lock();
        if let Some(door) = door {
            drop(visit.enter.send(TcpStream::connect(door).await.unwrap()));
            drop(visit.leave.await);
        }
        self.invoke(invocation).await
    }

    fn retire(&self, _uid: &FunctionUid, _label: Option<&Qualifier>) {}

    fn running(&self, _id: RequestId) -> Option<RunningCall> {
        None
    }

    fn load(&self) -> Vec<FunctionLoad> {
        Vec::new()
    }
}

struct Fakes;

impl Runtimes for Fakes {
    fn installed(&self) -> Vec<RuntimeName> {
        vec!["Python3.11".parse().unwrap()]
    }
}

#[async_trait::async_trait]
impl Precompile for Fakes {
    async fn precompile(&self, _runtime: &RuntimeName, _folder: Arc<Path>) -> Vec<(String, Bytes)> {
        Vec::new()
    }
}

/// There is the role `orders`.
impl Roles for Fakes {
    fn exists(&self, role: &RoleName) -> bool {
        role.as_str() == "orders"
    }
}

impl Allot for Fakes {
    fn allot(&self, _allotment: &Arc<Allotment>) {}
}

#[async_trait::async_trait]
impl Pools for Fakes {
    fn keep(&self, _used: &BTreeSet<StemKind>) {}

    async fn has_one(&self, _kind: &StemKind) {}
}

impl Retire for Fakes {
    fn retire(&self, _uid: &FunctionUid, _label: Option<&Qualifier>) {}
}

impl World {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Arc::new(object_store::memory::InMemory::new());
        let control = ControlPlane::open(Ports {
            store: Arc::new(MemStore::new()),
            artifacts: Artifacts::open(&dir.path().join("artifacts"), blobs).await.unwrap(),
            runtimes: Arc::new(Fakes),
            precompile: Arc::new(Fakes),
            retire: Arc::new(Fakes),
            allot: Arc::new(Fakes),
            pools: Arc::new(Fakes),
            roles: Arc::new(Fakes),
            quotas: Quotas::default(),
            now: Timestamp::now,
            new_uid: random_uid,
        })
        .await
        .unwrap();
        control.create_function(hello()).await.unwrap();
        control.create_function(web()).await.unwrap();
        let invoker = Arc::new(FakeInvoker {
            seen: Mutex::default(),
            end: Mutex::new(End {
                status: StatusCode::Success,
                ret_msg: "\"Hello World\"".into(),
                err_msg: String::new(),
                log: Bytes::new(),
            }),
            may_end: Semaphore::new(0),
            waits: Mutex::new(false),
            given_up: Semaphore::new(0),
            began: Semaphore::new(0),
            door: Mutex::default(),
            bodies: Mutex::default(),
        });
        let credentials = Credentials::new("AKIDlocaltest", "localsecret").unwrap();
        let context = GatewayContext {
            control,
            invoker: Arc::clone(&invoker) as Arc<dyn Invoke>,
            keyring: Arc::new(Keyring::new(credentials.clone())),
            identity: Identity {
                region: "local".to_owned(),
                app_id: "1250000000".to_owned(),
                uin: "100000000001".to_owned(),
            },
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, context.clone(), shutdown.clone()));
        Self {
            address,
            invoker,
            credentials,
            shutdown,
            serving,
            context,
            _dir: dir,
        }
    }

    /// Serves what is sent to the first of these; the second ends when that is done.
    pub(crate) fn serve_streams(&self) -> (mpsc::Sender<Stream>, JoinHandle<()>) {
        let (sender, streams) = mpsc::channel(1);
        let serving = tokio::spawn(serve_streams(streams, self.context.clone(), self.shutdown.clone()));
        (sender, serving)
    }

    /// From now on calls end like this.
    pub(crate) fn end(&self, status: StatusCode, ret_msg: &str, err_msg: &str, log: impl Into<Bytes>) {
        *self.invoker.end.lock() = End {
            status,
            ret_msg: Bytes::copy_from_slice(ret_msg.as_bytes()),
            err_msg: err_msg.to_owned(),
            log: log.into(),
        };
    }

    /// From now on calls end only when they may.
    pub(crate) fn hold(&self) {
        *self.invoker.waits.lock() = true;
    }

    /// How many calls the invoker has seen.
    pub(crate) fn calls(&self) -> usize {
        self.invoker.seen.lock().len()
    }
}

/// Serves HTTP, and WebSockets.
fn web() -> CreateFunction {
    let mut web = function("scf_bootstrap", b"#!/bin/sh\n");
    web.key.name = "web".parse().unwrap();
    web.web = Some(Web {
        socket_idle: Some(Duration::from_secs(600)),
    });
    web
}

fn hello() -> CreateFunction {
    function(
        "index.py",
        b"def main_handler(event, context):\n    return 'Hello World'\n",
    )
}

fn function(file: &str, code: &[u8]) -> CreateFunction {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file(file, options).unwrap();
    zip.write_all(code).unwrap();
    CreateFunction {
        key: FunctionKey {
            namespace: Default::default(),
            name: "hello".parse().unwrap(),
        },
        code: zip.finish().unwrap().into_inner().into(),
        runtime: Some("Python3.11".parse::<RuntimeChoice>().unwrap()),
        handler: None,
        description: Default::default(),
        memory: Default::default(),
        timeout: Default::default(),
        init_timeout: Default::default(),
        environment: Default::default(),
        network: NetworkMode::None,
        role: None,
        web: None,
        concurrency: Default::default(),
        tags: Default::default(),
        layers: Vec::new(),
    }
}
