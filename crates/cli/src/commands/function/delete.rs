//! `skiff function delete`.

use serde_json::json;

use crate::client::Client;
use crate::commands::InNamespace;
use crate::console::{Console, Format};
use crate::error::CliError;

/// Arguments of `skiff function delete`.
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
        let mut deleted = Vec::new();
        let ended = self.names.iter().try_for_each(|name| {
            let mut params = json!({"FunctionName": name});
            self.namespace.add_to(&mut params);
            client.call("DeleteFunction", &params)?;
            deleted.push(json!({"name": name, "namespace": self.namespace.shown(), "action": "deleted"}));
            if console.format == Format::Table {
                console.print(format_args!("function {name} deleted\n"))?;
            }
            Ok(())
        });
        // What was deleted is reported, also where the rest was not.
        if console.format == Format::Json {
            console.json(&deleted)?;
        }
        ended
    }
}
