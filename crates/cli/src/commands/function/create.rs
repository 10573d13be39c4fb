//! `skiff function create`.

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

/// Arguments of `skiff function create`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Its name
    name: String,
    #[command(flatten)]
    namespace: InNamespace,
    /// Folder or zip with its code
    #[arg(long, value_name = "PATH")]
    code: PathBuf,
    #[command(flatten)]
    settings: SettingsFlags,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let mut settings = self.settings.settings()?;
        // The API's own default is a runtime of 2018.
        settings.runtime.get_or_insert_with(|| "Python3".to_owned());
        let mut params = Value::Object(settings.params());
        let package = package::load(&self.code, &[])?;
        params["FunctionName"] = json!(self.name);
        params["Code"] = json!({"ZipFile": STANDARD.encode(&package.zip)});
        self.namespace.add_to(&mut params);
        let progress = Upload::shown(&self.name, package.zip.len(), console.progress);
        client.upload("CreateFunction", &params, &progress)?;
        let function = activation::wait(client, &self.name, self.namespace.shown())?;
        Ok(console.done(&function, format_args!("function {} created", self.name))?)
    }
}
