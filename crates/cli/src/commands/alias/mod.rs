//! `skiff alias …`.

mod create;
mod delete;
mod list;
mod routing;
mod show;
mod update;

use serde_json::Value;

use crate::client::Client;
use crate::console::{Console, text};
use crate::error::CliError;

/// Commands on the aliases of a function.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List a function's aliases and where they lead
    #[command(visible_alias = "ls")]
    List(list::Args),
    /// Show an alias
    Show(show::Args),
    /// Give a version a name
    Create(create::Args),
    /// Lead an alias to another version: forward, or back
    Update(update::Args),
    /// Delete aliases; their versions stay
    #[command(visible_alias = "rm")]
    Delete(delete::Args),
}

impl Command {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        match self {
            Self::List(args) => args.run(client, console),
            Self::Show(args) => args.run(client, console),
            Self::Create(args) => args.run(client, console),
            Self::Update(args) => args.run(client, console),
            Self::Delete(args) => args.run(client, console),
        }
    }
}

/// Where an alias leads, for people: its version, and what goes elsewhere.
fn leads_to(version: &str, alias: &Value) -> String {
    let elsewhere = elsewhere(alias);
    let separator = if elsewhere.is_empty() { "" } else { ", " };
    format!("{version}{separator}{elsewhere}")
}

/// Where calls of an alias go that do not go to its main version, for people.
fn elsewhere(alias: &Value) -> String {
    let items = |field: &str| alias["RoutingConfig"][field].as_array().into_iter().flatten();
    let weights = items("AdditionalVersionWeights").map(|weight| {
        let share = weight["Weight"].as_f64().unwrap_or_default() * 100.0;
        // 0.29 is 28.999999999999996 %.
        let share = (share * 1e6).round() / 1e6;
        format!("{share}% to {}", text(weight, "Version"))
    });
    let rules = items("AddtionVersionMatchs").map(|rule| {
        let field = |name| text(rule, name);
        let name = field("Key");
        let name = name.strip_prefix(routing::KEY_PREFIX).unwrap_or(&name);
        let is = if field("Method") == "range" { " in " } else { "=" };
        format!("{name}{is}{} to {}", field("Expression"), field("Version"))
    });
    weights.chain(rules).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
