//! `skiff deploy`: makes the server have what a folder's `skiff.yaml` says, and says what it did.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use skiff_domain::{CodeDigest, LayerRef, NamespaceName};

use super::activation;
use crate::client::Client;
use crate::console::{Console, Format, bytes, text};
use crate::error::CliError;
use crate::manifest::{self, FunctionSpec};
use crate::package::{self, Package};
use crate::progress::Upload;
use crate::settings::{Settings, environment_of, layers_of, network_of};

/// Arguments of `skiff deploy`.
#[derive(Debug, clap::Args)]
#[command(after_help = "A skiff.yaml of one function:\n\n\
    name: hello            # and, all optional but the runtime:\n\
    runtime: Python3       # the newest installed, or Python3.11\n\
    handler: index.main_handler\n\
    memory: 128            # MB\n\
    timeout: 3             # seconds\n\
    initTimeout: 65        # seconds\n\
    description: Greets\n\
    environment: {GREETING: Hello}\n\
    network: public        # or private, or none\n\
    layers: [deps:3]       # seen at /opt, a later one's files over an earlier one's\n\
    role: orders           # what it may do towards the API; none by default\n\
    namespace: default\n\
    code: .                # folder or zip\n\
    ignore: [tests/]       # as in .gitignore; so is the file .skiffignore\n\n\
    Of many functions: `functions:` is a list of such entries, `defaults:` what they share.\n\
    What an entry leaves out has its default. skiff.yaml, .skiffignore, .git and __pycache__ are not deployed.")]
pub struct Args {
    /// Folder with a skiff.yaml, or such a file
    #[arg(default_value = ".", value_name = "FOLDER")]
    folder: PathBuf,
    /// Deploy into this namespace, whatever the file says
    #[arg(long, short, value_name = "NAME")]
    namespace: Option<NamespaceName>,
    /// Deploy this function of the file only; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
}

/// What was done to a function.
struct Done {
    action: &'static str,
    /// What was set anew, in words; empty for a created one.
    changes: Vec<String>,
    function: Value,
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let mut specs = manifest::read(&self.folder)?;
        self.choose(&mut specs)?;
        // Everything is packed before anything is changed: a mistake in the last folder leaves the first as it was.
        let packages: Vec<Package> = specs
            .iter()
            .map(|spec| {
                let package = package::load(&spec.code, &spec.ignore)?;
                spec.check_package(&package.names)?;
                Ok::<_, CliError>(package)
            })
            .collect::<Result<_, _>>()?;
        for namespace in specs.iter().map(|spec| &spec.namespace).collect::<BTreeSet<_>>() {
            ensure_namespace(client, console, namespace)?;
        }
        let mut report = Vec::new();
        let deployed = deploy_all(client, console, &specs, &packages, &mut report);
        // What was done is reported, also where the rest was not.
        if console.format == Format::Json {
            console.json(&report)?;
        }
        deployed
    }

    fn choose(&self, specs: &mut Vec<FunctionSpec>) -> Result<(), CliError> {
        let names: Vec<String> = specs.iter().map(|spec| spec.name.to_string()).collect();
        if let Some(unknown) = self.only.iter().find(|name| !names.contains(name)) {
            return Err(CliError::argument(
                "--only",
                unknown,
                format!("use one of {}", names.join(", ")),
            ));
        }
        specs.retain(|spec| self.only.is_empty() || self.only.iter().any(|name| *name == spec.name.as_str()));
        if let Some(namespace) = &self.namespace {
            specs.iter_mut().for_each(|spec| spec.namespace = namespace.clone());
        }
        Ok(())
    }
}

/// Deploys one function after the other, up to the first that fails.
fn deploy_all(
    client: &Client,
    console: &mut Console,
    specs: &[FunctionSpec],
    packages: &[Package],
    report: &mut Vec<Value>,
) -> Result<(), CliError> {
    for (spec, package) in specs.iter().zip(packages) {
        let started = Instant::now();
        let done = deploy(client, console, spec, package).map_err(|error| match error {
            error @ (CliError::NotDeployed { .. } | CliError::Output(_)) => error,
            source => not_deployed(spec, None, source),
        })?;
        let seconds = started.elapsed().as_secs_f64();
        tell(console, spec, package, &done, seconds)?;
        report.push(json!({
            "name": spec.name, "namespace": spec.namespace, "action": done.action, "changes": done.changes,
            "status": done.function["Status"], "zipBytes": package.zip.len(), "files": package.files,
            "seconds": (seconds * 1000.0).round() / 1000.0,
        }));
    }
    Ok(())
}

/// Creates a namespace the file names and the server lacks.
fn ensure_namespace(client: &Client, console: &mut Console, namespace: &NamespaceName) -> Result<(), CliError> {
    if *namespace == NamespaceName::default() {
        return Ok(());
    }
    match client.probe("CreateNamespace", &json!({"Namespace": namespace})) {
        Ok(_) => Ok(console.say(format_args!("namespace {namespace} created"))?),
        Err(CliError::Refused { code, .. }) if code.starts_with("ResourceInUse") => Ok(()),
        Err(error) => Err(error),
    }
}

