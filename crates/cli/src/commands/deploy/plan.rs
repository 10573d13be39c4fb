//! `skiff deploy --plan`: what a deployment would do, said without doing it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use skiff_domain::{CodeDigest, NamespaceName};

use super::change::change;
use super::{Step, Update, shown, step};
use crate::client::Client;
use crate::console::{Console, Format, bytes, text};
use crate::error::CliError;
use crate::manifest::FunctionSpec;
use crate::package::Package;

/// How much of a digest people are shown.
const DIGEST_SHOWN: usize = 12;
const UNCHANGED: &str = "unchanged";

/// Prints what would be done. Asks the server, and nothing but questions.
pub(super) fn show(
    client: &Client,
    console: &mut Console,
    specs: &[FunctionSpec],
    packages: &[Package],
) -> Result<(), CliError> {
    let wanted: BTreeSet<&NamespaceName> = specs.iter().map(|spec| &spec.namespace).collect();
    let existing = client.list("ListNamespaces", &json!({}), "Namespaces")?;
    let missing = |namespace: &NamespaceName| !existing.iter().any(|one| one["Name"] == json!(namespace));
    for namespace in wanted.into_iter().filter(|namespace| missing(namespace)) {
        console.say(format_args!("namespace {namespace} would be created"))?;
    }
    let mut report = Vec::new();
    for (spec, package) in specs.iter().zip(packages) {
        let digest = CodeDigest::of(&package.zip).to_string();
        let planned = match step(client, spec, package)? {
            Step::Create => creation(spec, &digest),
            Step::Update(update) => changes(&update, spec, &digest),
        };
        if console.format == Format::Table {
            let size = bytes(package.zip.len() as u64);
            let what = match planned.action {
                UNCHANGED => "would stay as it is".to_owned(),
                action => format!("would be {action}"),
            };
            let mut lines = format!("{} {what} ({size})\n", shown(spec));
            planned
                .changes
                .iter()
                .for_each(|change| lines.push_str(&format!("  {change}\n")));
            console.print(format_args!("{lines}"))?;
        }
        report.push(json!({
            "name": spec.name, "namespace": spec.namespace, "action": planned.action, "changes": planned.changes,
            "code": {"before": planned.before, "after": digest}, "zipBytes": package.zip.len(), "files": package.files,
        }));
    }
    if console.format == Format::Json {
        console.json(&report)?;
    }
    Ok(())
}

/// What would become of one function.
struct Planned {
    action: &'static str,
    /// Line by line.
    changes: Vec<String>,
    /// The digest of the code it has.
    before: Value,
}

fn creation(spec: &FunctionSpec, digest: &str) -> Planned {
    let settings = &spec.settings;
    let params = Value::Object(settings.params());
    let list = |items: Vec<String>| items.join(", ");
    let layers = settings.layers.iter().flatten().map(ToString::to_string).collect();
    // Values may be secrets: they are not shown.
    let variables = settings
        .environment
        .iter()
        .flatten()
        .map(|(key, _)| key.clone())
        .collect();
    let network = settings.network.map(|mode| mode.to_string()).unwrap_or_default();
    let shared = settings.instance_concurrency.filter(|events| *events > 1);
    let said = [
        ("type", text(&params, "Type")),
        ("runtime", text(&params, "Runtime")),
        ("handler", text(&params, "Handler")),
        ("memory", text(&params, "MemorySize")),
        ("timeout", text(&params, "Timeout")),
        ("initTimeout", text(&params, "InitTimeout")),
        (
            "instanceConcurrency",
            shared.map(|events| events.to_string()).unwrap_or_default(),
        ),
        ("description", text(&params, "Description")),
        ("network", network),
        ("layers", list(layers)),
        ("role", text(&params, "Role")),
        ("environment", list(variables)),
        ("code", short(digest).to_owned()),
    ];
    let given = said.iter().filter(|(_, value)| !value.is_empty());
    Planned {
        action: "created",
        changes: given.map(|(word, value)| format!("{word} {value}")).collect(),
        before: Value::Null,
    }
}

fn changes(update: &Update, spec: &FunctionSpec, digest: &str) -> Planned {
    let mut changes = update.changes.clone();
    if update.moved {
        let handler = spec.settings.handler.as_deref().unwrap_or_default();
        changes.push(change("handler", &text(&update.current, "Handler"), handler));
    }
    if update.recoded {
        changes.push(change(
            "code",
            short(&text(&update.current, "CodeSha256")),
            short(digest),
        ));
    }
    Planned {
        action: if changes.is_empty() { UNCHANGED } else { "updated" },
        changes,
        before: update.current["CodeSha256"].clone(),
    }
}

fn short(digest: &str) -> &str {
    digest.get(..DIGEST_SHOWN).unwrap_or(digest)
}
