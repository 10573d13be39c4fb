//! `skiff function show`.

use serde_json::json;

use crate::client::Client;
use crate::commands::InNamespace;
use crate::console::{Console, bytes, text};
use crate::error::CliError;
use crate::settings::{environment_of, instance_concurrency_of, layers_of, network_of};

/// Arguments of `skiff function show`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The function
    name: String,
    #[command(flatten)]
    namespace: InNamespace,
    /// Which version [default: $LATEST]
    #[arg(long, value_name = "VERSION")]
    qualifier: Option<String>,
    /// With the source of the entry file
    #[arg(long)]
    code: bool,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let show_code = if self.code { "TRUE" } else { "FALSE" };
        let mut params = json!({"FunctionName": self.name, "ShowCode": show_code});
        self.namespace.add_to(&mut params);
        if let Some(qualifier) = &self.qualifier {
            params["Qualifier"] = json!(qualifier);
        }
        let function = client.call("GetFunction", &params)?;
        let field = |name| text(&function, name);
        let unit = |name, unit: &str| {
            function[name]
                .as_u64()
                .map_or_else(String::new, |number| format!("{number} {unit}"))
        };
        let environment = environment_of(&function)
            .into_iter()
            .map(|(key, value)| format!("{key}={value}"));
        let reasons = function["StatusReasons"].as_array().into_iter().flatten();
        let fields = [
            ("name", field("FunctionName")),
            ("namespace", field("Namespace")),
            ("id", field("FunctionId")),
            ("version", field("FunctionVersion")),
            ("status", field("Status")),
            (
                "status reasons",
                reasons
                    .map(|reason| text(reason, "ErrorMessage"))
                    .collect::<Vec<_>>()
                    .join("\n"),
            ),
            ("runtime", field("Runtime")),
            ("handler", field("Handler")),
            ("memory", unit("MemorySize", "MB")),
            ("timeout", unit("Timeout", "s")),
            ("init timeout", unit("InitTimeout", "s")),
            ("instance concurrency", instance_concurrency_of(&function).to_string()),
            ("network", network_of(&function).to_string()),
            (
                "layers",
                layers_of(&function)
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
            ("role", field("Role")),
            ("description", field("Description")),
            ("environment", environment.collect::<Vec<_>>().join("\n")),
            (
                "code size",
                function["CodeSize"].as_u64().map_or_else(String::new, bytes),
            ),
            ("created", field("AddTime")),
            ("modified", field("ModTime")),
            ("code", if self.code { field("CodeInfo") } else { String::new() }),
        ];
        Ok(console.one(&function, &fields)?)
    }
}
