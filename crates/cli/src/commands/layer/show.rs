//! `skiff layer show`.

use skiff_domain::LayerRef;

use super::runtimes;
use crate::client::Client;
use crate::console::{Console, text};
use crate::error::CliError;
use crate::settings::layer_params;

/// Arguments of `skiff layer show`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The layer and one of its versions, e.g. deps:3
    layer: LayerRef,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let layer = client.call("GetLayerVersion", &layer_params(&self.layer))?;
        let field = |name| text(&layer, name);
        let fields = [
            ("layer", field("LayerName")),
            ("version", field("LayerVersion")),
            ("runtimes", runtimes(&layer)),
            ("description", field("Description")),
            ("license", field("LicenseInfo")),
            ("published", field("AddTime")),
            ("sha256", field("CodeSha256")),
            ("content", field("Location")),
        ];
        Ok(console.one(&layer, &fields)?)
    }
}
