//! The commands people type: a client of the public API, nothing more.
//!
//! Owns words, tables, files on the user's disk and exit codes. Invariant: nothing here knows how the server works; what
//! the API does not say, no command can show.
#![forbid(unsafe_code)]

mod build;
mod bundle;
mod client;
mod commands;
mod connection;
mod console;
mod error;
mod manifest;
mod package;
mod progress;
mod settings;
mod suggest;
#[cfg(test)]
mod testing;
mod usage;

use std::process::ExitCode;

pub use commands::Command;
pub use commands::runtime::Command as RuntimeCommand;
pub use connection::{Global, default_data_dir};
pub use console::Format;
pub use error::{CliError, Exit};
pub use suggest::nearest;
pub use usage::explain;

use crate::console::Console;

/// Runs one command and says how it ended: 0 fine, 1 the function failed, 2 usage, 3 the service refused, 4 cannot reach
/// it. `root` is the whole command line, which shell completion describes.
pub fn run(global: &Global, command: &Command, root: impl FnOnce() -> clap::Command) -> ExitCode {
    let mut console = Console::standard(global.output);
    let result = command
        .run(global, &mut console, root)
        .and_then(|()| Ok(console.flush()?));
    finish(&mut console, result).into()
}

/// Runs a command on the runtimes of a server. `stopped` knows them where none runs: objects with `name`, `source` and
/// `bytes`.
pub fn run_runtime(
    global: &Global,
    command: &RuntimeCommand,
    stopped: impl FnOnce() -> Option<Vec<serde_json::Value>>,
) -> ExitCode {
    let mut console = Console::standard(global.output);
    let result = command
        .run(global, &mut console, stopped)
        .and_then(|()| Ok(console.flush()?));
    finish(&mut console, result).into()
}

/// A runtime of a server, as `skiff runtime list` shows it.
#[derive(Debug, Clone)]
pub struct Runtime {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub source: String,
    /// Why it does not come up, where it does not.
    pub failure: Option<String>,
}

/// Every runtime of a server.
pub fn runtimes(global: &Global) -> Result<Vec<Runtime>, CliError> {
    let runtimes = commands::runtime::of_the_server(&global.client()?)?;
    let runtime = |runtime: &serde_json::Value| Runtime {
        name: console::text(runtime, "name"),
        source: console::text(runtime, "source"),
        failure: (runtime["fails"] == true).then(|| console::text(runtime, "reason")),
    };
    Ok(runtimes.iter().map(runtime).collect())
}

/// Reports an error the way the output format asks for and names its exit code.
fn finish(console: &mut Console, result: Result<(), CliError>) -> Exit {
    match result {
        Ok(()) => Exit::Ok,
        Err(error) => {
            let exit = error.exit();
            console.error(&error);
            exit
        }
    }
}
