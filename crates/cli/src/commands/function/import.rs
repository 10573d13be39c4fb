//! `skiff function import`: a function as `skiff function export` wrote it, made anew with all that belongs to it.
//!
//! What the server lacks is found before anything is changed. What it refuses all the same takes the new function away
//! again: either it is all there, or nothing of it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::bundle::{Bundle, BundleError, State};
use crate::client::Client;
use crate::commands::{InNamespace, activation, runtime};
use crate::console::{Console, text};
use crate::error::CliError;
use crate::progress::Upload;

/// What is fixed when a function is created, or changes together with the code.
const NOT_UPDATED: [&str; 4] = ["Handler", "Type", "ProtocolType", "Tags"];

/// Arguments of `skiff function import`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Its name here [default: the one it had]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    namespace: InNamespace,
}

/// A function that is being made.
struct Made<'a> {
    client: &'a Client,
    console: &'a Console,
    bundle: &'a Bundle,
    name: &'a str,
    namespace: &'a str,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let bundle = Bundle::read(&self.file)?;
        let name = self.name.as_deref().unwrap_or(&bundle.name);
        let namespace = match &self.namespace.namespace {
            Some(given) => given,
            None => &bundle.namespace,
        };
        let made = Made {
            client,
            console,
            bundle: &bundle,
            name,
            namespace,
        };
        made.check()?;
        made.create()?;
        if let Err(error) = made.complete() {
            let undone = client.probe("DeleteFunction", &made.of(json!({}))).is_ok();
            let kept = (!undone).then(|| format!("it is there in part: `skiff function delete {name}`"));
            return Err(CliError::NotDeployed {
                name: name.to_owned(),
                kept,
                file: self.file.clone(),
                source: Box::new(error),
            });
        }
        let versions = bundle.versions.len();
        let done = json!({
            "name": name, "namespace": namespace, "versions": versions, "aliases": bundle.aliases.len(),
            "action": "imported",
        });
        let plural = if versions == 1 { "" } else { "s" };
        Ok(console.done(
            &done,
            format_args!("{name} imported with {versions} published version{plural}"),
        )?)
    }
}

