//! `skiff alias show`.

use serde_json::json;

use super::elsewhere;
use crate::client::Client;
use crate::commands::InNamespace;
use crate::console::{Console, text};
use crate::error::CliError;

/// Arguments of `skiff alias show`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The function
    name: String,
    /// The alias
    alias: String,
    #[command(flatten)]
    namespace: InNamespace,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let mut params = json!({"FunctionName": self.name, "Name": self.alias});
        self.namespace.add_to(&mut params);
        let alias = client.call("GetAlias", &params)?;
        let field = |name| text(&alias, name);
        let fields = [
            ("alias", field("Name")),
            ("version", field("FunctionVersion")),
            ("elsewhere", elsewhere(&alias)),
            ("description", field("Description")),
            ("created", field("AddTime")),
            ("modified", field("ModTime")),
        ];
        Ok(console.one(&alias, &fields)?)
    }
}
