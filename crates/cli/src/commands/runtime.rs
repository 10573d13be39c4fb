//! `skiff runtime …`.

use serde_json::{Value, json};

use crate::client::Client;
use crate::console::{Console, text};
use crate::error::CliError;

/// Commands on runtimes.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List what `--runtime` and skiff.yaml may name on this server
    #[command(visible_alias = "ls")]
    List,
}

impl Command {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let Self::List = self;
        let status = client.get("/status.json")?;
        let names = status["runtimes"].as_array().into_iter().flatten();
        let runtimes: Vec<Value> = names.map(|name| json!({ "name": name })).collect();
        Ok(console.list(&runtimes, &["NAME"], &[], |runtime| vec![text(runtime, "name")])?)
    }
}
