//! SCF's `template.yaml` (TCSAM), as its command line reads it (CONTRACT 10.1).

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_saphyr::Spanned;
use skiff_domain::NamespaceName;

use super::foreign::{Concurrency, Pairs, Source, Text, Vpc, no_trigger};
use super::{DefaultsYaml, FunctionYaml, Manifest, ManifestError, check_new, spec};

const FUNCTION: &str = "TencentCloud::Serverless::Function";
const NAMESPACE: &str = "TencentCloud::Serverless::Namespace";
/// What fields are called here and there.
const NAMES: &[(&str, &str)] = &[
    ("memory", "MemorySize"),
    ("timeout", "Timeout"),
    ("handler", "Handler"),
    ("runtime", "Runtime"),
    ("code", "CodeUri"),
    ("instanceConcurrency", "InstanceConcurrencyConfig"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Template {
    #[serde(default)]
    globals: Globals,
    resources: Pairs<Namespace>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Globals {
    #[serde(default)]
    function: Shared,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Shared {
    runtime: Option<Text>,
    timeout: Option<Text>,
    handler: Option<Text>,
    memory_size: Option<Text>,
    #[serde(default)]
    environment: Environment,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Environment {
    #[serde(default)]
    variables: Pairs<String>,
}

/// A namespace: beside its type, its functions by name.
struct Namespace {
    functions: Vec<(Text, Resource)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Resource {
    r#type: Text,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Properties {
    code_uri: Option<Spanned<CodeUri>>,
    r#type: Option<Text>,
    handler: Option<Text>,
    runtime: Option<Text>,
    memory_size: Option<Text>,
    timeout: Option<Text>,
    description: Option<String>,
    role: Option<String>,
    #[serde(default)]
    environment: Environment,
    vpc_config: Option<Spanned<Vpc>>,
    instance_concurrency_config: Option<Concurrency>,
    #[serde(default)]
    events: Pairs<Event>,
}

/// A path, or an object in a bucket.
#[derive(Deserialize)]
#[serde(untagged)]
enum CodeUri {
    Path(String),
    Object(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    r#type: Option<String>,
}

impl<'de> Deserialize<'de> for Namespace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Namespace;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a namespace: Type: {NAMESPACE}, and functions by name")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Namespace, A::Error> {
                let mut kind = None;
                let mut functions = Vec::new();
                while let Some(name) = map.next_key::<Text>()? {
                    if name.value == "Type" {
                        kind = Some(map.next_value::<String>()?);
                    } else {
                        functions.push((name, map.next_value()?));
                    }
                }
                match kind.as_deref() {
                    Some(NAMESPACE) => Ok(Namespace { functions }),
                    Some(other) => Err(A::Error::custom(format!("{other:?} is no {NAMESPACE}"))),
                    None => Err(A::Error::custom(format!("give its Type: {NAMESPACE}"))),
                }
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// Reads the functions of a template, in its order.
pub(super) fn parse(text: &str, file: &Path) -> Result<Manifest, ManifestError> {
    let template: Template = serde_saphyr::from_str(text).map_err(|error| ManifestError::yaml(file, text, &error))?;
    let source = Source {
        file,
        folder: file.parent().unwrap_or(Path::new("")),
        names: NAMES,
    };
    let mut functions = Vec::new();
    for (namespace, resource) in &template.resources.0 {
        let name = source.read::<NamespaceName>(namespace, "Resources")?.value;
        for (function, resource) in &resource.functions {
            let yaml = read(source, function, resource, &template.globals.function)?;
            let lone = lone_file(source, &yaml);
            let line = function.referenced.line();
            let yaml = FunctionYaml {
                namespace: Some(name.clone()),
                ..yaml
            };
            let mut spec = spec(yaml, &DefaultsYaml::default(), source.folder, file, line)
                .map_err(|error| error.renamed(NAMES))?;
            spec.lone_file = lone;
            check_new(&functions, &spec, file, line, "Resources")?;
            functions.push(spec);
        }
    }
    if functions.is_empty() {
        return Err(ManifestError::invalid(
            file,
            1,
            "Resources",
            "there is no function in it",
        ));
    }
    Ok(Manifest {
        functions,
        notes: Vec::new(),
    })
}

fn read(source: Source<'_>, name: &Text, resource: &Resource, shared: &Shared) -> Result<FunctionYaml, ManifestError> {
    let Resource {
        r#type: kind,
        properties,
    } = resource;
    if kind.value != FUNCTION {
        return Err(source.invalid(kind, "Type", format!("{:?} is no {FUNCTION}", kind.value)));
    }
    match &properties.r#type {
        Some(kind) if !["Event", "HTTP"].contains(&kind.value.as_str()) => {
            return Err(source.invalid(kind, "Type", format!("{:?} is none of Event, HTTP", kind.value)));
        }
        _ => {}
    }
    if let Some((event, what)) = properties.events.0.first() {
        let kind = what.r#type.as_deref().unwrap_or("of no type");
        return Err(source.invalid(event, &format!("Events: {}", event.value), no_trigger(kind)));
    }
    let code = match &properties.code_uri {
        None => None,
        Some(uri) => match &uri.value {
            CodeUri::Path(path) => Some(Spanned::new(path.into(), uri.referenced, uri.defined)),
            CodeUri::Object(_) => {
                let message = "code in a bucket cannot be deployed: Skiff has no object storage yet; give a path";
                return Err(source.invalid(uri, "CodeUri", message));
            }
        },
    };
    let given = |own: &Option<Text>, shared: &Option<Text>| own.clone().or_else(|| shared.clone());
    let runtime = given(&properties.runtime, &shared.runtime).filter(|runtime| !runtime.value.is_empty());
    let runtime = runtime.ok_or_else(|| {
        let message = format!("{} needs a Runtime, of its own or in Globals", name.value);
        source.invalid(name, "Runtime", message)
    })?;
    let variables = shared
        .environment
        .variables
        .0
        .iter()
        .chain(&properties.environment.variables.0);
    Ok(FunctionYaml {
        r#type: properties.r#type.clone(),
        runtime: Some(runtime.value),
        handler: given(&properties.handler, &shared.handler),
        code,
        memory: source.number(&given(&properties.memory_size, &shared.memory_size), "MemorySize")?,
        timeout: source.number(&given(&properties.timeout, &shared.timeout), "Timeout")?,
        instance_concurrency: source.concurrency(
            properties.instance_concurrency_config.as_ref(),
            "InstanceConcurrencyConfig",
            |text| Ok(text.clone()),
        )?,
        description: properties.description.clone(),
        role: properties.role.clone(),
        environment: variables
            .map(|(key, value)| (key.value.clone(), value.clone()))
            .collect(),
        network: source.vpc(properties.vpc_config.as_ref(), "VpcConfig")?,
        ..FunctionYaml::named(source.read(name, "Resources")?.value)
    })
}

/// Whether the code is one file that is no archive.
fn lone_file(source: Source<'_>, function: &FunctionYaml) -> bool {
    function.code.as_ref().is_some_and(|code| {
        let archive = code
            .value
            .extension()
            .is_some_and(|ending| ending == "zip" || ending == "jar");
        !archive && source.folder.join(&code.value).is_file()
    })
}

#[cfg(test)]
mod tests;
