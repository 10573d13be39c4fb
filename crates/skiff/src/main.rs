//! The binary: reads configuration, builds, wires, drains; and hands every other command to the client.
#![forbid(unsafe_code)]

mod config;
mod data_dir;
mod doctor;
mod runtime;
mod serve;
mod tasks;

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use skiff_cli::Exit;

use crate::config::{Config, ServeArgs};

/// The name of the entry point that becomes a runtime's zygote. Only `skiff serve` calls it.
pub(crate) const ZYGOTE: &str = "zygote";
/// What a server answers to a wrong setting: `EX_USAGE` of sysexits.h.
const EXIT_USAGE: u8 = 64;

/// An open implementation of Tencent Cloud SCF: functions, isolated and fast, on your own machine
#[derive(Debug, Parser)]
#[command(name = "skiff", version, max_term_width = 100, arg_required_else_help = true)]
struct Arguments {
    #[command(flatten)]
    global: skiff_cli::Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(ServeArgs),
    /// What this host can and cannot isolate, each with the mend
    Doctor,
    /// List, install and remove the runtimes functions can be written for
    #[command(subcommand)]
    Runtime(runtime::Command),
    #[command(flatten)]
    Client(skiff_cli::Command),
}

fn main() -> ExitCode {
    // First of all, while there is one thread: a zygote forks.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == ZYGOTE) {
        return skiff_sandbox::zygote_main(tasks::wait).into();
    }
    let matches = match Arguments::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return explain(&error),
    };
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => return explain(&error),
    };
    match &arguments.command {
        Command::Serve(_) => run_server(&matches),
        Command::Doctor => doctor::run(&arguments.global),
        Command::Runtime(command) => runtime::run(&arguments.global, command),
        Command::Client(command) => skiff_cli::run(&arguments.global, command, Arguments::command),
    }
}

/// Shows help, the version, or what is wrong with the command line.
fn explain(error: &clap::Error) -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let exit = skiff_cli::explain(error, &arguments);
    let command = arguments.iter().skip(1).find_map(|argument| {
        let word = argument.to_str()?;
        (!word.starts_with('-')).then_some(word)
    });
    match (exit, command) {
        (Exit::Usage, Some("serve")) => ExitCode::from(EXIT_USAGE),
        _ => exit.into(),
    }
}

fn run_server(matches: &ArgMatches) -> ExitCode {
    let refuse = |reason: &dyn std::fmt::Display| {
        eprintln!("skiff serve: {reason}");
        ExitCode::from(EXIT_USAGE)
    };
    let Some((_, serve)) = matches.subcommand() else {
        return ExitCode::from(EXIT_USAGE);
    };
    // Flags of a client that a server has no use for are not taken and dropped.
    for name in ["endpoint", "output"] {
        if serve.value_source(name) == Some(clap::parser::ValueSource::CommandLine) {
            return refuse(&format!(
                "--{name} is for the commands that speak to a server: leave it out"
            ));
        }
    }
    let config = match Config::read(serve) {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    match serve::run(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, causes and all: it ends a log.
            eprintln!("skiff serve: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn flags_of_every_command_go_before_or_after_its_name() {
        for line in [
            "skiff --output json function list --endpoint http://x",
            "skiff function --endpoint http://x list --output json",
            "skiff function list --endpoint http://x -o json",
        ] {
            let arguments = Arguments::try_parse_from(line.split(' ')).expect(line);
            assert_eq!(arguments.global.endpoint.as_deref(), Some("http://x"), "{line}");
            assert_eq!(arguments.global.output, skiff_cli::Format::Json, "{line}");
        }
    }
}
