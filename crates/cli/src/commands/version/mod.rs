//! `skiff version …`.

mod delete;
mod list;
mod publish;

use crate::client::Client;
use crate::console::Console;
use crate::error::CliError;

/// Commands on the versions of a function.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List a function's versions
    #[command(visible_alias = "ls")]
    List(list::Args),
    /// Keep a function's code and settings as they are now under the next number
    Publish(publish::Args),
    /// Delete published versions
    #[command(visible_alias = "rm")]
    Delete(delete::Args),
}

impl Command {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        match self {
            Self::List(args) => args.run(client, console),
            Self::Publish(args) => args.run(client, console),
            Self::Delete(args) => args.run(client, console),
        }
    }
}

#[cfg(test)]
mod tests;
