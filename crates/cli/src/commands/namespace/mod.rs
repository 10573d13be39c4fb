//! `skiff namespace …`.

mod create;
mod delete;
mod list;

use crate::client::Client;
use crate::console::Console;
use crate::error::CliError;

/// Commands on namespaces.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the namespaces
    #[command(visible_alias = "ls")]
    List(list::Args),
    /// Create a namespace
    Create(create::Args),
    /// Delete an empty namespace
    #[command(visible_alias = "rm")]
    Delete(delete::Args),
}

impl Command {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        match self {
            Self::List(args) => args.run(client, console),
            Self::Create(args) => args.run(client, console),
            Self::Delete(args) => args.run(client, console),
        }
    }
}
