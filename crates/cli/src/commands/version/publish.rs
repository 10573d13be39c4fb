//! `skiff version publish`.

use serde_json::json;

use crate::client::Client;
use crate::commands::InNamespace;
use crate::console::{Console, text};
use crate::error::CliError;

/// Arguments of `skiff version publish`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The function
    name: String,
    #[command(flatten)]
    namespace: InNamespace,
    /// What the version is for [default: as the function's]
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let mut params = json!({"FunctionName": self.name});
        self.namespace.add_to(&mut params);
        if let Some(description) = &self.description {
            params["Description"] = json!(description);
        }
        let published = client.call("PublishVersion", &params)?;
        let number = text(&published, "FunctionVersion");
        Ok(console.done(&published, format_args!("version {number} of {} published", self.name))?)
    }
}
