//! `skiff namespace list`.

use serde_json::json;

use crate::client::Client;
use crate::console::{Console, text};
use crate::error::CliError;

/// Arguments of `skiff namespace list`.
#[derive(Debug, clap::Args)]
pub struct Args {}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let namespaces = client.list("ListNamespaces", &json!({}), "Namespaces")?;
        Ok(console.list(
            &namespaces,
            &["NAME", "DESCRIPTION", "CREATED"],
            &["CREATED"],
            |namespace| {
                ["Name", "Description", "AddTime"]
                    .map(|field| text(namespace, field))
                    .to_vec()
            },
        )?)
    }
}
