//! `skiff version delete`.

use serde_json::json;

use crate::client::Client;
use crate::commands::InNamespace;
use crate::console::Console;
use crate::error::CliError;

/// Arguments of `skiff version delete`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The function
    name: String,
    /// The versions
    #[arg(required = true, value_name = "VERSION")]
    versions: Vec<String>,
    #[command(flatten)]
    namespace: InNamespace,
    /// Also those that aliases lead to: an alias of which it is the main version goes with it
    #[arg(long)]
    force: bool,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        for version in &self.versions {
            let mut params = json!({"FunctionName": self.name, "Qualifier": version});
            self.namespace.add_to(&mut params);
            if self.force {
                params["ForceDelete"] = json!("TRUE");
            }
            client.call("DeleteFunctionVersion", &params).map_err(in_flags)?;
            let done = json!({
                "name": self.name, "namespace": self.namespace.shown(), "version": version, "action": "deleted",
            });
            console.done(&done, format_args!("version {version} of {} deleted", self.name))?;
        }
        Ok(())
    }
}

/// The refusal with the flag in place of the field.
fn in_flags(error: CliError) -> CliError {
    match error {
        CliError::Refused {
            code,
            message,
            request_id,
            hint,
        } => CliError::Refused {
            message: message.replace("set ForceDelete", "give --force"),
            code,
            request_id,
            hint,
        },
        error => error,
    }
}
