//! `skiff account show`.

use serde_json::json;

use crate::client::Client;
use crate::console::Console;
use crate::error::CliError;

/// Arguments of `skiff account show`.
#[derive(Debug, clap::Args)]
pub struct Args {}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let account = client.call("GetAccount", &json!({}))?;
        let (usage, limit) = (&account["AccountUsage"], &account["AccountLimit"]);
        let functions = usage["Namespace"].as_array().into_iter().flatten().map(|namespace| {
            let count = &namespace["FunctionsCount"];
            let limits = limit["Namespace"].as_array().into_iter().flatten();
            let mut limits = limits.filter(|limit| limit["Namespace"] == namespace["Namespace"]);
            let most = limits.next().map(|limit| &limit["FunctionsCount"]);
            let most = most.map_or_else(String::new, |most| format!(" of {most}"));
            let name = namespace["Namespace"].as_str().unwrap_or_default();
            format!("{name}: {count}{most}")
        });
        let mb = |field: &str| format!("{} MB", usage[field]);
        let fields = [
            (
                "namespaces",
                format!("{} of {}", usage["NamespacesCount"], limit["NamespacesCount"]),
            ),
            ("functions", functions.collect::<Vec<_>>().join("\n")),
            ("concurrency", mb("UserConcurrencyMemLimit")),
            ("allowed", mb("TotalConcurrencyMem")),
            ("reserved", mb("TotalAllocatedConcurrencyMem")),
        ];
        Ok(console.one(&account, &fields)?)
    }
}
