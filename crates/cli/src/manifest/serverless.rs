//! `serverless.yml` with the component scf (CONTRACT 10.2).

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;
use skiff_domain::LayerRef;

use super::foreign::{Concurrency, Env, Pairs, Source, Text, Vpc, no_trigger};
use super::{DefaultsYaml, FunctionYaml, Manifest, ManifestError, spec};

/// What fields are called here and there.
const NAMES: &[(&str, &str)] = &[
    ("memory", "memorySize"),
    ("code", "src"),
    ("instanceConcurrency", "instanceConcurrencyConfig"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Serverless {
    component: Text,
    name: Option<Text>,
    app: Option<Text>,
    stage: Option<Text>,
    org: Option<Text>,
    inputs: Spanned<Inputs>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Inputs {
    name: Option<Text>,
    namespace: Option<Text>,
    src: Option<Spanned<Src>>,
    r#type: Option<Text>,
    handler: Option<Text>,
    runtime: Option<Text>,
    region: Option<Text>,
    description: Option<Text>,
    role: Option<Text>,
    memory_size: Option<Text>,
    timeout: Option<Text>,
    init_timeout: Option<Text>,
    #[serde(default)]
    environment: Environment,
    #[serde(default)]
    layers: Vec<Layer>,
    vpc: Option<Spanned<Vpc>>,
    vpc_config: Option<Spanned<Vpc>>,
    instance_concurrency_config: Option<Concurrency>,
    dead_letter: Option<Spanned<IgnoredAny>>,
    async_run_enable: Option<Text>,
    #[serde(rename = "msgTTL")]
    msg_ttl: Option<Spanned<IgnoredAny>>,
    retry_num: Option<Spanned<IgnoredAny>>,
    cfs: Option<Spanned<IgnoredAny>>,
    cls: Option<Spanned<IgnoredAny>>,
    #[serde(default)]
    events: Vec<Pairs<IgnoredAny>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Environment {
    #[serde(default)]
    variables: Pairs<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Layer {
    name: Text,
    version: Text,
}

/// A path, a path with patterns that stay out, or an object in a bucket.
#[derive(Deserialize)]
#[serde(untagged)]
enum Src {
    Path(String),
    Folder(Folder),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Folder {
    src: String,
    #[serde(default)]
    exclude: Vec<String>,
}

/// What `${...}` may name.
struct Variables<'a> {
    source: Source<'a>,
    env: Env<'a>,
    known: Vec<(&'static str, String)>,
}

impl Variables<'_> {
    /// The text with every `${...}` replaced.
    fn fill(&self, text: &Text, field: &str) -> Result<Text, ManifestError> {
        let mut filled = String::new();
        let mut rest = text.value.as_str();
        while let Some((before, behind)) = rest.split_once("${") {
            let (name, after) = behind.split_once('}').ok_or_else(|| {
                self.source
                    .invalid(text, field, format!("{:?} has a ${{ without its }}", text.value))
            })?;
            filled.push_str(before);
            filled.push_str(&self.value(name.trim(), text, field)?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(Spanned::new(filled, text.referenced, text.defined))
    }

    fn value(&self, name: &str, at: &Text, field: &str) -> Result<String, ManifestError> {
        if let Some(variable) = name.strip_prefix("env:") {
            let unset = || {
                let message = format!("the environment has no {variable}: run it as {variable}=... skiff deploy");
                self.source.invalid(at, field, message)
            };
            return (self.env)(variable.trim()).ok_or_else(unset);
        }
        let known = self.known.iter().find(|(known, _)| *known == name);
        known.map(|(_, value)| value.clone()).ok_or_else(|| {
            let message = format!(
                "${{{name}}} is not known here: use ${{env:NAME}}, or ${{name}}, ${{app}}, ${{stage}} or ${{org}} where the \
                 file has them"
            );
            self.source.invalid(at, field, message)
        })
    }

    fn optional(&self, text: &Option<Text>, field: &str) -> Result<Option<Text>, ManifestError> {
        text.as_ref().map(|text| self.fill(text, field)).transpose()
    }
}

/// Reads the one function of the file.
pub(super) fn parse(text: &str, file: &Path, env: Env<'_>) -> Result<Manifest, ManifestError> {
    let yaml: Serverless = serde_saphyr::from_str(text).map_err(|error| ManifestError::yaml(file, text, &error))?;
    let source = Source {
        file,
        folder: file.parent().unwrap_or(Path::new("")),
        names: NAMES,
    };
    let component = &yaml.component.value;
    if component != "scf" && !component.starts_with("scf@") {
        let message = format!("{component:?} is not a function: Skiff deploys the component scf");
        return Err(source.invalid(&yaml.component, "component", message));
    }
    let mut variables = Variables {
        source,
        env,
        known: Vec::new(),
    };
    for (field, given) in [
        ("name", &yaml.name),
        ("app", &yaml.app),
        ("stage", &yaml.stage),
        ("org", &yaml.org),
    ] {
        if let Some(value) = variables.optional(given, field)? {
            variables.known.push((field, value.value));
        }
    }
    let inputs = &yaml.inputs.value;
    missing(source, inputs)?;
    let line = yaml.inputs.referenced.line();
    let mut notes = Vec::new();
    if let Some(region) = variables.optional(&inputs.region, "region")? {
        notes.push(format!(
            "region {} says nothing here: the server is the one of --endpoint",
            region.value
        ));
    }
    let function = read(&variables, inputs, &yaml.inputs)?;
    let spec = spec(function, &DefaultsYaml::default(), source.folder, file, line)
        .map_err(|error| error.renamed(source.names))?;
    Ok(Manifest {
        functions: vec![spec],
        notes,
    })
}

/// Refuses what Skiff does not have.
fn missing(source: Source<'_>, inputs: &Inputs) -> Result<(), ManifestError> {
    if let Some((event, _)) = inputs.events.iter().flat_map(|event| &event.0).next() {
        return Err(source.invalid(event, "events", no_trigger(&event.value)));
    }
    let parts = [
        ("deadLetter", &inputs.dead_letter, "dead letters"),
        ("msgTTL", &inputs.msg_ttl, "asynchronous calls"),
        ("retryNum", &inputs.retry_num, "asynchronous calls"),
        ("cfs", &inputs.cfs, "file systems"),
        ("cls", &inputs.cls, "a log service"),
    ];
    for (field, given, what) in parts {
        if let Some(given) = given {
            let message = format!("Skiff does not have {what} yet: leave it out");
            return Err(source.invalid(given, field, message));
        }
    }
    Ok(())
}

fn read(variables: &Variables<'_>, inputs: &Inputs, at: &Spanned<Inputs>) -> Result<FunctionYaml, ManifestError> {
    let source = variables.source;
    let text = |given: &Option<Text>, field| variables.optional(given, field);
    let number = |given: &Option<Text>, field| source.number(&variables.optional(given, field)?, field);
    let lacks = |field: &str, example: &str| source.invalid(at, field, format!("give inputs.{field}, e.g. {example}"));
    let name = text(&inputs.name, "name")?.ok_or_else(|| lacks("name", "hello"))?;
    let runtime = text(&inputs.runtime, "runtime")?.ok_or_else(|| lacks("runtime", "Python3.6"))?;
    let kind = text(&inputs.r#type, "type")?;
    if let Some(long) = text(&inputs.async_run_enable, "asyncRunEnable")?
        && long.value != "false"
    {
        let message = "Skiff does not have long asynchronous runs yet: leave it out, or say false";
        return Err(source.invalid(&long, "asyncRunEnable", message));
    }
    let (code, ignore) = code(variables, inputs)?;
    let mut layers = Vec::new();
    for layer in &inputs.layers {
        let (name, version) = (
            variables.fill(&layer.name, "layers")?,
            variables.fill(&layer.version, "layers")?,
        );
        let layer = Spanned::new(
            format!("{}:{}", name.value, version.value),
            name.referenced,
            name.defined,
        );
        layers.push(source.read::<LayerRef>(&layer, "layers")?.value);
    }
    let mut environment = std::collections::BTreeMap::new();
    for (key, value) in &inputs.environment.variables.0 {
        environment.insert(key.value.clone(), variables.fill(value, &key.value)?.value);
    }
    let vpc = source.vpc(inputs.vpc.as_ref(), "vpc")?;
    let namespace = text(&inputs.namespace, "namespace")?;
    Ok(FunctionYaml {
        namespace: namespace
            .map(|name| source.read(&name, "namespace"))
            .transpose()?
            .map(|name| name.value),
        r#type: kind,
        runtime: Some(runtime.value),
        handler: text(&inputs.handler, "handler")?,
        code,
        ignore,
        memory: number(&inputs.memory_size, "memorySize")?,
        timeout: number(&inputs.timeout, "timeout")?,
        init_timeout: number(&inputs.init_timeout, "initTimeout")?,
        instance_concurrency: source.concurrency(
            inputs.instance_concurrency_config.as_ref(),
            "instanceConcurrencyConfig",
            |text| variables.fill(text, "instanceConcurrencyConfig"),
        )?,
        description: text(&inputs.description, "description")?.map(|text| text.value),
        role: text(&inputs.role, "role")?.map(|text| text.value),
        environment,
        network: vpc.or(source.vpc(inputs.vpc_config.as_ref(), "vpcConfig")?),
        layers: Some(layers),
        ..FunctionYaml::named(source.read(&name, "name")?.value)
    })
}

/// Where the code is, and what of it stays out.
fn code(variables: &Variables<'_>, inputs: &Inputs) -> Result<(Option<Spanned<PathBuf>>, Vec<String>), ManifestError> {
    let Some(src) = &inputs.src else {
        return Ok((None, Vec::new()));
    };
    let (path, exclude) = match &src.value {
        Src::Path(path) => (path, Vec::new()),
        Src::Folder(folder) => (&folder.src, folder.exclude.clone()),
        Src::Other(_) => {
            let message = "give a path, or src and exclude: Skiff has no object storage to take code from yet";
            return Err(variables.source.invalid(src, "src", message));
        }
    };
    let path = variables.fill(&Spanned::new(path.clone(), src.referenced, src.defined), "src")?;
    let code = Spanned::new(PathBuf::from(path.value), src.referenced, src.defined);
    Ok((Some(code), exclude))
}

#[cfg(test)]
mod tests;
