//! `skiff deploy`: makes the server have what a folder's `skiff.yaml` says, and says what it did.

mod change;
mod namespace;
mod plan;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use skiff_domain::{CodeDigest, NamespaceName};

use self::change::{change, differences, former, same_runtime};
use super::activation;
use crate::build::{self, Cache};
use crate::client::Client;
use crate::console::{Console, Format, bytes, text};
use crate::error::CliError;
use crate::manifest::{self, FunctionSpec, Manifest};
use crate::package::{self, Package};
use crate::progress::Upload;
use crate::settings::Settings;

/// Arguments of `skiff deploy`.
#[derive(Debug, clap::Args)]
#[command(after_help = "A skiff.yaml of one function:\n\n\
    name: hello            # and, all optional but the runtime:\n\
    runtime: Python3       # the newest installed, or Python3.11\n\
    handler: index.main_handler\n\
    memory: 128            # MB\n\
    timeout: 3             # seconds\n\
    initTimeout: 65        # seconds\n\
    instanceConcurrency: 1 # events an instance takes at once; more for type: web, Node.js and Java\n\
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
    /// Folder with a skiff.yaml, template.yaml or serverless.yml, or such a file
    #[arg(default_value = ".", value_name = "FOLDER")]
    folder: PathBuf,
    /// Deploy into this namespace, whatever the file says
    #[arg(long, short, value_name = "NAME")]
    namespace: Option<NamespaceName>,
    /// Deploy this function of the file only; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Say what would be created, updated and left, setting by setting, and change nothing
    #[arg(long)]
    plan: bool,
    /// Install what requirements.txt or package.json names into the package, with this machine's pip or npm
    #[arg(long)]
    build: bool,
}

/// What has to be done for the server to have a function as the file says.
enum Step {
    Create,
    Update(Box<Update>),
}

