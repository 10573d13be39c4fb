//! `skiff account limit`.

use serde_json::json;

use crate::client::Client;
use crate::console::Console;
use crate::error::CliError;

/// Arguments of `skiff account limit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Memory of all functions' calls at once, in MB: at least that of the largest function, at most what the server allows
    mb: u64,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let mb = self.mb;
        client.call("PutTotalConcurrencyConfig", &json!({"TotalConcurrencyMem": mb}))?;
        let done = json!({"concurrencyMb": mb, "action": "limited"});
        Ok(console.done(
            &done,
            format_args!("all functions together run {mb} MB at once, at most"),
        )?)
    }
}
