//! `skiff layer publish`.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use skiff_domain::LayerName;

use crate::client::Client;
use crate::console::{Console, text};
use crate::error::CliError;
use crate::package;
use crate::progress::Upload;

/// Arguments of `skiff layer publish`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The layer; it is made with its first version
    layer: LayerName,
    /// Folder or zip with its content, which functions see at /opt
    #[arg(long, value_name = "PATH")]
    code: PathBuf,
    /// A runtime it is for; give the flag once for each. Python3 is every Python 3
    #[arg(long = "runtime", required = true, value_name = "NAME")]
    runtimes: Vec<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Its license: a name, a link, or the text
    #[arg(long, value_name = "TEXT")]
    license: Option<String>,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let package = package::load(&self.code, &[])?;
        let mut params = json!({
            "LayerName": self.layer, "CompatibleRuntimes": self.runtimes,
            "Content": {"ZipFile": STANDARD.encode(&package.zip)},
        });
        if let Some(description) = &self.description {
            params["Description"] = json!(description);
        }
        if let Some(license) = &self.license {
            params["LicenseInfo"] = json!(license);
        }
        let progress = Upload::shown(self.layer.as_str(), package.zip.len(), console.progress);
        let published = client.upload("PublishLayerVersion", &params, &progress)?;
        let number = text(&published, "LayerVersion");
        Ok(console.done(
            &published,
            format_args!("layer {layer}:{number} published", layer = self.layer),
        )?)
    }
}
