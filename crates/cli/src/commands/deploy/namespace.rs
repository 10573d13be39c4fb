//! Namespaces that a file names and the server lacks: created when their first function is, and gone with it should it fail.

use std::collections::BTreeSet;

use serde_json::json;
use skiff_domain::NamespaceName;

use super::not_deployed;
use crate::client::Client;
use crate::console::Console;
use crate::error::CliError;
use crate::manifest::FunctionSpec;
use crate::settings::layer_params;

/// The namespaces of these functions that are not there yet.
pub(super) fn missing<'a>(client: &Client, specs: &'a [FunctionSpec]) -> Result<BTreeSet<&'a NamespaceName>, CliError> {
    let mut wanted: BTreeSet<&NamespaceName> = specs.iter().map(|spec| &spec.namespace).collect();
    wanted.remove(&NamespaceName::default());
    if !wanted.is_empty() {
        let existing = client.list("ListNamespaces", &json!({}), "Namespaces")?;
        wanted.retain(|namespace| !existing.iter().any(|one| one["Name"] == json!(namespace)));
    }
    Ok(wanted)
}

/// Refuses functions of new namespaces whose layers are not there. (A function that is there may have layers that are not.)
pub(super) fn check_layers(
    client: &Client,
    specs: &[FunctionSpec],
    missing: &BTreeSet<&NamespaceName>,
) -> Result<(), CliError> {
    for spec in specs.iter().filter(|spec| missing.contains(&spec.namespace)) {
        for layer in spec.settings.layers.iter().flatten() {
            let found = client.probe("GetLayerVersion", &layer_params(layer));
            found.map_err(|error| not_deployed(spec, None, error))?;
        }
    }
    Ok(())
}

/// Creates a namespace; false where someone else just did.
pub(super) fn create(client: &Client, console: &mut Console, namespace: &NamespaceName) -> Result<bool, CliError> {
    match client.probe("CreateNamespace", &json!({"Namespace": namespace})) {
        Ok(_) => {
            console.say(format_args!("namespace {namespace} created"))?;
            Ok(true)
        }
        Err(CliError::Refused { code, .. }) if code.starts_with("ResourceInUse") => Ok(false),
        Err(error) => Err(error),
    }
}

/// Deletes a namespace that was created in vain. The server keeps one with a function in it.
pub(super) fn take_away(client: &Client, console: &mut Console, namespace: &NamespaceName) -> Result<(), CliError> {
    if client
        .probe("DeleteNamespace", &json!({"Namespace": namespace}))
        .is_ok()
    {
        console.say(format_args!("namespace {namespace} deleted again: nothing is in it"))?;
    }
    Ok(())
}
