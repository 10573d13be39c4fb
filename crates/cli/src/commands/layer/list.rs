//! `skiff layer list`.

use serde_json::json;

use super::{HEADER, SPARE, row};
use crate::client::Client;
use crate::console::Console;
use crate::error::CliError;

/// Arguments of `skiff layer list`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only those for this runtime
    #[arg(long, value_name = "NAME")]
    runtime: Option<String>,
    /// Only those with this in their names
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let mut params = json!({});
        if let Some(runtime) = &self.runtime {
            params["CompatibleRuntime"] = json!(runtime);
        }
        if let Some(search) = &self.search {
            params["SearchKey"] = json!(search);
        }
        let layers = client.list("ListLayers", &params, "Layers")?;
        Ok(console.list(&layers, &HEADER, &SPARE, row)?)
    }
}
