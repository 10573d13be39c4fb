//! `skiff runtime …`: what asks a server goes to the client; what changes the data dir is done here, by the operator.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::{Value, json};
use skiff_cli::{Exit, Format, Global, Runtime, nearest};
use skiff_domain::RuntimeName;
use skiff_installer::{Source, add, remove};
use skiff_runtimes::Manifest;

use crate::data_dir::DataDir;
use crate::tasks::TASKS;

/// How long a server may take to see what was changed.
const SEEN_MAX: Duration = Duration::from_secs(15);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Commands on runtimes.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Client(skiff_cli::RuntimeCommand),
    /// Install a runtime into the server's data folder; as root, on the server's machine
    Add {
        /// The name functions are created with, e.g. Nodejs18.15
        #[arg(value_parser = named)]
        name: RuntimeName,
        /// npm:VERSION, dir:PATH, debian:SUITE or oci:IMAGE [default: where the runtime is usually had from]
        #[arg(long, value_name = "SOURCE")]
        from: Option<Source>,
    },
    /// Remove an installed runtime from the server's data folder; as root, on the server's machine
    #[command(visible_alias = "rm")]
    Remove {
        /// Its name
        #[arg(value_parser = named)]
        name: RuntimeName,
    },
}

/// A runtime by its name, or by what it is usually called the name that was meant.
fn named(text: &str) -> Result<RuntimeName, String> {
    text.parse().map_err(|error| {
        let lower = text.to_lowercase();
        let given = match lower.strip_prefix("node") {
            Some(version) if !version.starts_with("js") => format!("nodejs{version}"),
            _ => lower,
        };
        let names: Vec<_> = RuntimeName::all().collect();
        let mut names = names.iter().map(RuntimeName::as_str);
        let begun = names.clone().filter(|name| name.to_lowercase().starts_with(&given));
        // A version that is only begun is no slip of another.
        let begun = begun.take(usize::from(given.len() > 2)).next();
        let near = begun.or_else(|| nearest(&given, &mut names));
        near.map_or_else(|| format!("{error}"), |near| format!("{error}: did you mean {near}?"))
    })
}

/// Why a runtime was not added or removed, in words for the operator.
struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    fn of(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }
}

/// What a running server made of a change.
enum Server {
    NotRunning,
    Follows,
    Told(i32),
}

pub(crate) fn run(global: &Global, command: &Command) -> ExitCode {
    let result = match command {
        Command::Client(command) => return skiff_cli::run_runtime(global, command, || stopped(global)),
        Command::Add { name, from } => install(global, name, from.clone()),
        Command::Remove { name } => uninstall(global, name),
    };
    match result {
        Ok(()) => Exit::Ok.into(),
        Err(Failure { exit, message }) => {
            match global.output {
                Format::Table => eprintln!("error: {message}"),
                Format::Json => eprintln!("{}", json!({"error": {"code": "Runtime", "message": message}})),
            }
            exit.into()
        }
    }
}

fn install(global: &Global, name: &RuntimeName, source: Option<Source>) -> Result<(), Failure> {
    let data_dir = data_dir(global)?;
    let say = |what: &str| {
        if global.output == Format::Table {
            eprintln!("{what}");
        }
    };
    DataDir::prepare(&data_dir).map_err(|error| Failure::of(Exit::Refused, error.to_string()))?;
    let added = add(&data_dir, name, source, &say).map_err(|error| Failure::of(Exit::Refused, error.to_string()))?;
    let (record, place) = (&added.record, added.place.display());
    let server = tell(global, &data_dir, |runtimes| {
        let mut runtimes = runtimes.iter();
        runtimes.any(|known| known.name == name.as_str() && known.source == record.source)
    })?;
    match global.output {
        Format::Table => println!(
            "{name} ({}, {} MB) is installed in {place}{}",
            record.source,
            record.bytes.div_ceil(1_000_000),
            shown(&server)
        ),
        Format::Json => println!(
            "{}",
            json!({
                "name": name, "source": record.source, "version": record.version, "bytes": record.bytes,
                "path": place.to_string(), "server": word(&server),
            })
        ),
    }
    Ok(())
}

