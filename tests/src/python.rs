//! The official Python SDK, as PyPI has it: the scenarios of `tests/python`, each a function of a script.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use crate::{Server, repository};

static PYTHON: LazyLock<PathBuf> = LazyLock::new(python);

/// The interpreter that has the SDK. `./skiffw test` makes it; whoever runs the tests alone gets it here.
fn python() -> PathBuf {
    let requirements = repository().join("tests/python/requirements.txt");
    let environment = repository().join("target/.venv");
    let stamp = environment.join("requirements.txt");
    if fs::read(&stamp).ok() != fs::read(&requirements).ok() {
        let run = |command: &mut Command| assert!(command.status().expect("it starts").success(), "{command:?}");
        run(Command::new("/usr/bin/python3")
            .args(["-m", "venv", "--clear"])
            .arg(&environment));
        let pip = environment.join("bin/pip");
        run(Command::new(pip)
            .args(["install", "-q", "--disable-pip-version-check", "-r"])
            .arg(&requirements));
        fs::copy(&requirements, &stamp).expect("a stamp");
    }
    environment.join("bin/python")
}

/// A `pip` of that environment.
pub fn pip() -> Command {
    let mut pip = Command::new(&*PYTHON);
    pip.args(["-m", "pip"]);
    pip
}

/// Runs a scenario of a script of `tests/python` against a server. Panics with what it said when it fails.
#[track_caller]
pub fn python_sdk(server: &Server, script: &str, scenario: &str) {
    let credentials = &server.credentials;
    let output = Command::new(&*PYTHON)
        .arg(repository().join("tests/python").join(script))
        .args([
            scenario,
            &server.listen.api,
            &credentials.secret_id,
            &credentials.secret_key,
            &server.listen.gateway,
        ])
        .env("PYTHONDONTWRITEBYTECODE", "x")
        .output()
        .expect("Python");
    assert!(
        output.status.success(),
        "{scenario}:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
