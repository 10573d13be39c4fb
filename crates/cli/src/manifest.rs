//! `skiff.yaml`: what a folder wants deployed, one function or many; and the files of SCF's own tools in its place.
//!
//! Owns the file's shape and the words for what is wrong in it. The file states everything: a setting it leaves out has
//! its default, also where the deployed function has another value. What the file can get wrong on its own is said with its
//! line before anything is sent; the server judges all of it again.

mod error;
mod foreign;
mod format;
mod serverless;
mod template;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_saphyr::Spanned;
use skiff_domain::limits::{
    INIT_TIMEOUT_S_DEFAULT, INIT_TIMEOUT_S_MAX, MEMORY_MB_DEFAULT, MEMORY_MB_MAX, TIMEOUT_S_DEFAULT, TIMEOUT_S_MAX,
};
use skiff_domain::{
    FunctionName, InstanceConcurrency, InvalidInstanceConcurrency, LayerRef, NamespaceName, NetworkMode,
};

pub(crate) use error::ManifestError;
pub(crate) use format::read;

use crate::settings::{Serves, Settings, web_of};

/// The file's name in the folder.
pub(crate) const FILE_NAME: &str = "skiff.yaml";
/// The entry point when none is given (CONTRACT 2.5).
const HANDLER_DEFAULT: &str = "index.main_handler";
/// The smallest memory, and the steps of all other sizes (CONTRACT 2.5).
const MEMORY_MB_SMALL: u32 = 64;
const MEMORY_MB_STEP: u32 = 128;
/// What a Python module can be in a package.
const PYTHON_FORMS: [&str; 5] = [".py", "/__init__.py", ".so", ".abi3.so", ".pyc"];

/// One function as the file wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FunctionSpec {
    pub(crate) name: FunctionName,
    pub(crate) namespace: NamespaceName,
    /// The folder or zip with its code.
    pub(crate) code: PathBuf,
    /// The code is one file, which is to be packed.
    pub(crate) lone_file: bool,
    /// Patterns, as in `.gitignore`, of what stays out of the package.
    pub(crate) ignore: Vec<String>,
    /// Every one of them given.
    pub(crate) settings: Settings,
    /// The file that says so.
    pub(crate) file: PathBuf,
    /// Its line with the handler, or with the function where the handler is the default.
    pub(crate) handler_line: u64,
}

/// What a file says.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) functions: Vec<FunctionSpec>,
    /// What of it means nothing to Skiff, in words.
    pub(crate) notes: Vec<String>,
}

/// A file that says `functions:`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ManyYaml {
    #[serde(default)]
    defaults: DefaultsYaml,
    functions: Vec<Spanned<FunctionYaml>>,
}

/// What functions of one file may share.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DefaultsYaml {
    namespace: Option<NamespaceName>,
    runtime: Option<String>,
    memory: Option<Spanned<u32>>,
    timeout: Option<Spanned<u32>>,
    init_timeout: Option<Spanned<u32>>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    network: Option<NetworkMode>,
    layers: Option<Vec<LayerRef>>,
    role: Option<String>,
    #[serde(default)]
    ignore: Vec<String>,
}

/// One function.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct FunctionYaml {
    name: FunctionName,
    namespace: Option<NamespaceName>,
    /// `event`, or `web` for one that serves HTTP.
    r#type: Option<Spanned<String>>,
    /// Of a web function that takes WebSockets.
    websocket_idle: Option<Spanned<u32>>,
    /// Where an instance is to take more than one event at once.
    instance_concurrency: Option<Spanned<u32>>,
    runtime: Option<String>,
    handler: Option<Spanned<String>>,
    code: Option<Spanned<PathBuf>>,
    #[serde(default)]
    ignore: Vec<String>,
    memory: Option<Spanned<u32>>,
    timeout: Option<Spanned<u32>>,
    init_timeout: Option<Spanned<u32>>,
    description: Option<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    network: Option<NetworkMode>,
    layers: Option<Vec<LayerRef>>,
    role: Option<String>,
}

