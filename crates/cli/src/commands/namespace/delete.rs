//! `skiff namespace delete`.

use serde_json::json;

use crate::client::Client;
use crate::console::Console;
use crate::error::CliError;

/// Arguments of `skiff namespace delete`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Its name
    name: String,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        client.call("DeleteNamespace", &json!({"Namespace": self.name}))?;
        let done = json!({"namespace": self.name, "action": "deleted"});
        Ok(console.done(&done, format_args!("namespace {} deleted", self.name))?)
    }
}
