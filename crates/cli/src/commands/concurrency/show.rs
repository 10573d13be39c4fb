//! `skiff concurrency show`.

use serde_json::{Value, json};

use crate::client::Client;
use crate::commands::InNamespace;
use crate::console::{Console, text};
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
        let provisioned = client.call("GetProvisionedConcurrencyConfig", &params)?;
        let versions = provisioned["Allocated"].as_array().cloned().unwrap_or_default();
        let shown = json!({
            "name": self.name, "namespace": self.namespace.shown(), "reservedMb": reserved, "provisioned": versions,
        });
        let reserved = match reserved.as_u64() {
            None => "nothing: it shares what the account has".to_owned(),
            Some(0) => "0 MB: it does not run".to_owned(),
            Some(mb) => format!("{mb} MB"),
        };
        let versions: Vec<String> = versions.iter().map(ready).collect();
        let fields = [
            ("function", self.name.clone()),
            ("reserved", reserved),
            ("ready", versions.join("\n")),
        ];
        Ok(console.one(&shown, &fields)?)
    }
}

/// What is kept ready of a version, in words.
fn ready(version: &Value) -> String {
    let field = |name| text(version, name);
    let mut line = format!(
        "version {}: {} of {}",
        field("Qualifier"),
        field("AvailableProvisionedConcurrencyNum"),
        field("AllocatedProvisionedConcurrencyNum")
    );
    let reason = field("StatusReason");
    if !reason.is_empty() {
        line = format!("{line}, {reason}");
    }
    for action in version["TriggerActions"].as_array().into_iter().flatten() {
        let field = |name| text(action, name);
        line = format!(
            "{line}\n  {}: {} at {}",
            field("TriggerName"),
            field("TriggerProvisionedConcurrencyNum"),
            field("TriggerCronConfig")
        );
    }
    line
}