impl Made<'_> {
    fn of(&self, mut params: Value) -> Value {
        params["FunctionName"] = json!(self.name);
        params["Namespace"] = json!(self.namespace);
        params
    }

    fn lacks(&self, lack: String, hint: impl Into<String>) -> CliError {
        let (name, hint) = (self.name.to_owned(), hint.into());
        BundleError::Lacks { name, lack, hint }.into()
    }

    /// Refuses what the server cannot take, before anything is changed.
    fn check(&self) -> Result<(), CliError> {
        let namespaces = self.client.list("ListNamespaces", &json!({}), "Namespaces")?;
        let namespace = self.namespace;
        if !namespaces.iter().any(|one| one["Name"] == namespace) {
            let hint = format!("`skiff namespace create {namespace}`, or another with --namespace");
            return Err(self.lacks(format!("there is no namespace {namespace}"), hint));
        }
        match self.client.probe("GetFunction", &self.of(json!({}))) {
            Err(CliError::Refused { code, .. }) if code.starts_with("ResourceNotFound.Function") => {}
            Err(error) => return Err(error),
            Ok(_) => {
                let hint = "give another name with --name, or another namespace with --namespace";
                return Err(self.lacks("a function of this name is there".to_owned(), hint));
            }
        }
        let installed = runtime::of_the_server(self.client)?;
        let states = || self.bundle.states().map(|state| &state.configuration);
        let runtimes: BTreeSet<&str> = states().filter_map(|its| its.get("Runtime")?.as_str()).collect();
        for runtime in runtimes {
            if !installed.iter().any(|one| one["name"] == runtime) {
                let hint = format!("`skiff runtime add {runtime}` on the server's machine");
                return Err(self.lacks(format!("the runtime {runtime} is not installed"), hint));
            }
        }
        let layers = states().filter_map(|its| its.get("Layers")?.as_array()).flatten();
        let layers: BTreeSet<(String, u64)> = layers
            .map(|layer| {
                (
                    text(layer, "LayerName"),
                    layer["LayerVersion"].as_u64().unwrap_or_default(),
                )
            })
            .collect();
        for (layer, version) in layers {
            let params = json!({"LayerName": layer, "LayerVersion": version});
            match self.client.probe("GetLayerVersion", &params) {
                Err(CliError::Refused { code, .. }) if code.starts_with("ResourceNotFound") => {
                    let hint = format!("publish it first: `skiff layer publish {layer}`");
                    return Err(self.lacks(format!("there is no version {version} of the layer {layer}"), hint));
                }
                answer => drop(answer?),
            }
        }
        Ok(())
    }

    /// Creates the function as its first version was.
    fn create(&self) -> Result<(), CliError> {
        let Some(first) = self.bundle.states().next() else {
            return Ok(());
        };
        let mut params = self.of(Value::Object(first.configuration.clone()));
        params["Code"] = self.code(first)?;
        self.upload("CreateFunction", &params, first)
    }

    /// Publishes its versions one after the other, each under its number, and gives it all else.
    fn complete(&self) -> Result<(), CliError> {
        activation::wait(self.client, self.name, self.namespace)?;
        let mut current = self.bundle.states().next();
        let last = self.bundle.versions.keys().next_back().copied().unwrap_or(0);
        for number in 1..=last {
            let state = self.bundle.versions.get(&number);
            if let Some(state) = state {
                self.change(current, state)?;
                current = Some(state);
            }
            let description = state.and_then(|state| state.configuration.get("Description"));
            let mut params = self.of(json!({}));
            if let Some(description) = description {
                params["Description"] = description.clone();
            }
            self.client.call("PublishVersion", &params)?;
            if state.is_none() {
                // A number that was deleted is used up here, too.
                let gone = self.of(json!({"Qualifier": number.to_string()}));
                self.client.call("DeleteFunctionVersion", &gone)?;
            }
        }
        self.change(current, &self.bundle.latest)?;
        for alias in &self.bundle.aliases {
            // Every function has $DEFAULT.
            let action = match alias.get("Name") == Some(&json!("$DEFAULT")) {
                true => "UpdateAlias",
                false => "CreateAlias",
            };
            self.client.call(action, &self.of(Value::Object(alias.clone())))?;
        }
        if let Some(mb) = self.bundle.reserved_mb {
            let params = self.of(json!({"ReservedConcurrencyMem": mb}));
            self.client.call("PutReservedConcurrencyConfig", &params)?;
        }
        for provisioned in &self.bundle.provisioned {
            let params = self.of(Value::Object(provisioned.clone()));
            self.client.call("PutProvisionedConcurrencyConfig", &params)?;
        }
        Ok(())
    }

    /// Makes `$LATEST` this one.
    fn change(&self, current: Option<&State>, wanted: &State) -> Result<(), CliError> {
        let Some(current) = current.filter(|current| *current != wanted) else {
            return Ok(());
        };
        if current.configuration != wanted.configuration {
            let settings = wanted.configuration.clone().into_iter();
            let settings: Map<_, _> = settings
                .filter(|(name, _)| !NOT_UPDATED.contains(&name.as_str()))
                .collect();
            self.client
                .call("UpdateFunctionConfiguration", &self.of(Value::Object(settings)))?;
            activation::wait(self.client, self.name, self.namespace)?;
        }
        let handler = |state: &State| state.configuration.get("Handler").cloned();
        if current.code != wanted.code || handler(current) != handler(wanted) {
            let params = self.of(json!({"Handler": handler(wanted), "Code": self.code(wanted)?}));
            self.upload("UpdateFunctionCode", &params, wanted)?;
            activation::wait(self.client, self.name, self.namespace)?;
        }
        Ok(())
    }

    fn code(&self, state: &State) -> Result<Value, CliError> {
        let package = self.bundle.packages.get(&state.code);
        let package = package.ok_or_else(|| self.lacks(format!("its package {} is missing", state.code), ""))?;
        Ok(json!({"ZipFile": STANDARD.encode(package)}))
    }

    fn upload(&self, action: &str, params: &Value, state: &State) -> Result<(), CliError> {
        let size = self.bundle.packages.get(&state.code).map_or(0, Vec::len);
        let progress = Upload::shown(self.name, size, self.console.progress);
        self.client.upload(action, params, &progress)?;
        Ok(())
    }
}
