//! (g) The same as (a) for the runtimes that cannot be forked: each instance executes its interpreter, ahead of the call.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use skiff_runtimes::Installed;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::Bench;
use crate::clock::ms;
use crate::peers::interpreter;
use crate::report::{Section, Table, Target, Unit, Whose};
use crate::server::{Server, creation};

use super::cold::{Caller, FUNCTION};

/// Both read CLOCK_MONOTONIC, as the client does.
const NODE_CLOCK: &str = "exports.main_handler = async () => Number(process.hrtime.bigint());
exports.hold = async (seconds) => {
    const now = Number(process.hrtime.bigint());
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return now;
};
";
const JAVA_CLOCK: &str = "package example;

public class Clock {
    public long mainHandler() {
        return System.nanoTime();
    }

    public long hold(int seconds) throws InterruptedException {
        long now = System.nanoTime();
        Thread.sleep(seconds * 1000L);
        return now;
    }

    public static void main(String[] arguments) {
    }
}
";
/// Longer than a stem cell takes to boot and to warm itself.
const BOOT: Duration = Duration::from_millis(500);
const HIT_STATEMENT: &str = "pool hit: request to first handler statement";

/// A runtime, and what is compared.
pub(super) struct Language {
    pub(super) runtime: &'static str,
    handler: &'static str,
    /// The handler that keeps its instance for as many seconds as its event says, and an event.
    pub(super) holding: &'static str,
    pub(super) event: &'static str,
    /// The package: its files.
    files: Vec<(String, Vec<u8>)>,
    /// Where the interpreter is among the runtime's own files.
    program: &'static str,
    /// What the bare interpreter is to do: nothing.
    nothing: Vec<String>,
    target: &'static str,
    target_ms: f64,
}

impl Language {
    /// The parameters that create a function of it.
    pub(super) fn creation(&self, name: &str, handler: &str) -> Result<Value> {
        let mut creation = creation(name, &package(&self.files)?);
        for (name, value) in [
            ("Runtime", json!(self.runtime)),
            ("Handler", json!(handler)),
            ("MemorySize", json!(128)),
        ] {
            creation[name] = value;
        }
        Ok(creation)
    }
}

pub(crate) fn measure(bench: &Bench, section: &mut Section) -> Result<()> {
    let classes = tempfile::tempdir_in(&bench.scratch)?;
    let languages = [node(), java(classes.path())?];
    let runtimes: Vec<&str> = languages.iter().map(|language| language.runtime).collect();
    let server = Server::start_with_runtimes(bench, &runtimes)?;
    for language in languages {
        let program = program(&server, &language)?;
        let nothing: Vec<&str> = language.nothing.iter().map(String::as_str).collect();
        let mut caller = Caller::new(&server, &language.creation(FUNCTION, language.handler)?)?;
        let mut bare = Vec::new();
        for round in 1..=bench.samples(60, 6) {
            // What takes the place of the stem cell that was taken boots meanwhile.
            thread::sleep(BOOT);
            caller.cold_call(round)?;
            thread::sleep(BOOT);
            bare.push(ms(interpreter::program(&program, &nothing)?));
        }
        let mut table = Table::new(format!("cold start, {}", language.runtime), Unit::Milliseconds);
        let samples = caller.samples;
        table.add(Whose::Ours, HIT_STATEMENT, &samples.statement);
        table.add(Whose::Ours, "pool hit: request to response", &samples.response);
        table.add(
            Whose::Ours,
            "pool hit: start of the instance, seen by the server",
            &samples.start,
        );
        let does = nothing.last().copied().unwrap_or_default();
        table.add(
            Whose::Theirs,
            format!("the bare interpreter, doing nothing ({does})"),
            &bare,
        );
        let table = table.compared();
        let ours = table.median(HIT_STATEMENT).unwrap_or(f64::NAN);
        section
            .targets
            .push(Target::below(language.target, ours, language.target_ms, "ms"));
        section.tables.push(table);
        server.delete(FUNCTION)?;
    }
    section.how = vec![
        "As (a), with runtimes that `skiff runtime add` installs for it.".to_owned(),
        "The bare interpreter is the installed one, spawned and waited for; Java has its own defaults then.".to_owned(),
    ];
    Ok(())
}

pub(super) fn node() -> Language {
    Language {
        runtime: "Nodejs20.19",
        handler: "index.main_handler",
        holding: "index.hold",
        event: "15",
        files: vec![("index.js".to_owned(), NODE_CLOCK.as_bytes().to_vec())],
        program: "bin/node",
        nothing: vec!["-e".to_owned(), "0".to_owned()],
        target: "Nodejs20.19, pool hit, to first handler statement, median",
        target_ms: 1.5,
    }
}

/// Compiled with the JDK that Skiff itself is built with.
pub(super) fn java(folder: &Path) -> Result<Language> {
    let source = folder.join("Clock.java");
    fs::write(&source, JAVA_CLOCK)?;
    let mut javac = Command::new("javac");
    javac
        .args(["--release", "8", "-Xlint:-options", "-d"])
        .arg(folder)
        .arg(&source);
    let output = javac.output().context("start javac")?;
    if !output.status.success() {
        bail!("javac: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let class = "example/Clock.class";
    Ok(Language {
        runtime: "Java17",
        handler: "example.Clock::mainHandler",
        holding: "example.Clock::hold",
        event: "45",
        files: vec![(class.to_owned(), fs::read(folder.join(class))?)],
        program: "bin/java",
        nothing: vec![
            "-cp".to_owned(),
            folder.display().to_string(),
            "example.Clock".to_owned(),
        ],
        target: "Java17, pool hit, to first handler statement, median",
        target_ms: 2.5,
    })
}

fn package(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        zip.start_file(path, SimpleFileOptions::default())?;
        zip.write_all(content)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// The interpreter of an installed runtime, as this machine sees it.
fn program(server: &Server, language: &Language) -> Result<PathBuf> {
    let (manifests, _) = Installed::of(server.home()).read()?;
    let manifest = manifests
        .into_iter()
        .find(|manifest| manifest.name.as_str() == language.runtime);
    let manifest = manifest.with_context(|| format!("{} is not installed", language.runtime))?;
    let mut sources = manifest.template.binds.iter().map(|bind| &bind.source);
    let own = sources.find(|source| source.ends_with(language.program) || source.join(language.program).is_file());
    let own = own.with_context(|| format!("{} has no {}", language.runtime, language.program))?;
    Ok(if own.ends_with(language.program) {
        own.clone()
    } else {
        own.join(language.program)
    })
}