/// How a function on the server differs from what the file says.
struct Update {
    current: Value,
    /// The settings to set anew.
    settings: Settings,
    /// The same in words.
    changes: Vec<String>,
    /// It has another handler.
    moved: bool,
    /// It has other code.
    recoded: bool,
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
        let Manifest {
            functions: mut specs,
            notes,
        } = manifest::read(&self.folder)?;
        for note in notes {
            console.say(format_args!("{note}"))?;
        }
        self.choose(&mut specs)?;
        // Everything is packed before anything is changed: a mistake in the last folder leaves the first as it was.
        let mut packages = Vec::new();
        for spec in &specs {
            let package = self.package(client, console, spec)?;
            spec.check_package(&package.names, &package.inert)?;
            packages.push(package);
        }
        if self.plan {
            return plan::show(client, console, &specs, &packages);
        }
        let missing = namespace::missing(client, &specs)?;
        namespace::check_layers(client, &specs, &missing)?;
        let mut report = Vec::new();
        let deployed = deploy_all(client, console, &specs, &packages, missing, &mut report);
        // What was done is reported, also where the rest was not.
        if console.format == Format::Json {
            console.json(&report)?;
        }
        deployed
    }

    /// Packs a function's code, with its dependencies where that is asked for.
    fn package(&self, client: &Client, console: &mut Console, spec: &FunctionSpec) -> Result<Package, CliError> {
        if spec.lone_file && !self.build {
            return Ok(package::lone(&spec.code)?);
        }
        if !self.build {
            return Ok(package::load(&spec.code, &spec.ignore)?);
        }
        let runtime = runtime_of(client, spec)?;
        let built = build::dependencies(&spec.code, &runtime, &Cache::of_the_user(), console)?;
        let mut ignore = spec.ignore.clone();
        ignore.extend(built.as_ref().and_then(|built| built.instead_of).map(str::to_owned));
        let under = built.as_ref().map(|built| built.folder.as_path());
        Ok(package::load_over(&spec.code, &ignore, under)?)
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
    mut missing: BTreeSet<&NamespaceName>,
    report: &mut Vec<Value>,
) -> Result<(), CliError> {
    for (spec, package) in specs.iter().zip(packages) {
        let started = Instant::now();
        let is_new = missing.remove(&spec.namespace) && namespace::create(client, console, &spec.namespace)?;
        let deployed = deploy(client, console, spec, package);
        if is_new && deployed.is_err() {
            namespace::take_away(client, console, &spec.namespace)?;
        }
        let done = deployed.map_err(|error| match error {
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

/// The runtime a function has or will get: `Python3` is the one it was created with, or else the newest of the server's.
fn runtime_of(client: &Client, spec: &FunctionSpec) -> Result<String, CliError> {
    let wanted = spec.settings.runtime.clone().unwrap_or_default();
    if !wanted.eq_ignore_ascii_case("Python3") {
        return Ok(wanted);
    }
    let params = json!({"FunctionName": spec.name, "Namespace": spec.namespace});
    if let Ok(function) = client.probe("GetFunction", &params)
        && same_runtime(&text(&function, "Runtime"), &wanted)
    {
        return Ok(text(&function, "Runtime"));
    }
    let names = super::runtime::of_the_server(client)?;
    let names = names.iter().map(|runtime| text(runtime, "name"));
    let minor = |name: &String| name.strip_prefix("Python3.")?.parse::<u32>().ok();
    let newest = names.filter(|name| minor(name).is_some()).max_by_key(minor);
    Ok(newest.unwrap_or(wanted))
}

/// Compares a function with what the server has.
fn step(client: &Client, spec: &FunctionSpec, package: &Package) -> Result<Step, CliError> {
    let params = json!({"FunctionName": spec.name, "Namespace": spec.namespace, "ShowCodeSha256": "TRUE"});
    let current = match client.probe("GetFunction", &params) {
        Err(CliError::Refused { code, .. })
            if code.starts_with("ResourceNotFound.Function") || code == "ResourceNotFound.Namespace" =>
        {
            return Ok(Step::Create);
        }
        found => found?,
    };
    spec.check_type(&current)?;
    let (settings, changes) = differences(&current, &spec.settings);
    Ok(Step::Update(Box::new(Update {
        moved: current["Handler"].as_str() != spec.settings.handler.as_deref(),
        recoded: current["CodeSha256"] != json!(CodeDigest::of(&package.zip)),
        current,
        settings,
        changes,
    })))
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
    let update = match step(client, spec, package)? {
        Step::Update(update) => *update,
        Step::Create => {
            let mut params = of(Value::Object(spec.settings.params()));
            params["Code"] = code();
            client.upload("CreateFunction", &params, &progress)?;
            return Ok(Done {
                action: "created",
                changes: Vec::new(),
                function: activation::wait(client, name, namespace)?,
            });
        }
    };
    // Settings first, so that new code finds its variables.
    let configuration = update.settings.params();
    if !configuration.is_empty() {
        client.call("UpdateFunctionConfiguration", &of(Value::Object(configuration)))?;
        activation::wait(client, name, namespace)?;
    }
    if update.moved || update.recoded {
        let params = of(json!({"Handler": spec.settings.handler, "Code": code()}));
        if let Err(error) = client.upload("UpdateFunctionCode", &params, &progress) {
            let former = former(&update.current, &update.settings).params();
            let kept = put_back(client, &of(Value::Object(former)), &error, &update.changes);
            return Err(not_deployed(spec, kept, error));
        }
    }
    let mut changes = update.changes;
    if update.moved {
        let handler = spec.settings.handler.as_deref().unwrap_or_default();
        changes.push(change("handler", &text(&update.current, "Handler"), handler));
    }
    if update.recoded {
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

/// A function's name, with its namespace where that is not the default.
fn shown(spec: &FunctionSpec) -> String {
    match spec.namespace == NamespaceName::default() {
        true => spec.name.to_string(),
        false => format!("{}/{}", spec.namespace, spec.name),
    }
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
    let name = shown(spec);
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
