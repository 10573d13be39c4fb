//! A control API over a store in memory, with an invoker that answers as told, and a client that signs.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};
use skiff_api::ApiContext;
use skiff_artifacts::Artifacts;
use skiff_auth::{Credentials, Keyring, Temporary, ToSign, sign_tc3};
use skiff_control_plane::{Allot, ControlPlane, Pools, Ports, Precompile, Quotas, Retire, Roles, Runtimes, random_uid};
use skiff_domain::{
    Allotment, FunctionUid, Invocation, Outcome, Qualifier, RequestId, RoleName, RuntimeName, StatusCode, StemKind,
};
use skiff_invoker::{FunctionLoad, Invoke, RunningCall, Visit};
use skiff_observe::{LogStore, LogStoreConfig, Metrics};
use skiff_store::{MemStore, Store};
use tower::ServiceExt;

pub(crate) const HOST: &str = "127.0.0.1:9000";
pub(crate) const VERSION: &str = "2018-04-16";

/// Everything a test talks to.
pub(crate) struct Server {
    pub(crate) router: Router,
    pub(crate) credentials: Credentials,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) invoker: Arc<FakeInvoker>,
    pub(crate) logs: LogStore,
    pub(crate) control: ControlPlane,
    _dir: tempfile::TempDir,
}

/// Remembers what it was asked to run and ends it as told.
pub(crate) struct FakeInvoker {
    pub(crate) seen: Mutex<Vec<Invocation>>,
    pub(crate) end: Mutex<End>,
    pub(crate) loads: Mutex<Vec<FunctionLoad>>,
    /// What is said to run.
    pub(crate) running: Mutex<Option<RunningCall>>,
}

/// How a call ends.
#[derive(Clone)]
pub(crate) struct End {
    pub(crate) status: StatusCode,
    pub(crate) ret_msg: &'static [u8],
    pub(crate) err_msg: &'static str,
    pub(crate) log: Bytes,
    pub(crate) panics: bool,
}

#[async_trait::async_trait]
impl Invoke for FakeInvoker {
    async fn invoke(&self, invocation: Invocation) -> Outcome {
        let end = self.end.lock().clone();
        assert!(!end.panics, "told to");
        let request_id = invocation.id;
        self.seen.lock().push(invocation);
        Outcome {
            request_id,
            status: end.status,
            ret_msg: Bytes::from_static(end.ret_msg),
            err_msg: end.err_msg.to_owned(),
            duration: Duration::from_micros(826),
            billed_ms: 1,
            memory_peak_bytes: 3_207_168,
            init: None,
            log: end.log,
        }
    }

    async fn visit(&self, invocation: Invocation, _visit: Visit) -> Outcome {
        self.invoke(invocation).await
    }

    fn retire(&self, _uid: &FunctionUid, _label: Option<&Qualifier>) {}

    fn running(&self, _id: RequestId) -> Option<RunningCall> {
        self.running.lock().clone()
    }

    fn load(&self) -> Vec<FunctionLoad> {
        self.loads.lock().clone()
    }
}

struct TwoPythons;

impl Runtimes for TwoPythons {
    fn installed(&self) -> Vec<RuntimeName> {
        ["Python3.9", "Python3.11"].map(|name| name.parse().unwrap()).into()
    }
}

struct Nothing;

#[async_trait::async_trait]
impl Precompile for Nothing {
    async fn precompile(&self, _runtime: &RuntimeName, _folder: Arc<Path>) -> Vec<(String, Bytes)> {
        Vec::new()
    }
}

/// There are the roles `orders` and `admin`.
impl Roles for Nothing {
    fn exists(&self, role: &RoleName) -> bool {
        ["orders", "admin"].contains(&role.as_str())
    }
}

impl Allot for Nothing {
    fn allot(&self, _allotment: &Arc<Allotment>) {}
}

#[async_trait::async_trait]
impl Pools for Nothing {
    fn keep(&self, _used: &BTreeSet<StemKind>) {}

    async fn has_one(&self, _kind: &StemKind) {}
}

impl Retire for Nothing {
    fn retire(&self, _uid: &FunctionUid, _label: Option<&Qualifier>) {}
}

