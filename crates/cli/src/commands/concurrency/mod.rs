//! `skiff concurrency …`.

mod provision;
mod release;
mod reserve;
mod show;
mod unprovision;

use crate::client::Client;
use crate::console::Console;
use crate::error::CliError;

/// Commands on how much of a function may run at once.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show what a function has of the account's concurrency
    Show(show::Args),
    /// Set concurrency apart for a function: its own, and its limit
    Reserve(reserve::Args),
    /// Set nothing apart for functions any more
    Release(release::Args),
    /// Keep instances of a published version ready
    Provision(provision::Args),
    /// Keep no instances of published versions ready any more
    Unprovision(unprovision::Args),
}

impl Command {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        match self {
            Self::Show(args) => args.run(client, console),
            Self::Reserve(args) => args.run(client, console),
            Self::Release(args) => args.run(client, console),
            Self::Provision(args) => args.run(client, console),
            Self::Unprovision(args) => args.run(client, console),
        }
    }
}

#[cfg(test)]
mod tests;
