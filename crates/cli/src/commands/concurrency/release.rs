//! `skiff concurrency release`.

use serde_json::json;

use crate::client::Client;
use crate::commands::InNamespace;
use crate::console::Console;
use crate::error::CliError;

/// Arguments of `skiff concurrency release`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The functions
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    namespace: InNamespace,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        for name in &self.names {
            let mut params = json!({"FunctionName": name});
            self.namespace.add_to(&mut params);
            client.call("DeleteReservedConcurrencyConfig", &params)?;
            let done = json!({"name": name, "namespace": self.namespace.shown(), "action": "released"});
            console.done(&done, format_args!("nothing is reserved for {name}"))?;
        }
        Ok(())
    }
}