impl Server {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(MemStore::new());
        let blobs: Arc<dyn object_store::ObjectStore> = Arc::new(object_store::memory::InMemory::new());
        let artifacts = Artifacts::open(&dir.path().join("artifacts"), Arc::clone(&blobs))
            .await
            .unwrap();
        let control = ControlPlane::open(Ports {
            store: Arc::clone(&store),
            artifacts,
            runtimes: Arc::new(TwoPythons),
            precompile: Arc::new(Nothing),
            retire: Arc::new(Nothing),
            allot: Arc::new(Nothing),
            pools: Arc::new(Nothing),
            roles: Arc::new(Nothing),
            quotas: Quotas::default(),
            now: Timestamp::now,
            new_uid: random_uid,
        })
        .await
        .unwrap();
        let node = "n1".parse().unwrap();
        let logs = LogStore::open(LogStoreConfig::new(
            dir.path().join("logs"),
            blobs,
            store,
            node,
            Metrics::new(),
        ));
        let logs = logs.await.unwrap();
        let credentials = Credentials::new("AKIDlocaltest", "localsecret").unwrap();
        let end = End {
            status: StatusCode::Success,
            ret_msg: b"\"Hello World\"",
            err_msg: "",
            log: Bytes::new(),
            panics: false,
        };
        let invoker = Arc::new(FakeInvoker {
            seen: Mutex::default(),
            end: Mutex::new(end),
            loads: Mutex::default(),
            running: Mutex::default(),
        });
        let keyring = Arc::new(Keyring::new(credentials.clone()));
        let router = skiff_api::router(ApiContext {
            control: control.clone(),
            invoker: Arc::clone(&invoker) as Arc<dyn Invoke>,
            logs: logs.clone(),
            keyring: Arc::clone(&keyring),
            region: "local".to_owned(),
            app_id: "1250000000".to_owned(),
        });
        Self {
            router,
            credentials,
            keyring,
            invoker,
            logs,
            control,
            _dir: dir,
        }
    }

    /// A started server with the function `hello` in it.
    pub(crate) async fn with_hello() -> Self {
        let server = Self::start().await;
        server.ok("CreateFunction", hello()).await;
        server
    }

    /// Sends a request and takes its envelope apart; what every answer has in common is checked here: status, content
    /// type, request id, and that an error's code is one of CONTRACT 2.4 and 2.9.
    pub(crate) async fn send(&self, request: Request<Body>) -> Value {
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(
            response.headers()["content-type"],
            "application/json",
            "exactly, or the SDK sees no error"
        );
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let mut answer: Value = serde_json::from_slice(&body).unwrap();
        let fields = answer["Response"].take();
        let id = fields["RequestId"].as_str().unwrap();
        assert_eq!(id.len(), 36, "{id} is a UUID");
        let code = code(&fields);
        let mut documented = include_str!("codes.txt").lines();
        assert!(
            code.is_empty() || documented.any(|documented| documented == code),
            "{code} is not documented"
        );
        fields
    }

    /// An action's answer, whatever it is.
    pub(crate) async fn call(&self, action: &str, parameters: Value) -> Value {
        self.send(self.signed(action, parameters.to_string().into())).await
    }

    /// An action's answer, which must be no error.
    pub(crate) async fn ok(&self, action: &str, parameters: Value) -> Value {
        let answer = self.call(action, parameters).await;
        assert!(answer.get("Error").is_none(), "{action}: {answer}");
        answer
    }

    /// The code an action is refused with; empty if it is not.
    pub(crate) async fn code(&self, action: &str, parameters: Value) -> String {
        code(&self.call(action, parameters).await)
    }

    /// A request as the Python SDK sends it.
    pub(crate) fn signed(&self, action: &str, body: Bytes) -> Request<Body> {
        self.sign(&Method::POST, "", "application/json", action, body)
    }

    /// The same by somebody with temporary credentials.
    pub(crate) fn signed_by(&self, caller: &Temporary, action: &str, body: Bytes) -> Request<Body> {
        let json = "application/json";
        let mut request = Self::sign_with(&caller.credentials, &Method::POST, "", json, action, body);
        request
            .headers_mut()
            .insert("x-tc-token", caller.token.parse().unwrap());
        request
    }

    pub(crate) fn sign(
        &self,
        method: &Method,
        query: &str,
        content_type: &str,
        action: &str,
        body: Bytes,
    ) -> Request<Body> {
        Self::sign_with(&self.credentials, method, query, content_type, action, body)
    }

    fn sign_with(
        credentials: &Credentials,
        method: &Method,
        query: &str,
        content_type: &str,
        action: &str,
        body: Bytes,
    ) -> Request<Body> {
        let timestamp = Timestamp::now();
        let to_sign = ToSign {
            method,
            path: "/",
            query,
            host: HOST,
            content_type,
            action: None,
            body: &body,
            service: "scf",
            timestamp,
        };
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", HOST),
            ("content-type", content_type),
            ("x-tc-action", action),
            ("x-tc-version", VERSION),
            ("x-tc-region", "ap-guangzhou"),
            ("x-tc-timestamp", &timestamp.as_second().to_string()),
            ("authorization", &sign_tc3(&to_sign, credentials)),
        ] {
            headers.insert(http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
        let uri = if query.is_empty() {
            "/".to_owned()
        } else {
            format!("/?{query}")
        };
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri.parse().unwrap();
        *request.headers_mut() = headers;
        request
    }
}

pub(crate) fn code(answer: &Value) -> String {
    answer["Error"]["Code"].as_str().unwrap_or_default().to_owned()
}

/// A zip of these files.
pub(crate) fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        // A program is one by its mode.
        let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
        writer.start_file(*name, options).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) const CODE: &str = "def main_handler(event, context):\n    return 'Hello World'\n";

/// `ZipFile` of a package with the handler `index.main_handler`.
pub(crate) fn zip_file() -> String {
    STANDARD.encode(zip(&[("index.py", CODE)]))
}

/// `ZipFile` of a package of a web function.
pub(crate) fn web_zip_file() -> String {
    STANDARD.encode(zip(&[("scf_bootstrap", "#!/bin/sh\n")]))
}

/// The smallest CreateFunction.
pub(crate) fn hello() -> Value {
    json!({"FunctionName": "hello", "Code": {"ZipFile": zip_file()}, "Handler": "index.main_handler", "Runtime": "Python3.11"})
}

/// The object with these fields set.
pub(crate) fn with(mut object: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else {
        panic!("{fields} is no object");
    };
    for (name, value) in fields {
        object[name] = value;
    }
    object
}
