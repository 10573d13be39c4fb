//! The server that is measured: the release binary, started as a user would, with a data dir of its own.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ::http::Method;
use anyhow::{Context, Result, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use skiff_auth::{Credentials, ToSign, sign_tc3};
use tempfile::TempDir;

use crate::Bench;
use crate::http::{self, Connection};
use crate::package::HANDLER;
use crate::process::Process;

/// How long it may take to be ready: it boots an interpreter.
const READY_MAX: Duration = Duration::from_secs(60);
/// How long its pools may take to come to rest.
const REST_MAX: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(10);
/// Looks in a row that must find the same for a pool to be at rest.
const REST_LOOKS: usize = 5;
const JSON: &str = "application/json";

/// A running server. Dropping it drains it.
#[derive(Debug)]
pub(crate) struct Server {
    process: Process,
    api: SocketAddr,
    gateway: SocketAddr,
    credentials: Credentials,
    home: TempDir,
}

/// What a server has, from its `/status.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Status {
    pub(crate) stem_cells: u64,
    /// Instances, stem cells, and what waits to become one.
    pub(crate) sandboxes: u64,
    /// Runtimes that are to have stem cells and have none yet.
    pub(crate) booting: usize,
    /// Initialised instances with nothing to do.
    pub(crate) idle: u64,
}

impl Server {
    /// Starts one whose pool is as large as it is by default.
    pub(crate) fn start(bench: &Bench) -> Result<Self> {
        Self::start_with(bench, true)
    }

    /// Starts one that never has a stem cell ready.
    pub(crate) fn start_without_pool(bench: &Bench) -> Result<Self> {
        Self::start_with(bench, false)
    }

    /// Starts one with these runtimes beside the host's, from where they are usually had.
    pub(crate) fn start_with_runtimes(bench: &Bench, runtimes: &[&str]) -> Result<Self> {
        let home = home(bench)?;
        for runtime in runtimes {
            let mut command = Command::new(&bench.skiff);
            command.args(["runtime", "add", runtime, "--data-dir"]).arg(home.path());
            let output = command.stdin(Stdio::null()).output()?;
            if !output.status.success() {
                bail!("add {runtime}: {}", String::from_utf8_lossy(&output.stderr).trim());
            }
        }
        Self::start_on(bench, home, true)
    }

    fn start_with(bench: &Bench, has_pool: bool) -> Result<Self> {
        Self::start_on(bench, home(bench)?, has_pool)
    }

    fn start_on(bench: &Bench, home: TempDir, has_pool: bool) -> Result<Self> {
        let credentials = Credentials::random()?;
        let log = File::create(home.path().join("log"))?;
        let mut command = Command::new(&bench.skiff);
        command.arg("serve").arg("--data-dir").arg(home.path());
        for listen in ["--api-listen", "--gateway-listen"] {
            command.args([listen, "127.0.0.1:0"]);
        }
        if !has_pool {
            command.args(["--pool-min", "0", "--pool-max", "0"]);
        }
        let child = command
            .env("SKIFF_SECRET_ID", credentials.secret_id.as_str())
            .env("SKIFF_SECRET_KEY", credentials.secret_key.reveal())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", bench.skiff.display()))?;
        let mut process = Process::new(child);
        let (api, gateway) = wait_until_listening(&home, &mut process)?;
        let server = Self {
            process,
            api,
            gateway,
            credentials,
            home,
        };
        server.rest()?;
        Ok(server)
    }