fn deploy(client: &Client, console: &mut Console, spec: &FunctionSpec, package: &Package) -> Result<Done, CliError> {
    let (name, namespace) = (spec.name.as_str(), spec.namespace.as_str());
    let progress = Upload::shown(name, package.zip.len(), console.progress);
    let of = |mut params: Value| {
        params["FunctionName"] = json!(name);
        params["Namespace"] = json!(namespace);
        params
    };
    let code = || json!({"ZipFile": STANDARD.encode(&package.zip)});
    let current = match client.probe("GetFunction", &of(json!({"ShowCodeSha256": "TRUE"}))) {
        Err(CliError::Refused { code: refusal, .. }) if refusal.starts_with("ResourceNotFound.Function") => {
            let mut params = of(Value::Object(spec.settings.params()));
            params["Code"] = code();
            client.upload("CreateFunction", &params, &progress)?;
            return Ok(Done {
                action: "created",
                changes: Vec::new(),
                function: activation::wait(client, name, namespace)?,
            });
        }
        found => found?,
    };
    let (changed, mut changes) = differences(&current, &spec.settings);
    // Settings first, so that new code finds its variables.
    let configuration = changed.params();
    if !configuration.is_empty() {
        client.call("UpdateFunctionConfiguration", &of(Value::Object(configuration)))?;
        activation::wait(client, name, namespace)?;
    }
    let handler = spec.settings.handler.as_deref();
    let moved = current["Handler"].as_str() != handler;
    let recoded = current["CodeSha256"] != json!(CodeDigest::of(&package.zip));
    if moved || recoded {
        let params = of(json!({"Handler": handler, "Code": code()}));
        if let Err(error) = client.upload("UpdateFunctionCode", &params, &progress) {
            let kept = put_back(
                client,
                &of(Value::Object(former(&current, &changed).params())),
                &error,
                &changes,
            );
            return Err(not_deployed(spec, kept, error));
        }
    }
    if moved {
        changes.push(change(
            "handler",
            &text(&current, "Handler"),
            handler.unwrap_or_default(),
        ));
    }
    if recoded {
        changes.push("code".to_owned());
    }
    Ok(Done {
        action: if changes.is_empty() { "unchanged" } else { "updated" },
        changes,
        function: activation::wait(client, name, namespace)?,
    })
}

fn not_deployed(spec: &FunctionSpec, kept: Option<String>, source: CliError) -> CliError {
    CliError::NotDeployed {
        name: spec.name.to_string(),
        kept,
        file: spec.file.clone(),
        source: Box::new(source),
    }
}

/// Gives a function whose new code was refused the settings it had, and says what is left changed.
fn put_back(client: &Client, former: &Value, error: &CliError, changes: &[String]) -> Option<String> {
    if changes.is_empty() {
        return None;
    }
    // Who did not answer may have taken the code.
    let refused = matches!(error, CliError::Refused { .. });
    if refused && client.probe("UpdateFunctionConfiguration", former).is_ok() {
        return None;
    }
    Some(format!("what was updated before stays so: {}", changes.join(", ")))
}

/// What the function has of the settings that are to change.
fn former(current: &Value, changed: &Settings) -> Settings {
    let number = |name: &str| current[name].as_u64().and_then(|number| u32::try_from(number).ok());
    Settings {
        runtime: changed.runtime.as_ref().map(|_| text(current, "Runtime")),
        handler: None,
        memory_mb: changed.memory_mb.and_then(|_| number("MemorySize")),
        timeout_s: changed.timeout_s.and_then(|_| number("Timeout")),
        init_timeout_s: changed.init_timeout_s.and_then(|_| number("InitTimeout")),
        description: changed.description.as_ref().map(|_| text(current, "Description")),
        environment: changed.environment.as_ref().map(|_| environment_of(current)),
        network: changed.network.map(|_| network_of(current)),
        layers: changed.layers.as_ref().map(|_| layers_of(current)),
        role: changed.role.as_ref().map(|_| text(current, "Role")),
    }
}