fn uninstall(global: &Global, name: &RuntimeName) -> Result<(), Failure> {
    let data_dir = data_dir(global)?;
    remove(&data_dir, name).map_err(|error| Failure::of(Exit::Refused, error.to_string()))?;
    // The host may have one of the same name.
    let server = tell(global, &data_dir, |runtimes| {
        let mut runtimes = runtimes.iter();
        !runtimes.any(|known| known.name == name.as_str() && !known.source.starts_with("host:"))
    })?;
    match global.output {
        Format::Table => println!("{name} is removed{}", shown(&server)),
        Format::Json => println!("{}", json!({"name": name, "server": word(&server)})),
    }
    Ok(())
}

fn shown(server: &Server) -> String {
    match server {
        Server::NotRunning => "; no server is running there".to_owned(),
        Server::Follows => "; the running server follows".to_owned(),
        Server::Told(pid) => format!("; the running server (process {pid}) was told, see its log"),
    }
}

fn word(server: &Server) -> &'static str {
    match server {
        Server::NotRunning => "not running",
        Server::Follows => "follows",
        Server::Told(_) => "told",
    }
}

/// The data dir of a server. One that was not named and is not there is not made: the server's may be elsewhere.
fn data_dir(global: &Global) -> Result<PathBuf, Failure> {
    // The server trusts what is in there, and functions run it.
    if !geteuid().is_root() {
        return Err(Failure::of(
            Exit::Usage,
            "run this as root: it changes what the server runs",
        ));
    }
    match &global.data_dir {
        Some(path) => std::path::absolute(path).map_err(|error| Failure::of(Exit::Usage, error.to_string())),
        None => {
            let usual = skiff_cli::default_data_dir();
            if usual.is_dir() {
                Ok(usual)
            } else {
                let text = format!("{} is not there: give the server's --data-dir", usual.display());
                Err(Failure::of(Exit::Usage, text))
            }
        }
    }
}

/// What a server on this data dir would have, where none runs.
fn stopped(global: &Global) -> Option<Vec<Value>> {
    let data_dir = global.data_dir.clone().unwrap_or_else(skiff_cli::default_data_dir);
    if global.endpoint.is_some() || DataDir::holder(&data_dir).is_some() {
        return None;
    }
    // Who may not read it is told of the server that is not there.
    std::fs::read_dir(&data_dir).ok()?;
    let (mut manifests, _) = skiff_runtimes::available(&data_dir, TASKS).ok()?;
    manifests.sort_by(|a, b| a.name.cmp(&b.name));
    let shown = |manifest: Manifest| json!({"name": manifest.name, "source": manifest.source, "bytes": manifest.bytes, "ready": 0, "reason": "no server runs", "fails": false});
    Some(manifests.into_iter().map(shown).collect())
}

/// Tells the server of this data dir, if one runs, and waits until it has followed.
fn tell(global: &Global, data_dir: &Path, followed: impl Fn(&[Runtime]) -> bool) -> Result<Server, Failure> {
    let Some(holder) = DataDir::holder(data_dir) else {
        return Ok(Server::NotRunning);
    };
    let pid = Pid::from_raw(holder).ok_or_else(|| Failure::of(Exit::Unreachable, "the server's process is unknown"))?;
    kill_process(pid, Signal::HUP).map_err(|error| {
        let text = format!("the change is made, but the running server (process {holder}) could not be told: {error}");
        Failure::of(Exit::Unreachable, text)
    })?;
    let client = Global {
        endpoint: None,
        data_dir: Some(data_dir.to_owned()),
        ..global.clone()
    };
    let started = Instant::now();
    while started.elapsed() < SEEN_MAX {
        match skiff_cli::runtimes(&client) {
            Ok(runtimes) if followed(&runtimes) => return Ok(Server::Follows),
            // No credential of this server is known here: its log tells.
            Err(error) if error.exit() == Exit::Usage => break,
            // It may still be starting, and reads its runtimes then.
            _ => thread::sleep(LOOK),
        }
    }
    Ok(Server::Told(holder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_none_is_answered_with_the_one_that_was_meant() {
        for (given, meant) in [
            ("Php8", Some("Php8.0")),
            ("Node18", Some("Nodejs18.15")),
            ("nodejs18", Some("Nodejs18.15")),
            ("Pyton3.11", Some("Python3.11")),
            ("Cobol85", None),
        ] {
            let error = named(given).expect_err(given);
            let expected = meant.map(|meant| format!("did you mean {meant}?"));
            assert!(
                expected.as_ref().is_none_or(|expected| error.ends_with(expected)),
                "{error}"
            );
            assert_eq!(error.contains("did you mean"), expected.is_some(), "{error}");
        }
        assert_eq!(named("go1").expect("known").as_str(), "Go1");
    }
}
