//! A server of one's own: its data in a folder of its own, its ports the kernel's choice, gone with the test.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;

use crate::Client;

/// How long a start may take, a slow and loaded machine included.
const READY: Duration = Duration::from_secs(60);
/// How long an orderly stop may take when nothing runs.
const STOPPED: Duration = Duration::from_secs(60);

/// Where a server listens: `<data-dir>/listen.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct Listen {
    /// `host:port` of the control API.
    pub api: String,
    /// `host:port` of the gateway.
    pub gateway: String,
}

/// A credential: `<data-dir>/credentials.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct Credentials {
    /// The public half.
    pub secret_id: String,
    /// The secret half.
    pub secret_key: String,
}

/// How to start a server.
#[derive(Debug, Default)]
pub struct Settings {
    /// Flags of `skiff serve` beyond the data dir and the ports.
    pub flags: Vec<String>,
    /// Variables of its environment.
    pub environment: Vec<(String, String)>,
    /// Data of an earlier server; a fresh folder where there is none.
    pub data: Option<Arc<TempDir>>,
}

impl Settings {
    /// Adds a flag and its value.
    pub fn flag(mut self, name: &str, value: &str) -> Self {
        self.flags.extend([name.to_owned(), value.to_owned()]);
        self
    }

    /// Adds a variable to its environment.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts on this data.
    pub fn on(mut self, data: &Arc<TempDir>) -> Self {
        self.data = Some(Arc::clone(data));
        self
    }

    /// Starts the server and waits until it is ready.
    pub fn start(self) -> Server {
        Server::start_with(self)
    }
}

/// A running server. Dropping it stops it in order and removes its data.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Stops the server when this process ends without dropping it, as with servers that tests share.
    guard: (Child, ChildStdin),
    /// Its data, for a successor.
    pub data: Arc<TempDir>,
    /// Where it listens.
    pub listen: Listen,
    /// The root credential.
    pub credentials: Credentials,
}

impl Server {
    /// A server with default settings.
    pub fn start() -> Self {
        Settings::default().start()
    }

    fn start_with(settings: Settings) -> Self {
        let data = settings.data.unwrap_or_else(|| Arc::new(fresh_folder()));
        let listen_file = data.path().join("listen.json");
        drop(fs::remove_file(&listen_file));
        let log = File::options()
            .create(true)
            .append(true)
            .open(data.path().join("test.log"))
            .expect("log file");
        let mut child = command(data.path())
            .args(&settings.flags)
            .envs(settings.environment)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("log file"))
            .stderr(log)
            .process_group(0)
            .spawn()
            .expect("the server's binary starts");
        let guard = guard(child.id(), data.path());
        let started = Instant::now();
        let (listen, credentials) = loop {
            let ended = child.try_wait().expect("own child");
            if ended.is_some() || started.elapsed() > READY {
                let log = fs::read_to_string(data.path().join("test.log")).unwrap_or_default();
                panic!("the server did not become ready ({ended:?}); its log:\n{log}");
            }
            if let Some(found) = ready(&listen_file) {
                break found;
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        Self {
            child,
            guard,
            data,
            listen,
            credentials,
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A client with the root credential.
    pub fn client(&self) -> Client {
        Client::new(
            self.listen.api.clone(),
            self.listen.gateway.clone(),
            self.credentials.clone(),
        )
    }

    /// True when it says so itself.
    pub fn is_ready(&self) -> bool {
        self.client().get("/readyz").is_ok_and(|answer| answer.status == 200)
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.data.path().join("test.log")).unwrap_or_default()
    }

    /// Has it read again what it reads while it runs.
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Asks it to stop: SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        eventually(STOPPED, "the server to end", || {
            self.child.try_wait().expect("own child")
        })
    }

    /// Kills it on the spot and gives its data to a successor.
    pub fn kill(mut self) -> Arc<TempDir> {
        self.signal(Signal::KILL);
        self.wait();
        Arc::clone(&self.data)
    }

    /// Stops it in order and gives its data to a successor.
    pub fn stop(mut self) -> (ExitStatus, Arc<TempDir>) {
        self.terminate();
        (self.wait(), Arc::clone(&self.data))
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .expect("a process id");
        // It may have ended by itself: then there is nobody to tell.
        let _ = kill_process(pid, signal);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.terminate();
            let deadline = Instant::now() + STOPPED;
            while matches!(self.child.try_wait(), Ok(None)) {
                if Instant::now() > deadline {
                    self.signal(Signal::KILL);
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        let (guard, stdin) = &mut self.guard;
        drop(std::io::Write::write_all(stdin, b"stopped\n"));
        drop(guard.wait());
    }
}

/// Calls `probe` until it has an answer, at most this long.
pub fn eventually<T>(bound: Duration, what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(started.elapsed() < bound, "waited {bound:?} for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The repository's folder.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

/// The server's binary: `SKIFF_BIN`, or the one built beside this test.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("SKIFF_BIN") {
        return path.into();
    }
    let own = std::env::current_exe().expect("own path");
    let folder = own.parent().and_then(Path::parent).expect("target/PROFILE/deps");
    let binary = folder.join("skiff");
    assert!(
        binary.exists(),
        "{} is not built: run `./skiffw test`, or `cargo build -p skiff` first",
        binary.display()
    );
    binary
}

/// `skiff serve` on this data with ports of the kernel's choice, without the caller's settings.
pub(crate) fn command(data: &Path) -> Command {
    let mut command = Command::new(binary());
    command.arg("serve").arg("--data-dir").arg(data);
    for flag in ["--api-listen", "--gateway-listen"] {
        command.args([flag, "127.0.0.1:0"]);
    }
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SKIFF_")) {
        command.env_remove(name);
    }
    command
}

fn fresh_folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("skiff-test-")
        .tempdir()
        .expect("a folder for the data")
}

fn ready(listen_file: &Path) -> Option<(Listen, Credentials)> {
    let listen: Listen = read_json(listen_file)?;
    let credentials: Credentials = read_json(&listen_file.with_file_name("credentials.json"))?;
    let client = Client::new(listen.api.clone(), listen.gateway.clone(), credentials.clone());
    let answer = client.get("/readyz").ok()?;
    (answer.status == 200).then_some((listen, credentials))
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    let mut text = String::new();
    File::open(path).ok()?.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// A shell that waits for the end of this process, however it comes, and then stops the server and removes its data.
fn guard(server: u32, data: &Path) -> (Child, ChildStdin) {
    const SCRIPT: &str = r#"
        read -r done && exit 0
        kill -TERM "$1" 2>/dev/null
        for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do kill -0 "$1" 2>/dev/null || break; sleep 1; done
        kill -KILL "$1" 2>/dev/null
        rm -rf "$2"
    "#;
    let mut guard = Command::new("/bin/sh")
        .args(["-c", SCRIPT, "guard", &server.to_string()])
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a shell");
    let stdin = guard.stdin.take().expect("its input is a pipe");
    (guard, stdin)
}
