//! One command, one file.

mod account;
mod activation;
mod alias;
mod completion;
mod concurrency;
mod deploy;
mod function;
mod invoke;
mod layer;
mod logs;
mod namespace;
pub(crate) mod runtime;
mod top;
mod version;

use crate::connection::Global;
use crate::console::Console;
use crate::error::CliError;

/// The commands of a client.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Deploy the function or functions of a folder with a skiff.yaml
    Deploy(deploy::Args),
    /// Call a function and print what it returns
    Invoke(invoke::Args),
    /// Print what a function's calls wrote
    Logs(logs::Args),
    /// List, show, create, update, delete and copy functions
    #[command(subcommand)]
    Function(function::Command),
    /// List, publish and delete versions of a function
    #[command(subcommand)]
    Version(version::Command),
    /// List, show, create, update and delete aliases of versions
    #[command(subcommand)]
    Alias(alias::Command),
    /// List, show, publish and delete layers: packages that functions share
    #[command(subcommand)]
    Layer(layer::Command),
    /// Show and set how much of a function may run at once
    #[command(subcommand)]
    Concurrency(concurrency::Command),
    /// Show what the account has and may have, and limit it
    #[command(subcommand)]
    Account(account::Command),
    /// List, create and delete namespaces
    #[command(subcommand)]
    Namespace(namespace::Command),
    /// Watch what is running: a live table of functions and instances
    Top(top::Args),
    /// Print a completion script for a shell
    Completion(completion::Args),
}

impl Command {
    /// Runs it. `root` is the whole command line.
    pub(crate) fn run(
        &self,
        global: &Global,
        console: &mut Console,
        root: impl FnOnce() -> clap::Command,
    ) -> Result<(), CliError> {
        // Completion describes this program and needs no server.
        if let Self::Completion(args) = self {
            return args.run(console, root());
        }
        let client = global.client()?;
        match self {
            Self::Deploy(args) => args.run(&client, console),
            Self::Invoke(args) => args.run(&client, console),
            Self::Logs(args) => args.run(&client, console),
            Self::Function(command) => command.run(&client, console),
            Self::Version(command) => command.run(&client, console),
            Self::Alias(command) => command.run(&client, console),
            Self::Layer(command) => command.run(&client, console),
            Self::Concurrency(command) => command.run(&client, console),
            Self::Account(command) => command.run(&client, console),
            Self::Namespace(command) => command.run(&client, console),
            Self::Top(args) => args.run(&client, console),
            Self::Completion(_) => Ok(()),
        }
    }
}

/// The namespace a command works in.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct InNamespace {
    /// Namespace of the function [default: default]
    #[arg(long, short, value_name = "NAME")]
    namespace: Option<String>,
}

impl InNamespace {
    /// Says the namespace to the server, if one was given.
    fn add_to(&self, params: &mut serde_json::Value) {
        if let Some(namespace) = &self.namespace {
            params["Namespace"] = serde_json::json!(namespace);
        }
    }

    /// The namespace for people.
    fn shown(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }
}

#[cfg(test)]
mod tests;