    /// Its data dir.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn gateway(&self) -> SocketAddr {
        self.gateway
    }

    pub(crate) fn api(&self) -> SocketAddr {
        self.api
    }

    /// One action of the control API: the fields of its `Response`.
    pub(crate) fn act(&self, action: &str, params: &Value) -> Result<Value> {
        let mut connection = Connection::open(self.api)?;
        let request = self.signed(action, params);
        let answer = connection.call(&request)?;
        read_response(action, answer.ok()?)
    }

    /// The bytes of an action's request.
    pub(crate) fn signed(&self, action: &str, params: &Value) -> Vec<u8> {
        let body = params.to_string();
        let host = self.api.to_string();
        let timestamp = Timestamp::now();
        let authorization = self.authorization(&Method::POST, "/", &host, body.as_bytes(), timestamp);
        let timestamp = timestamp.as_second().to_string();
        let headers = [
            ("Content-Type", JSON),
            ("Authorization", &authorization),
            ("X-TC-Action", action),
            ("X-TC-Version", "2018-04-16"),
            ("X-TC-Region", "local"),
            ("X-TC-Timestamp", &timestamp),
        ];
        http::post(self.api, "/", &headers, body.as_bytes())
    }

    /// Creates a function of the default namespace.
    pub(crate) fn create(&self, name: &str, package: &[u8]) -> Result<()> {
        self.act("CreateFunction", &creation(name, package)).map(drop)
    }

    /// Deletes a function.
    pub(crate) fn delete(&self, name: &str) -> Result<()> {
        self.act("DeleteFunction", &json!({"FunctionName": name})).map(drop)
    }

    /// Makes the next call of a function a cold start: a new configuration retires every instance of the old one.
    pub(crate) fn make_cold(&self, name: &str, round: usize) -> Result<()> {
        let variables = json!([{"Key": "ROUND", "Value": round.to_string()}]);
        let params = json!({"FunctionName": name, "Environment": {"Variables": variables}});
        self.act("UpdateFunctionConfiguration", &params)?;
        self.rest()
    }

    /// The bytes of a direct invocation.
    pub(crate) fn invocation(&self, name: &str, event: &str) -> Vec<u8> {
        let (id, key) = (
            self.credentials.secret_id.as_str(),
            self.credentials.secret_key.reveal(),
        );
        let authorization = format!("Basic {}", STANDARD.encode(format!("{id}:{key}")));
        let path = format!("/2018-04-16/functions/default/{name}/invocations");
        let headers = [("Content-Type", JSON), ("Authorization", authorization.as_str())];
        http::post(self.gateway, &path, &headers, event.as_bytes())
    }

    /// Waits until the pools are filled and nothing is being born or buried.
    pub(crate) fn rest(&self) -> Result<()> {
        let deadline = Instant::now() + REST_MAX;
        let (mut seen, mut looks) = (Status::default(), 0);
        while looks < REST_LOOKS {
            if Instant::now() > deadline {
                bail!("the server's pools did not come to rest: {seen:?}\n{}", self.log_tail());
            }
            thread::sleep(LOOK);
            let now = self.status()?;
            looks = if now.booting == 0 && now == seen { looks + 1 } else { 0 };
            seen = now;
        }
        Ok(())
    }

    pub(crate) fn status(&self) -> Result<Status> {
        const PATH: &str = "/status.json";
        let mut connection = Connection::open(self.api)?;
        let host = self.api.to_string();
        let now = Timestamp::now();
        let authorization = self.authorization(&Method::GET, PATH, &host, b"", now);
        let timestamp = now.as_second().to_string();
        let headers = [
            ("Content-Type", JSON),
            ("Authorization", authorization.as_str()),
            ("X-TC-Timestamp", &timestamp),
        ];
        let answer = connection.call(&http::get(self.api, PATH, &headers))?;
        let status: Value = serde_json::from_slice(answer.ok()?).context("understand /status.json")?;
        let sum = |list: &Value, field: &str| {
            list.as_array()
                .into_iter()
                .flatten()
                .filter_map(|item| item[field].as_u64())
                .sum()
        };
        let runtimes = status["stemCells"].as_array().into_iter().flatten();
        Ok(Status {
            booting: runtimes.filter(|runtime| runtime["reason"] == "booting").count(),
            stem_cells: sum(&status["stemCells"], "ready"),
            sandboxes: status["sandboxes"].as_u64().unwrap_or(0),
            idle: sum(&status["functions"], "idle"),
        })
    }

    fn authorization(&self, method: &Method, path: &str, host: &str, body: &[u8], timestamp: Timestamp) -> String {
        let request = ToSign {
            method,
            path,
            query: "",
            host,
            content_type: JSON,
            action: None,
            body,
            service: "scf",
            timestamp,
        };
        sign_tc3(&request, &self.credentials)
    }

    /// The end of what it wrote, for the reader of an error.
    fn log_tail(&self) -> String {
        log_tail(&self.home)
    }
}

/// The parameters that create a function.
pub(crate) fn creation(name: &str, package: &[u8]) -> Value {
    json!({
        "FunctionName": name,
        "Runtime": "Python3",
        "Handler": HANDLER,
        "MemorySize": 64,
        "Timeout": 60,
        "Code": {"ZipFile": STANDARD.encode(package)},
    })
}

/// The fields of an answer, or its error.
pub(crate) fn read_response(action: &str, body: &[u8]) -> Result<Value> {
    let mut answer: Value = serde_json::from_slice(body).with_context(|| format!("understand {action}'s answer"))?;
    let response = answer["Response"].take();
    match response.get("Error") {
        Some(error) => Err(anyhow!("{action} was refused: {error}")),
        None => Ok(response),
    }
}

fn home(bench: &Bench) -> Result<TempDir> {
    let folder = tempfile::Builder::new()
        .prefix("skiff-bench-")
        .tempdir_in(&bench.scratch);
    folder.with_context(|| format!("a folder in {}", bench.scratch.display()))
}

fn wait_until_listening(home: &TempDir, process: &mut Process) -> Result<(SocketAddr, SocketAddr)> {
    let file: PathBuf = home.path().join("listen.json");
    let deadline = Instant::now() + READY_MAX;
    loop {
        if let Some(addresses) = listening(&file) {
            let ready = http::get(addresses.0, "/readyz", &[]);
            if Connection::open(addresses.0)
                .is_ok_and(|mut api| api.call(&ready).is_ok_and(|answer| answer.status == 200))
            {
                return Ok(addresses);
            }
        }
        if process.has_ended() || Instant::now() > deadline {
            bail!("the server did not become ready:\n{}", log_tail(home));
        }
        thread::sleep(LOOK);
    }
}

fn listening(file: &PathBuf) -> Option<(SocketAddr, SocketAddr)> {
    let listen: Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    let address = |name: &str| listen[name].as_str()?.parse().ok();
    Some((address("api")?, address("gateway")?))
}

fn log_tail(home: &TempDir) -> String {
    const LINES: usize = 15;
    let text = fs::read_to_string(home.path().join("log")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
