//! Google's functions-framework for Python, in its own production server (gunicorn with its own settings).

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::http::{self, Connection};
use crate::process::Process;

const READY_MAX: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(1);

/// The same function as ours.
const SOURCE: &str = "\
import functions_framework


@functions_framework.http
def hello(request):
    event = request.get_json()
    return {'message': 'Hello, ' + event['name'] + '!'}
";

#[derive(Debug)]
pub(crate) struct FunctionsFramework {
    pub(crate) address: SocketAddr,
    /// From its start to its first answer.
    pub(crate) start: Duration,
    _process: Process,
    _home: TempDir,
}

impl FunctionsFramework {
    /// Starts it out of the virtual environment that `./skiffw bench` makes.
    pub(crate) fn start(venv: &Path, event: &str) -> Result<Self> {
        let program = venv.join("bin/functions-framework");
        if !program.exists() {
            bail!(
                "{} is missing: `./skiffw bench` installs it, or name its folder with --venv",
                program.display()
            );
        }
        let home = tempfile::tempdir()?;
        let source = home.path().join("main.py");
        fs::write(&source, SOURCE)?;
        // A port that was free a moment ago: it takes no 0.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = fs::File::create(home.path().join("log"))?;
        let began = Instant::now();
        let child = Command::new(&program)
            .args(["--target", "hello", "--host", "127.0.0.1", "--source"])
            .arg(&source)
            .args(["--port", &address.port().to_string()])
            .env_remove("DEBUG")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let mut process = Process::new(child);
        let request = request(address, event);
        loop {
            let first = Connection::open(address).and_then(|mut connection| connection.call(&request)?.ok().map(drop));
            match first {
                Ok(()) => break,
                Err(error) if process.has_ended() || began.elapsed() > READY_MAX => {
                    let log = fs::read_to_string(home.path().join("log")).unwrap_or_default();
                    return Err(error.context(format!("functions-framework does not answer:\n{log}")));
                }
                Err(_) => thread::sleep(LOOK),
            }
        }
        Ok(Self {
            address,
            start: began.elapsed(),
            _process: process,
            _home: home,
        })
    }

    pub(crate) fn request(&self, event: &str) -> Vec<u8> {
        request(self.address, event)
    }
}

fn request(address: SocketAddr, event: &str) -> Vec<u8> {
    http::post(address, "/", &[("Content-Type", "application/json")], event.as_bytes())
}
