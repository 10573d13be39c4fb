//! `skiff account …`.

mod limit;
mod show;

use crate::client::Client;
use crate::console::Console;
use crate::error::CliError;

/// Commands on the account.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show what the account has and may have
    Show(show::Args),
    /// Set what all functions together may run at once
    Limit(limit::Args),
}

impl Command {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        match self {
            Self::Show(args) => args.run(client, console),
            Self::Limit(args) => args.run(client, console),
        }
    }
}

#[cfg(test)]
mod tests;
