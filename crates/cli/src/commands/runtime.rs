//! `skiff runtime list`. Installing and removing is the operator's, on the server's machine: see the binary.

use serde_json::{Value, json};

use crate::client::Client;
use crate::connection::Global;
use crate::console::{Console, text};
use crate::error::{CliError, Exit};

/// Commands on runtimes that ask a server.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List what `--runtime` and skiff.yaml may name on this server, where it comes from, how many wait for code, and why
    /// none does; where no server runs, what one would have
    #[command(visible_alias = "ls")]
    List,
}

impl Command {
    /// `stopped` knows the runtimes where no server runs.
    pub(crate) fn run(
        &self,
        global: &Global,
        console: &mut Console,
        stopped: impl FnOnce() -> Option<Vec<Value>>,
    ) -> Result<(), CliError> {
        let Self::List = self;
        let runtimes = match global.client().and_then(|client| of_the_server(&client)) {
            Err(error) if error.exit() != Exit::Refused => stopped().ok_or(error)?,
            answered => answered?,
        };
        let columns = ["NAME", "SOURCE", "SIZE", "READY", "REASON"];
        Ok(console.list(&runtimes, &columns, &[], |runtime| {
            let size = runtime["bytes"].as_u64().map_or_else(String::new, megabytes);
            vec![
                text(runtime, "name"),
                text(runtime, "source"),
                size,
                text(runtime, "ready"),
                text(runtime, "reason"),
            ]
        })?)
    }
}

/// Name, source, size and readiness of each, and why none is ready.
pub(crate) fn of_the_server(client: &Client) -> Result<Vec<Value>, CliError> {
    let status = client.get("/status.json")?;
    let cells = status["stemCells"].as_array().into_iter().flatten();
    let runtime = |cells: &Value| {
        json!({
            "name": cells["runtime"],
            "source": cells["source"],
            "bytes": cells["bytes"],
            "ready": cells["ready"],
            "reason": cells["reason"],
            "fails": cells["fails"],
        })
    };
    Ok(cells.map(runtime).collect())
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}
