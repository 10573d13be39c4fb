//! `skiff.yaml`: what a folder wants deployed, one function or many.
//!
//! Owns the file's shape and the words for what is wrong in it. The file states everything: a setting it leaves out has
//! its default, also where the deployed function has another value. Ranges are the server's to judge.

mod error;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;
use skiff_domain::limits::{INIT_TIMEOUT_S_DEFAULT, MEMORY_MB_DEFAULT, TIMEOUT_S_DEFAULT};
use skiff_domain::{FunctionName, NamespaceName, NetworkMode};

pub(crate) use error::ManifestError;

use crate::settings::Settings;

/// The file's name in the folder.
pub(crate) const FILE_NAME: &str = "skiff.yaml";
/// The entry point when none is given (CONTRACT 2.5).
const HANDLER_DEFAULT: &str = "index.main_handler";

/// One function as the file wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FunctionSpec {
    pub(crate) name: FunctionName,
    pub(crate) namespace: NamespaceName,
    /// The folder or zip with its code.
    pub(crate) code: PathBuf,
    /// Patterns, as in `.gitignore`, of what stays out of the package.
    pub(crate) ignore: Vec<String>,
    /// Every one of them given.
    pub(crate) settings: Settings,
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
    memory: Option<u32>,
    timeout: Option<u32>,
    init_timeout: Option<u32>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    network: Option<NetworkMode>,
    #[serde(default)]
    ignore: Vec<String>,
}

/// One function.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct FunctionYaml {
    name: FunctionName,
    namespace: Option<NamespaceName>,
    runtime: Option<String>,
    handler: Option<String>,
    code: Option<Spanned<PathBuf>>,
    #[serde(default)]
    ignore: Vec<String>,
    memory: Option<u32>,
    timeout: Option<u32>,
    init_timeout: Option<u32>,
    description: Option<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    network: Option<NetworkMode>,
}

/// Which of the two shapes a file has.
#[derive(Deserialize)]
struct Shape {
    functions: Option<IgnoredAny>,
    defaults: Option<IgnoredAny>,
}

/// Reads the file of this folder, or this file. Paths in it are relative to its own folder.
pub(crate) fn read(path: &Path) -> Result<Vec<FunctionSpec>, ManifestError> {
    let file = if path.is_dir() {
        path.join(FILE_NAME)
    } else {
        path.to_owned()
    };
    let text = fs::read_to_string(&file).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => ManifestError::NotFound { path: file.clone() },
        _ => ManifestError::Read {
            path: file.clone(),
            source,
        },
    })?;
    parse(&text, &file)
}

/// Reads a text as if it were in this file.
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
        if specs
            .iter()
            .any(|other| (&other.name, &other.namespace) == (&spec.name, &spec.namespace))
        {
            let message = format!(
                "{} is in the file twice: give each function of a namespace once",
                spec.name
            );
            return Err(ManifestError::invalid(file, line, "functions", message));
        }
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
            handler: Some(function.handler.unwrap_or_else(|| HANDLER_DEFAULT.to_owned())),
            memory_mb: Some(function.memory.or(defaults.memory).unwrap_or(MEMORY_MB_DEFAULT)),
            timeout_s: Some(function.timeout.or(defaults.timeout).unwrap_or(TIMEOUT_S_DEFAULT)),
            init_timeout_s: Some(
                function
                    .init_timeout
                    .or(defaults.init_timeout)
                    .unwrap_or(INIT_TIMEOUT_S_DEFAULT),
            ),
            description: Some(function.description.unwrap_or_default()),
            environment: Some(environment.into_iter().collect()),
            network: Some(function.network.or(defaults.network).unwrap_or_default()),
        },
    })
}

#[cfg(test)]
mod tests;
