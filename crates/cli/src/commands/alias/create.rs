//! `skiff alias create`.

use serde_json::json;

use super::leads_to;
use super::routing::RoutingFlags;
use crate::client::Client;
use crate::commands::InNamespace;
use crate::console::Console;
use crate::error::CliError;

/// Arguments of `skiff alias create`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The function
    name: String,
    /// The alias
    alias: String,
    /// The version it leads to: a number or $LATEST
    version: String,
    #[command(flatten)]
    namespace: InNamespace,
    #[command(flatten)]
    routing: RoutingFlags,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let mut params = json!({"FunctionName": self.name, "Name": self.alias, "FunctionVersion": self.version});
        self.namespace.add_to(&mut params);
        self.routing.add_to(&mut params)?;
        if let Some(description) = &self.description {
            params["Description"] = json!(description);
        }
        client.call("CreateAlias", &params)?;
        let done = json!({
            "name": self.name, "namespace": self.namespace.shown(), "alias": self.alias, "version": self.version,
            "action": "created",
        });
        Ok(console.done(
            &done,
            format_args!(
                "alias {} of {} leads to version {}",
                self.alias,
                self.name,
                leads_to(&self.version, &params)
            ),
        )?)
    }
}
