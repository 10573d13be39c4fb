//! `skiff version list`.

use serde_json::json;

use crate::client::Client;
use crate::commands::InNamespace;
use crate::console::{Console, text};
use crate::error::CliError;

/// Arguments of `skiff version list`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The function
    name: String,
    #[command(flatten)]
    namespace: InNamespace,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let mut params = json!({"FunctionName": self.name});
        self.namespace.add_to(&mut params);
        let versions = client.list("ListVersionByFunction", &params, "Versions")?;
        let header = ["VERSION", "STATUS", "CREATED", "MODIFIED", "DESCRIPTION"];
        Ok(
            console.list(&versions, &header, &["MODIFIED", "DESCRIPTION"], |version| {
                ["Version", "Status", "AddTime", "ModTime", "Description"]
                    .map(|field| text(version, field))
                    .to_vec()
            })?,
        )
    }
}
