//! `skiff alias list`.

use serde_json::{Value, json};

use super::elsewhere;
use crate::client::Client;
use crate::commands::InNamespace;
use crate::console::{Console, text};
use crate::error::CliError;

/// Arguments of `skiff alias list`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The function
    name: String,
    #[command(flatten)]
    namespace: InNamespace,
    /// Only those that lead to this version
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        // A function has at most 100 aliases, and this action counts in texts.
        let mut params = json!({"FunctionName": self.name, "Offset": "0", "Limit": "1000"});
        self.namespace.add_to(&mut params);
        if let Some(version) = &self.version {
            params["FunctionVersion"] = json!(version);
        }
        let answer = client.call("ListAliases", &params)?;
        let aliases: Vec<Value> = answer["Aliases"].as_array().cloned().unwrap_or_default();
        let header = ["ALIAS", "VERSION", "ELSEWHERE", "MODIFIED", "DESCRIPTION"];
        Ok(console.list(&aliases, &header, &["MODIFIED", "DESCRIPTION"], |alias| {
            let field = |name| text(alias, name);
            vec![
                field("Name"),
                field("FunctionVersion"),
                elsewhere(alias),
                field("ModTime"),
                field("Description"),
            ]
        })?)
    }
}
