//! (i) The same as (a) for code that takes long to import: initialised once and kept, against anew for each instance.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::Bench;
use crate::clock::{monotonic_ns, ms, ms_between};
use crate::http::Connection;
use crate::peers::interpreter;
use crate::report::{Section, Table, Target, Unit, Whose};
use crate::server::{Server, creation};

use super::cold::CALM;

/// Says when its first statement ran, and what tells initialisations apart; ends its instance when it is told to.
const CODE: &str = "\
import os
import time
import uuid

import numpy

born = uuid.uuid4().hex


def main_handler(event, context):
    now = time.monotonic_ns()
    if event:
        os._exit(0)
    return [now, born]
";
/// How long an instance may take to be kept.
const KEPT_MAX: Duration = Duration::from_secs(60);
const KEPT: &str = "initialised once: request to first handler statement";

/// A function whose every call finds no instance.
struct Caller<'a> {
    server: &'a Server,
    connection: Connection,
    call: Vec<u8>,
    end: Vec<u8>,
    statement: Vec<f64>,
    response: Vec<f64>,
}

impl<'a> Caller<'a> {
    fn new(server: &'a Server, name: &str, switch: &str, package: &[u8]) -> Result<Self> {
        let mut creation = creation(name, package);
        creation["MemorySize"] = json!(512);
        creation["Environment"] = json!({"Variables": [{"Key": "SKIFF_SNAPSHOT", "Value": switch}]});
        server.act("CreateFunction", &creation)?;
        Ok(Self {
            server,
            connection: Connection::open(server.gateway())?,
            call: server.invocation(name, "{}"),
            end: server.invocation(name, "{\"end\": true}"),
            statement: Vec::new(),
            response: Vec::new(),
        })
    }

    /// Which initialisation the new instance is of.
    fn cold_call(&mut self) -> Result<String> {
        let sent = monotonic_ns();
        let answer = self.connection.call(&self.call)?;
        let answered = monotonic_ns();
        let (stated, born): (i64, String) = serde_json::from_slice(answer.ok()?).context("understand the handler")?;
        if !(sent..=answered).contains(&stated) {
            bail!("the handler's clock is not the client's");
        }
        self.statement.push(ms_between(sent, stated));
        self.response.push(ms_between(sent, answered));
        // What it answers is that the function has ended.
        self.connection.call(&self.end)?;
        self.server.rest()?;
        thread::sleep(CALM);
        Ok(born)
    }

    /// Calls until instances go on from what was kept.
    fn wait_until_kept(&mut self) -> Result<()> {
        let deadline = Instant::now() + KEPT_MAX;
        let mut last = self.cold_call()?;
        loop {
            let next = self.cold_call()?;
            if std::mem::replace(&mut last, next) == last {
                break;
            }
            if Instant::now() > deadline {
                bail!("no instance was kept");
            }
        }
        self.statement.clear();
        self.response.clear();
        Ok(())
    }
}

pub(crate) fn measure(bench: &Bench, section: &mut Section) -> Result<()> {
    let python = bench.venv.join("bin/python3");
    let package = package(&site_packages(&bench.venv)?)?;
    let server = Server::start(bench)?;
    let mut kept = Caller::new(&server, "kept", "on", &package)?;
    let mut anew = Caller::new(&server, "anew", "off", &package)?;
    kept.wait_until_kept()?;
    let (mut bare, mut born) = (Vec::new(), None);
    for _ in 0..bench.samples(100, 10) {
        let of = kept.cold_call()?;
        if born.replace(of.clone()).is_some_and(|before| before != of) {
            bail!("what was kept was replaced meanwhile");
        }
        anew.cold_call()?;
        bare.push(ms(interpreter::program(&python, &["-I", "-c", "import numpy"])?));
    }
    let mut table = Table::new("cold start, Python with numpy", Unit::Milliseconds);
    table.add(Whose::Ours, KEPT, &kept.statement);
    table.add(Whose::Ours, "initialised once: request to response", &kept.response);
    table.add(
        Whose::Ours,
        "initialised anew: request to first handler statement",
        &anew.statement,
    );
    table.add(Whose::Theirs, "python3 -I -c 'import numpy'", &bare);
    let table = table.compared();
    let ours = table.median(KEPT).unwrap_or(f64::NAN);
    section.targets = vec![Target::below(
        "numpy, initialised once, to first handler statement, median",
        ours,
        3.0,
        "ms",
    )];
    section.tables.push(table);
    section.how = vec![
        "Two functions that import numpy, one with SKIFF_SNAPSHOT=on; pool hit, as in (a). After each call the instance is \
         ended."
            .to_owned(),
        "The bare interpreter is the same Python, spawned and waited for.".to_owned(),
    ];
    Ok(())
}

/// Where that environment's packages are.
fn site_packages(venv: &Path) -> Result<PathBuf> {
    let folders = fs::read_dir(venv.join("lib")).with_context(|| format!("look into {}", venv.display()))?;
    let mut found = folders.flatten().map(|entry| entry.path().join("site-packages"));
    found
        .find(|folder| folder.join("numpy").is_dir())
        .with_context(|| format!("{} has no numpy: ./skiffw bench installs it", venv.display()))
}

/// The handler and numpy.
fn package(packages: &Path) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    zip.start_file("index.py", options)?;
    zip.write_all(CODE.as_bytes())?;
    let mut folders = vec![PathBuf::from("numpy"), PathBuf::from("numpy.libs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(packages.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if !entry.file_type()?.is_dir() {
                zip.start_file(path.to_string_lossy(), options)?;
                zip.write_all(&fs::read(entry.path())?)?;
            } else if entry.file_name() != "__pycache__" && entry.file_name() != "tests" {
                folders.push(path);
            }
        }
    }
    Ok(zip.finish()?.into_inner())
}
