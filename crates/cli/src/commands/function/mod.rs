//! `skiff function …`.

mod copy;
mod create;
mod delete;
mod export;
mod flags;
mod import;
mod list;
mod show;
mod update;

use crate::client::Client;
use crate::console::Console;
use crate::error::CliError;

/// Commands on functions.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the functions of a namespace, or of all
    #[command(visible_alias = "ls")]
    List(list::Args),
    /// Show a function's settings and state
    Show(show::Args),
    /// Create a function from a folder or a zip
    Create(create::Args),
    /// Change a function's code, settings or both
    Update(update::Args),
    /// Delete a function with everything of it
    #[command(visible_alias = "rm")]
    Delete(delete::Args),
    /// Copy a function under another name or into another namespace
    #[command(visible_alias = "cp")]
    Copy(copy::Args),
    /// Write a function with its versions, aliases and concurrency to one file
    Export(export::Args),
    /// Make a function from such a file
    Import(import::Args),
}

impl Command {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        match self {
            Self::List(args) => args.run(client, console),
            Self::Show(args) => args.run(client, console),
            Self::Create(args) => args.run(client, console),
            Self::Update(args) => args.run(client, console),
            Self::Delete(args) => args.run(client, console),
            Self::Copy(args) => args.run(client, console),
            Self::Export(args) => args.run(client, console),
            Self::Import(args) => args.run(client, console),
        }
    }
}
