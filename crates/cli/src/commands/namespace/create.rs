//! `skiff namespace create`.

use serde_json::json;

use crate::client::Client;
use crate::console::Console;
use crate::error::CliError;

/// Arguments of `skiff namespace create`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Its name
    name: String,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let mut params = json!({"Namespace": self.name});
        if let Some(description) = &self.description {
            params["Description"] = json!(description);
        }
        client.call("CreateNamespace", &params)?;
        let done = json!({"namespace": self.name, "action": "created"});
        Ok(console.done(&done, format_args!("namespace {} created", self.name))?)
    }
}
