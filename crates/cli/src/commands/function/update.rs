//! `skiff function update`.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::flags::SettingsFlags;
use crate::client::Client;
use crate::commands::{InNamespace, activation};
use crate::console::Console;
use crate::error::CliError;
use crate::package;
use crate::progress::Upload;

/// Arguments of `skiff function update`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The function
    name: String,
    #[command(flatten)]
    namespace: InNamespace,
    /// Folder or zip with its new code
    #[arg(long, value_name = "PATH")]
    code: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsFlags,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let mut settings = self.settings.settings()?;
        let handler = settings.handler.take();
        let configuration = settings.params();
        if self.code.is_none() && handler.is_none() && configuration.is_empty() {
            return Err(CliError::NothingToUpdate(
                "--code, --handler, --runtime, --memory, --timeout, --init-timeout, --description, --env, --no-env, \
                 --network, --layer, --no-layers, --role, --no-role",
            ));
        }
        if self.code.is_none() && handler.is_some() {
            return Err(CliError::HandlerWithoutCode);
        }
        // Packed before anything is changed.
        let package = self.code.as_ref().map(|code| package::load(code, &[])).transpose()?;
        if !configuration.is_empty() {
            let mut params = Value::Object(configuration);
            params["FunctionName"] = json!(self.name);
            self.namespace.add_to(&mut params);
            client.call("UpdateFunctionConfiguration", &params)?;
            activation::wait(client, &self.name, self.namespace.shown())?;
        }
        if let Some(package) = package {
            let mut params = json!({"FunctionName": self.name, "Code": {"ZipFile": STANDARD.encode(&package.zip)}});
            self.namespace.add_to(&mut params);
            if let Some(handler) = handler {
                params["Handler"] = json!(handler);
            }
            let progress = Upload::shown(&self.name, package.zip.len(), console.progress);
            client.upload("UpdateFunctionCode", &params, &progress)?;
        }
        let function = activation::wait(client, &self.name, self.namespace.shown())?;
        Ok(console.done(&function, format_args!("function {} updated", self.name))?)
    }
}
