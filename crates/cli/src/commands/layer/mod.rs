//! `skiff layer …`.

mod delete;
mod list;
mod publish;
mod show;
mod versions;

use serde_json::Value;

use crate::client::Client;
use crate::console::{Console, text};
use crate::error::CliError;

/// Commands on layers: packages that functions share.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List layers, each with its newest version
    #[command(visible_alias = "ls")]
    List(list::Args),
    /// List the versions of a layer
    Versions(versions::Args),
    /// Show a version of a layer, and where its content can be had
    Show(show::Args),
    /// Publish a folder or zip as the next version of a layer
    Publish(publish::Args),
    /// Delete versions of layers; functions that have them keep them
    #[command(visible_alias = "rm")]
    Delete(delete::Args),
}

impl Command {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        match self {
            Self::List(args) => args.run(client, console),
            Self::Versions(args) => args.run(client, console),
            Self::Show(args) => args.run(client, console),
            Self::Publish(args) => args.run(client, console),
            Self::Delete(args) => args.run(client, console),
        }
    }
}

const HEADER: [&str; 5] = ["LAYER", "VERSION", "RUNTIMES", "PUBLISHED", "DESCRIPTION"];
const SPARE: [&str; 2] = ["PUBLISHED", "DESCRIPTION"];

/// A layer's version as a row of a table.
fn row(layer: &Value) -> Vec<String> {
    let field = |name| text(layer, name);
    vec![
        field("LayerName"),
        field("LayerVersion"),
        runtimes(layer),
        field("AddTime"),
        field("Description"),
    ]
}

/// The runtimes it is for, on one line.
fn runtimes(layer: &Value) -> String {
    let names = layer["CompatibleRuntimes"].as_array().into_iter().flatten();
    names.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
