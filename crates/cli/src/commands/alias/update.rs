//! `skiff alias update`: forward to a new version, or back to an old one.

use serde_json::{Value, json};

use super::leads_to;
use super::routing::RoutingFlags;
use crate::client::Client;
use crate::commands::InNamespace;
use crate::console::{Console, text};
use crate::error::CliError;

/// Arguments of `skiff alias update`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Forward, at first for a tenth of the calls, then for all, and back:\n\n\
    skiff alias update hello prod 1 --weight 2=0.1\n\
    skiff alias update hello prod 2\n\
    skiff alias update hello prod 1\n\n\
    What of --weight and --rule is not given is gone: the third line sends every call to version 1."
)]
pub struct Args {
    /// The function
    name: String,
    /// The alias
    alias: String,
    /// The version it leads to from now on: a number or $LATEST
    version: String,
    #[command(flatten)]
    namespace: InNamespace,
    #[command(flatten)]
    routing: RoutingFlags,
    /// What it is for [default: as before]
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let mut named = json!({"FunctionName": self.name, "Name": self.alias});
        self.namespace.add_to(&mut named);
        let before = client.call("GetAlias", &named)?;
        let mut params = named;
        params["FunctionVersion"] = json!(self.version);
        self.routing.add_to(&mut params)?;
        if let Some(description) = &self.description {
            params["Description"] = json!(description);
        }
        client.call("UpdateAlias", &params)?;
        let was = text(&before, "FunctionVersion");
        let done: Value = json!({
            "name": self.name, "namespace": self.namespace.shown(), "alias": self.alias, "version": self.version,
            "before": was, "action": "updated",
        });
        Ok(console.done(
            &done,
            format_args!(
                "alias {} of {} leads to version {} (before: {})",
                self.alias,
                self.name,
                leads_to(&self.version, &params),
                leads_to(&was, &before)
            ),
        )?)
    }
}