/// Which of the two shapes a file has.
#[derive(Deserialize)]
struct Shape {
    functions: Option<IgnoredAny>,
    defaults: Option<IgnoredAny>,
}

/// Refuses a function that is in the file twice.
fn check_new(
    specs: &[FunctionSpec],
    spec: &FunctionSpec,
    file: &Path,
    line: u64,
    field: &str,
) -> Result<(), ManifestError> {
    let same = |other: &FunctionSpec| (&other.name, &other.namespace) == (&spec.name, &spec.namespace);
    if !specs.iter().any(same) {
        return Ok(());
    }
    let message = format!(
        "{} is in the file twice: give each function of a namespace once",
        spec.name
    );
    Err(ManifestError::invalid(file, line, field, message))
}

/// Reads a `skiff.yaml`'s text as if it were in this file.
fn parse(text: &str, file: &Path) -> Result<Vec<FunctionSpec>, ManifestError> {
    let invalid = |error: serde_saphyr::Error| ManifestError::yaml(file, text, &error);
    let folder = file.parent().unwrap_or(Path::new(""));
    let shape: Shape = serde_saphyr::from_str(text).map_err(invalid)?;
    if shape.functions.is_none() && shape.defaults.is_none() {
        let function: FunctionYaml = serde_saphyr::from_str(text).map_err(invalid)?;
        return Ok(vec![spec(function, &DefaultsYaml::default(), folder, file, 1)?]);
    }
    let many: ManyYaml = serde_saphyr::from_str(text).map_err(invalid)?;
    let mut specs: Vec<FunctionSpec> = Vec::new();
    for function in many.functions {
        let line = function.referenced.line();
        let spec = spec(function.value, &many.defaults, folder, file, line)?;
        check_new(&specs, &spec, file, line, "functions")?;
        specs.push(spec);
    }
    if specs.is_empty() {
        return Err(ManifestError::invalid(
            file,
            1,
            "functions",
            "the list is empty: give at least one function",
        ));
    }
    Ok(specs)
}

