//! `skiff function copy`.

use serde_json::json;

use crate::client::Client;
use crate::commands::{InNamespace, activation};
use crate::console::Console;
use crate::error::CliError;

/// Arguments of `skiff function copy`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The function
    name: String,
    /// The copy's name
    new_name: String,
    #[command(flatten)]
    namespace: InNamespace,
    /// The copy's namespace [default: the function's own]
    #[arg(long, value_name = "NAME")]
    to_namespace: Option<String>,
    /// What the copy is for [default: as the function's]
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Replace a function that has the copy's name
    #[arg(long)]
    replace: bool,
    /// Copy the code only, with default settings
    #[arg(long)]
    code_only: bool,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let target = self.to_namespace.as_deref().unwrap_or(self.namespace.shown());
        let mut params = json!({
            "FunctionName": self.name,
            "NewFunctionName": self.new_name,
            "TargetNamespace": target,
            "Override": self.replace,
            "CopyConfiguration": !self.code_only,
        });
        self.namespace.add_to(&mut params);
        if let Some(description) = &self.description {
            params["Description"] = json!(description);
        }
        client.call("CopyFunction", &params).map_err(|error| match error {
            // The API's own advice is in its own words.
            CliError::Refused {
                code,
                message,
                request_id,
                hint: None,
            } if code.starts_with("ResourceInUse.Function") => CliError::Refused {
                code,
                message,
                request_id,
                hint: Some("give --replace to replace it, or another name or --to-namespace".to_owned()),
            },
            other => other,
        })?;
        let function = activation::wait(client, &self.new_name, target)?;
        Ok(console.done(
            &function,
            format_args!("function {} copied to {target}/{}", self.name, self.new_name),
        )?)
    }
}
