//! `skiff concurrency unprovision`.

use serde_json::json;

use crate::client::Client;
use crate::commands::InNamespace;
use crate::console::Console;
use crate::error::CliError;

/// Arguments of `skiff concurrency unprovision`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The function
    name: String,
    /// Its versions
    #[arg(required = true, value_name = "VERSION")]
    versions: Vec<String>,
    #[command(flatten)]
    namespace: InNamespace,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        for version in &self.versions {
            let mut params = json!({"FunctionName": self.name, "Qualifier": version});
            self.namespace.add_to(&mut params);
            client.call("DeleteProvisionedConcurrencyConfig", &params)?;
            let done = json!({
                "name": self.name, "namespace": self.namespace.shown(), "version": version, "action": "unprovisioned",
            });
            let name = &self.name;
            console.done(
                &done,
                format_args!("no instances of version {version} of {name} are kept ready"),
            )?;
        }
        Ok(())
    }
}