/// Fills in what the function leaves to the file's defaults and to Skiff's.
fn spec(
    function: FunctionYaml,
    defaults: &DefaultsYaml,
    folder: &Path,
    file: &Path,
    line: u64,
) -> Result<FunctionSpec, ManifestError> {
    let runtime = function
        .runtime
        .or_else(|| defaults.runtime.clone())
        .filter(|name| !name.is_empty());
    let runtime = runtime.ok_or_else(|| {
        ManifestError::invalid(
            file,
            line,
            "runtime",
            format!("{} needs a runtime, e.g. runtime: Python3", function.name),
        )
    })?;
    let code = match function.code {
        None => folder.to_owned(),
        Some(code) => {
            let path = folder.join(&code.value);
            if !path.exists() {
                let message = format!("there is no {}", path.display());
                return Err(ManifestError::invalid(file, code.referenced.line(), "code", message));
            }
            path
        }
    };
    let number = |own: &Option<Spanned<u32>>, shared: &Option<Spanned<u32>>, default| {
        let given = own.as_ref().or(shared.as_ref());
        given.map_or((default, line), |given| (given.value, given.referenced.line()))
    };
    let (memory, memory_line) = number(&function.memory, &defaults.memory, MEMORY_MB_DEFAULT);
    if memory > MEMORY_MB_MAX || (memory != MEMORY_MB_SMALL && (memory == 0 || !memory.is_multiple_of(MEMORY_MB_STEP)))
    {
        let rule = format!(
            "{memory} MB is not possible: use {MEMORY_MB_SMALL}, or a multiple of {MEMORY_MB_STEP} up to {MEMORY_MB_MAX}"
        );
        return Err(ManifestError::invalid(file, memory_line, "memory", rule));
    }
    let seconds = |field, (secs, line): (u32, u64), max: u32| match secs {
        secs if (1..=max).contains(&secs) => Ok(secs),
        _ => {
            let rule = format!("{secs} seconds are not possible: use 1 to {max}");
            Err(ManifestError::invalid(file, line, field, rule))
        }
    };
    let timeout = number(&function.timeout, &defaults.timeout, TIMEOUT_S_DEFAULT);
    let timeout = seconds("timeout", timeout, TIMEOUT_S_MAX)?;
    let init_timeout = number(&function.init_timeout, &defaults.init_timeout, INIT_TIMEOUT_S_DEFAULT);
    let init_timeout = seconds("initTimeout", init_timeout, INIT_TIMEOUT_S_MAX)?;
    let handler_line = function.handler.as_ref().map_or(line, |given| given.referenced.line());
    let handler = function
        .handler
        .map_or_else(|| HANDLER_DEFAULT.to_owned(), |given| given.value);
    if is_python(&runtime) && (handler.ends_with(".py") || !handler.contains('.')) {
        let what = if handler.ends_with(".py") {
            "is a file"
        } else {
            "names no file"
        };
        let rule = format!("{handler} {what}: write file.function, e.g. {HANDLER_DEFAULT}");
        return Err(ManifestError::invalid(file, handler_line, "handler", rule));
    }
    let (web, socket_idle_s) = web(function.r#type.as_ref(), function.websocket_idle.as_ref(), file)?;
    let instance_concurrency = match function.instance_concurrency {
        None => 1,
        Some(events) if InstanceConcurrency::new(events.value).is_ok() => events.value,
        Some(events) => {
            let rule = format!("{} is not possible: {InvalidInstanceConcurrency}", events.value);
            let line = events.referenced.line();
            return Err(ManifestError::invalid(file, line, "instanceConcurrency", rule));
        }
    };
    let mut environment = defaults.environment.clone();
    environment.extend(function.environment);
    Ok(FunctionSpec {
        name: function.name,
        namespace: function
            .namespace
            .or_else(|| defaults.namespace.clone())
            .unwrap_or_default(),
        code,
        ignore: defaults.ignore.iter().cloned().chain(function.ignore).collect(),
        settings: Settings {
            runtime: Some(runtime),
            handler: Some(handler),
            memory_mb: Some(memory),
            timeout_s: Some(timeout),
            init_timeout_s: Some(init_timeout),
            description: Some(function.description.unwrap_or_default()),
            environment: Some(environment.into_iter().collect()),
            network: Some(function.network.or(defaults.network).unwrap_or_default()),
            role: Some(function.role.or_else(|| defaults.role.clone()).unwrap_or_default()),
            layers: Some(function.layers.or_else(|| defaults.layers.clone()).unwrap_or_default()),
            web,
            socket_idle_s,
            instance_concurrency: Some(instance_concurrency),
        },
        lone_file: false,
        file: file.to_owned(),
        handler_line,
    })
}

/// What a function is to serve, none for one that takes events, and how long its WebSockets may be silent.
fn web(
    kind: Option<&Spanned<String>>,
    idle: Option<&Spanned<u32>>,
    file: &Path,
) -> Result<(Option<Serves>, Option<u32>), ManifestError> {
    let invalid = |line: u64, field, message: String| Err(ManifestError::invalid(file, line, field, message));
    let is_web = match kind {
        None => false,
        Some(kind) if kind.value.eq_ignore_ascii_case("event") => false,
        Some(kind) if ["web", "http"].iter().any(|web| kind.value.eq_ignore_ascii_case(web)) => true,
        Some(kind) => {
            let message = format!("{:?} is none of event, web", kind.value);
            return invalid(kind.referenced.line(), "type", message);
        }
    };
    match idle {
        Some(idle) if !is_web => {
            let message = "WebSockets are for functions of type: web".to_owned();
            invalid(idle.referenced.line(), "websocketIdle", message)
        }
        Some(idle) if !(10..=7200).contains(&idle.value) => {
            let message = format!("{} seconds are not possible: use 10 to 7200", idle.value);
            invalid(idle.referenced.line(), "websocketIdle", message)
        }
        Some(idle) => Ok((Some(Serves::Sockets), Some(idle.value))),
        None => Ok((is_web.then_some(Serves::Http), None)),
    }
}

impl FunctionYaml {
    /// One that leaves all else out.
    fn named(name: FunctionName) -> Self {
        Self {
            name,
            namespace: None,
            r#type: None,
            websocket_idle: None,
            instance_concurrency: None,
            runtime: None,
            handler: None,
            code: None,
            ignore: Vec::new(),
            memory: None,
            timeout: None,
            init_timeout: None,
            description: None,
            environment: BTreeMap::new(),
            network: None,
            layers: None,
            role: None,
        }
    }
}

impl FunctionSpec {
    /// Refuses to make another kind of function of what the server has.
    pub(crate) fn check_type(&self, current: &Value) -> Result<(), ManifestError> {
        let have = web_of(current);
        if have == self.settings.web {
            return Ok(());
        }
        let kind = |web: Option<Serves>| match web {
            None => "event",
            Some(Serves::Http) => "web without WebSockets",
            Some(Serves::Sockets) => "web with WebSockets",
        };
        let (is, wanted) = (kind(have), kind(self.settings.web));
        let message = format!(
            "{} is of type {is} on the server, and cannot become one of type {wanted}: delete it first",
            self.name
        );
        let field = if have.is_some() && self.settings.web.is_some() {
            "websocketIdle"
        } else {
            "type"
        };
        Err(ManifestError::invalid(&self.file, self.handler_line, field, message))
    }

    /// The file of the package that is executed, where one is.
    fn program(&self) -> Option<String> {
        let runtime = self.settings.runtime.as_deref().unwrap_or_default();
        match &self.settings.handler {
            _ if self.settings.web.is_some() => Some("scf_bootstrap".to_owned()),
            _ if runtime.eq_ignore_ascii_case("CustomRuntime") => Some("bootstrap".to_owned()),
            Some(handler) if runtime.eq_ignore_ascii_case("Go1") => Some(handler.clone()),
            _ => None,
        }
    }

    /// Refuses a package without the file its handler begins in, as far as that can be told here.
    pub(crate) fn check_package(&self, names: &[String], inert: &[String]) -> Result<(), ManifestError> {
        if let Some(program) = self.program()
            && inert.contains(&program)
        {
            let message =
                format!("{program} is not executable: run `chmod 755 {program}`, and make the zip anew if it is one");
            return Err(ManifestError::invalid(&self.file, self.handler_line, "code", message));
        }
        if self.settings.web.is_some() {
            const PROGRAM: &str = "scf_bootstrap";
            if names.iter().any(|name| name == PROGRAM) {
                return Ok(());
            }
            let message = format!("a web function needs the file {PROGRAM} in the package, and it is not there");
            return Err(ManifestError::invalid(&self.file, self.handler_line, "type", message));
        }
        let (Some(runtime), Some(handler)) = (&self.settings.runtime, &self.settings.handler) else {
            return Ok(());
        };
        let Some((module, _)) = handler.rsplit_once('.').filter(|_| is_python(runtime)) else {
            return Ok(());
        };
        let module = module.replace('.', "/");
        let forms = PYTHON_FORMS.map(|form| format!("{module}{form}"));
        // A link may lead to a folder that has it.
        let is_it = |name: &String| {
            forms.iter().any(|form| {
                form == name
                    || form
                        .strip_prefix(name.as_str())
                        .is_some_and(|rest| rest.starts_with('/'))
            })
        };
        if names.iter().any(is_it) {
            return Ok(());
        }
        let message = format!(
            "{handler} needs the file {} in the package, and it is not there",
            forms[0]
        );
        Err(ManifestError::invalid(
            &self.file,
            self.handler_line,
            "handler",
            message,
        ))
    }
}

fn is_python(runtime: &str) -> bool {
    runtime
        .get(..6)
        .is_some_and(|family| family.eq_ignore_ascii_case("python"))
}

#[cfg(test)]
mod tests;
