//! `skiff alias delete`.

use serde_json::json;

use crate::client::Client;
use crate::commands::InNamespace;
use crate::console::Console;
use crate::error::CliError;

/// Arguments of `skiff alias delete`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The function
    name: String,
    /// The aliases
    #[arg(required = true, value_name = "ALIAS")]
    aliases: Vec<String>,
    #[command(flatten)]
    namespace: InNamespace,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        for alias in &self.aliases {
            let mut params = json!({"FunctionName": self.name, "Name": alias});
            self.namespace.add_to(&mut params);
            client.call("DeleteAlias", &params)?;
            let done = json!({
                "name": self.name, "namespace": self.namespace.shown(), "alias": alias, "action": "deleted",
            });
            console.done(&done, format_args!("alias {alias} of {} deleted", self.name))?;
        }
        Ok(())
    }
}
