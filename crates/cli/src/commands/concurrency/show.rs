//! `skiff concurrency show`.

use serde_json::json;

use crate::client::Client;
use crate::commands::InNamespace;
use crate::console::Console;
use crate::error::CliError;

/// Arguments of `skiff concurrency show`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The function
    name: String,
    #[command(flatten)]
    namespace: InNamespace,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let mut params = json!({"FunctionName": self.name});
        self.namespace.add_to(&mut params);
        let reserved = client.call("GetReservedConcurrencyConfig", &params)?["ReservedMem"].clone();
        let shown = json!({"name": self.name, "namespace": self.namespace.shown(), "reservedMb": reserved});
        let reserved = match reserved.as_u64() {
            None => "nothing: it shares what the account has".to_owned(),
            Some(0) => "0 MB: it does not run".to_owned(),
            Some(mb) => format!("{mb} MB"),
        };
        Ok(console.one(&shown, &[("function", self.name.clone()), ("reserved", reserved)])?)
    }
}
