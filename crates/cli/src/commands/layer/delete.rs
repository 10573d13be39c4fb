//! `skiff layer delete`.

use serde_json::json;
use skiff_domain::LayerRef;

use crate::client::Client;
use crate::console::Console;
use crate::error::CliError;
use crate::settings::layer_params;

/// Arguments of `skiff layer delete`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Layers and their versions, e.g. deps:3
    #[arg(required = true, value_name = "LAYER")]
    layers: Vec<LayerRef>,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        for layer in &self.layers {
            client.call("DeleteLayerVersion", &layer_params(layer))?;
            let done = json!({"layer": layer.name, "version": layer.number.get(), "action": "deleted"});
            console.done(&done, format_args!("layer {layer} deleted"))?;
        }
        Ok(())
    }
}
