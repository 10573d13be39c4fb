//! `skiff layer versions`.

use serde_json::{Value, json};
use skiff_domain::LayerName;

use super::{HEADER, SPARE, row};
use crate::client::Client;
use crate::console::Console;
use crate::error::CliError;

/// Arguments of `skiff layer versions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The layer
    layer: LayerName,
    /// Only those for this runtime
    #[arg(long, value_name = "NAME")]
    runtime: Option<String>,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let mut params = json!({"LayerName": self.layer});
        if let Some(runtime) = &self.runtime {
            params["CompatibleRuntime"] = json!([runtime]);
        }
        let answer = client.call("ListLayerVersions", &params)?;
        let versions: Vec<Value> = answer["LayerVersions"].as_array().cloned().unwrap_or_default();
        Ok(console.list(&versions, &HEADER, &SPARE, row)?)
    }
}
