//! `skiff concurrency provision`.

use serde_json::{Value, json};

use crate::client::Client;
use crate::commands::InNamespace;
use crate::console::Console;
use crate::error::CliError;

/// Arguments of `skiff concurrency provision`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The function
    name: String,
    /// The number of a published version
    version: String,
    /// How many instances are kept ready; with --track, to begin with
    instances: u32,
    #[command(flatten)]
    namespace: InNamespace,
    /// Another number from some times on, e.g. 'morning=5@0 0 8 * * * *'; give the flag once for each
    #[arg(long = "at", value_name = "NAME=NUMBER@CRON", conflicts_with = "track")]
    actions: Vec<String>,
    /// Follow demand: as many as it takes for this part of them to be in use, e.g. 0.7
    #[arg(long, value_name = "PART", requires = "min", requires = "max")]
    track: Option<f64>,
    /// With --track: how many there are at least
    #[arg(long, value_name = "NUMBER", requires = "track")]
    min: Option<u32>,
    /// With --track: how many there are at most
    #[arg(long, value_name = "NUMBER", requires = "track")]
    max: Option<u32>,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let mut params = json!({
            "FunctionName": self.name, "Qualifier": self.version, "VersionProvisionedConcurrencyNum": self.instances,
        });
        self.namespace.add_to(&mut params);
        if !self.actions.is_empty() {
            let actions: Vec<Value> = self.actions.iter().map(|text| action(text)).collect::<Result<_, _>>()?;
            params["TriggerActions"] = json!(actions);
        }
        if let Some(part) = self.track {
            params["ProvisionedType"] = json!("ConcurrencyUtilizationTracking");
            params["TrackingTarget"] = json!(part);
            params["MinCapacity"] = json!(self.min);
            params["MaxCapacity"] = json!(self.max);
        }
        client.call("PutProvisionedConcurrencyConfig", &params)?;
        let done = json!({
            "name": self.name, "namespace": self.namespace.shown(), "version": self.version,
            "instances": self.instances, "action": "provisioned",
        });
        let (name, version, instances) = (&self.name, &self.version, self.instances);
        let what = if self.track.is_some() {
            format!("instances of version {version} of {name} follow demand, from {instances} on")
        } else {
            format!("{instances} instances of version {version} of {name} are kept ready")
        };
        Ok(console.done(&done, what)?)
    }
}

/// `NAME=NUMBER@CRON`.
fn action(text: &str) -> Result<Value, CliError> {
    let invalid = || CliError::argument("--at", text, "give NAME=NUMBER@CRON, e.g. 'morning=5@0 0 8 * * * *'");
    let (name, rest) = text.split_once('=').ok_or_else(invalid)?;
    let (number, cron) = rest.split_once('@').ok_or_else(invalid)?;
    let number: u32 = number.trim().parse().map_err(|_| invalid())?;
    Ok(json!({
        "TriggerName": name.trim(), "TriggerProvisionedConcurrencyNum": number, "TriggerCronConfig": cron.trim(),
        "ProvisionedType": "Default",
    }))
}
