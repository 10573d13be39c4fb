//! `skiff concurrency reserve`.

use serde_json::json;

use crate::client::Client;
use crate::commands::InNamespace;
use crate::console::Console;
use crate::error::CliError;

/// Arguments of `skiff concurrency reserve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The function
    name: String,
    /// Memory of its calls at once, in MB, at least that of one call; with 0 it does not run
    mb: u64,
    #[command(flatten)]
    namespace: InNamespace,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let mut params = json!({"FunctionName": self.name, "ReservedConcurrencyMem": self.mb});
        self.namespace.add_to(&mut params);
        client.call("PutReservedConcurrencyConfig", &params)?;
        let done = json!({
            "name": self.name, "namespace": self.namespace.shown(), "reservedMb": self.mb, "action": "reserved",
        });
        let (name, mb) = (&self.name, self.mb);
        Ok(match mb {
            0 => console.done(
                &done,
                format_args!("{name} does not run any more: 0 MB are reserved for it"),
            ),
            mb => console.done(&done, format_args!("{mb} MB are reserved for {name}")),
        }?)
    }
}