/// The settings that are not what the server has, and in words how they change.
fn differences(current: &Value, wanted: &Settings) -> (Settings, Vec<String>) {
    let mut changed = Settings::default();
    let mut changes = Vec::new();
    let mut differs = |what: &str, have: String, want: Option<String>| {
        let differs = want.as_ref().is_some_and(|want| *want != have);
        if differs {
            changes.push(change(what, &have, &want.unwrap_or_default()));
        }
        differs
    };
    let number = |field: &str| text(current, field);
    if differs(
        "memory",
        number("MemorySize"),
        wanted.memory_mb.map(|mb| mb.to_string()),
    ) {
        changed.memory_mb = wanted.memory_mb;
    }
    if differs(
        "timeout",
        number("Timeout"),
        wanted.timeout_s.map(|secs| secs.to_string()),
    ) {
        changed.timeout_s = wanted.timeout_s;
    }
    if differs(
        "initTimeout",
        number("InitTimeout"),
        wanted.init_timeout_s.map(|secs| secs.to_string()),
    ) {
        changed.init_timeout_s = wanted.init_timeout_s;
    }
    if differs("description", text(current, "Description"), wanted.description.clone()) {
        changed.description = wanted.description.clone();
    }
    if differs(
        "network",
        network_of(current).to_string(),
        wanted.network.map(|mode| mode.to_string()),
    ) {
        changed.network = wanted.network;
    }
    let layers = |layers: &[LayerRef]| layers.iter().map(LayerRef::to_string).collect::<Vec<_>>().join(", ");
    if differs(
        "layers",
        layers(&layers_of(current)),
        wanted.layers.as_deref().map(layers),
    ) {
        changed.layers = wanted.layers.clone();
    }
    if differs("role", text(current, "Role"), wanted.role.clone()) {
        changed.role = wanted.role.clone();
    }
    let runtime = text(current, "Runtime");
    if !wanted
        .runtime
        .as_ref()
        .is_some_and(|wanted| same_runtime(&runtime, wanted))
        && differs("runtime", runtime, wanted.runtime.clone())
    {
        changed.runtime = wanted.runtime.clone();
    }
    let sorted = |mut variables: Vec<(String, String)>| {
        variables.sort();
        variables
    };
    if let Some(environment) = &wanted.environment
        && sorted(environment_of(current)) != sorted(environment.clone())
    {
        changed.environment = wanted.environment.clone();
        // Values may be secrets: they are not shown.
        changes.push("environment".to_owned());
    }
    (changed, changes)
}

/// `Python3` means the newest installed one when the function is created; later it means the one it got.
fn same_runtime(current: &str, wanted: &str) -> bool {
    let (current, wanted) = (current.to_lowercase(), wanted.to_lowercase());
    current == wanted || (wanted == "python3" && current.starts_with("python3."))
}

fn change(what: &str, have: &str, want: &str) -> String {
    let quiet = |text: &str| {
        if text.is_empty() {
            "none".to_owned()
        } else {
            text.to_owned()
        }
    };
    format!("{what} {} -> {}", quiet(have), quiet(want))
}

fn tell(
    console: &mut Console,
    spec: &FunctionSpec,
    package: &Package,
    done: &Done,
    seconds: f64,
) -> Result<(), CliError> {
    if console.format == Format::Json {
        return Ok(());
    }
    let Done {
        action,
        changes,
        function,
    } = done;
    let name = match spec.namespace == NamespaceName::default() {
        true => spec.name.to_string(),
        false => format!("{}/{}", spec.namespace, spec.name),
    };
    let files = package.files.map_or_else(String::new, |files| {
        format!("{files} file{}, ", if files == 1 { "" } else { "s" })
    });
    let size = bytes(package.zip.len() as u64);
    let what = match changes.is_empty() {
        true => format!(
            "{}, {} MB, {} s",
            text(function, "Runtime"),
            text(function, "MemorySize"),
            text(function, "Timeout")
        ),
        false => changes.join(", "),
    };
    Ok(console.print(format_args!(
        "{name} {action}: {what} ({files}{size}, {seconds:.2} s)\n"
    ))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_updated_and_every_difference_is_said() {
        let current = json!({
            "Runtime": "Python3.11", "MemorySize": 128, "Timeout": 3, "InitTimeout": 65, "Description": "",
            "Environment": {"Variables": [{"Key": "B", "Value": "2"}, {"Key": "A", "Value": "1"}]},
            "PublicNetConfig": {"PublicNetStatus": "ENABLE"},
        });
        let variables = vec![("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2".to_owned())];
        let same = Settings {
            runtime: Some("Python3".to_owned()),
            handler: Some("index.main_handler".to_owned()),
            memory_mb: Some(128),
            timeout_s: Some(3),
            init_timeout_s: Some(65),
            description: Some(String::new()),
            environment: Some(variables),
            network: Some(skiff_domain::NetworkMode::Public),
            layers: Some(Vec::new()),
            role: Some(String::new()),
        };
        assert_eq!(differences(&current, &same), (Settings::default(), Vec::new()));

        let wanted = Settings {
            runtime: Some("Python3.9".to_owned()),
            memory_mb: Some(256),
            description: Some("greets".to_owned()),
            environment: Some(Vec::new()),
            network: Some(skiff_domain::NetworkMode::None),
            layers: Some(vec!["deps:3".parse().expect("legal")]),
            role: Some("orders".to_owned()),
            ..same
        };
        let (changed, changes) = differences(&current, &wanted);
        assert_eq!(
            changed,
            Settings {
                handler: None,
                timeout_s: None,
                init_timeout_s: None,
                ..wanted
            }
        );
        assert_eq!(
            changes,
            [
                "memory 128 -> 256",
                "description none -> greets",
                "network public -> none",
                "layers none -> deps:3",
                "role none -> orders",
                "runtime Python3.11 -> Python3.9",
                "environment"
            ]
        );
    }
}
