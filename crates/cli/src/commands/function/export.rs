//! `skiff function export`: a function with all that belongs to it, as one file.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::bundle::{Bundle, BundleError, State};
use crate::client::Client;
use crate::commands::InNamespace;
use crate::console::{Console, bytes, text};
use crate::error::CliError;
use crate::settings::{Settings, environment_of, layers_of, network_of};

/// What else of GetFunction CreateFunction takes.
const MORE: [&str; 5] = [
    "Type",
    "ProtocolType",
    "ProtocolParams",
    "InstanceConcurrencyConfig",
    "Tags",
];

/// Arguments of `skiff function export`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The function
    name: String,
    /// The file to write
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Put it in the place of a file that is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    namespace: InNamespace,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        if !self.force && self.file.symlink_metadata().is_ok() {
            return Err(BundleError::Exists(self.file.clone()).into());
        }
        let bundle = self.collect(client)?;
        let size = bundle.write(&self.file)?;
        let versions = bundle.versions.len();
        let done = json!({
            "name": self.name, "namespace": self.namespace.shown(), "file": self.file, "bytes": size,
            "versions": versions, "aliases": bundle.aliases.len(), "action": "exported",
        });
        let what = format!(
            "{} exported to {}: $LATEST and {versions} published version{}, {}",
            self.name,
            self.file.display(),
            if versions == 1 { "" } else { "s" },
            bytes(size)
        );
        Ok(console.done(&done, what)?)
    }

    fn of(&self, mut params: Value) -> Value {
        params["FunctionName"] = json!(self.name);
        self.namespace.add_to(&mut params);
        params
    }

    fn collect(&self, client: &Client) -> Result<Bundle, CliError> {
        let mut packages = std::collections::BTreeMap::new();
        let mut state = |qualifier: &str| {
            let asked = self.of(json!({"Qualifier": qualifier, "ShowCodeSha256": "TRUE"}));
            let function = client.call("GetFunction", &asked)?;
            let code = text(&function, "CodeSha256");
            if !packages.contains_key(&code) {
                let link = client.call("GetFunctionAddress", &self.of(json!({"Qualifier": qualifier})))?;
                // What the settings belong to is what was asked for a moment ago.
                if text(&link, "CodeSha256") != code {
                    return Err(CliError::from(BundleError::Changed(self.name.clone())));
                }
                packages.insert(code.clone(), client.download(&text(&link, "Url"))?);
            }
            let configuration = configuration(&function);
            Ok(State { code, configuration })
        };
        let latest = state("$LATEST")?;
        let mut bundle = Bundle::new(&self.name, self.namespace.shown(), latest);
        for version in client.list("ListVersionByFunction", &self.of(json!({})), "Versions")? {
            // $LATEST is among them.
            if let Ok(number) = text(&version, "Version").parse() {
                bundle.versions.insert(number, state(&text(&version, "Version"))?);
            }
        }
        bundle.packages = packages;
        for alias in client.list("ListAliases", &self.of(json!({})), "Aliases")? {
            let fields = ["Name", "FunctionVersion", "Description", "RoutingConfig"];
            bundle.aliases.push(only(&alias, &fields));
        }
        let reserved = client.call("GetReservedConcurrencyConfig", &self.of(json!({})))?;
        bundle.reserved_mb = reserved["ReservedMem"].as_u64();
        let provisioned = client.call("GetProvisionedConcurrencyConfig", &self.of(json!({})))?;
        for version in provisioned["Allocated"].as_array().into_iter().flatten() {
            let mut params = only(version, &["Qualifier", "TriggerActions"]);
            let number = version["AllocatedProvisionedConcurrencyNum"].clone();
            params.insert("VersionProvisionedConcurrencyNum".to_owned(), number);
            bundle.provisioned.push(params);
        }
        Ok(bundle)
    }
}

/// What GetFunction says of a function, as CreateFunction takes it.
fn configuration(function: &Value) -> Map<String, Value> {
    let number = |name: &str| function[name].as_u64().and_then(|number| u32::try_from(number).ok());
    let settings = Settings {
        runtime: Some(text(function, "Runtime")),
        handler: Some(text(function, "Handler")),
        memory_mb: number("MemorySize"),
        timeout_s: number("Timeout"),
        init_timeout_s: number("InitTimeout"),
        description: Some(text(function, "Description")),
        environment: Some(environment_of(function)),
        network: Some(network_of(function)),
        layers: Some(layers_of(function)),
        role: Some(text(function, "Role")),
        ..Settings::default()
    };
    let mut params = settings.params();
    params.extend(only(function, &MORE));
    params
}

/// These fields of a value, without those that say nothing.
fn only(value: &Value, fields: &[&str]) -> Map<String, Value> {
    let given = fields
        .iter()
        .map(|field| ((*field).to_owned(), without_nulls(&value[*field])));
    given
        .filter(|(_, value)| !value.is_null() && *value != json!("") && *value != json!([]) && *value != json!({}))
        .collect()
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let given = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                given
                    .map(|(name, value)| (name.clone(), without_nulls(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}
