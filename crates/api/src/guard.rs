//! What callers that act in a role may do. The root credential may do everything, and nothing here concerns it.

use skiff_auth::{AuthError, Identity};
use skiff_control_plane::ControlPlane;
use skiff_domain::{FunctionKey, Qualifier};

use crate::error::ApiError;
use crate::parameters::Parameters;

/// What changes or copies a function's code or role: who can do that can act in its role.
const CHANGES: [&str; 3] = ["CopyFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration"];

/// Refuses a request that the caller's role does not let do: every function and namespace that it names has to be
/// granted, and no role comes by another one.
pub(crate) fn check(
    control: &ControlPlane,
    identity: &Identity,
    action: &str,
    parameters: &Parameters,
) -> Result<(), ApiError> {
    let Some(session) = &identity.session else {
        return Ok(());
    };
    let targets = targets(action, parameters);
    for target in &targets {
        identity.may(action, target)?;
    }
    let asked = parameters.text("Role").filter(|role| !role.is_empty());
    let mut roles: Vec<String> = asked.map(str::to_owned).into_iter().collect();
    if CHANGES.contains(&action) {
        roles.extend(targets.iter().filter_map(|target| role_of(control, target)));
    }
    match roles.into_iter().find(|role| *role != session.role) {
        None => Ok(()),
        Some(role) => Err(AuthError::OtherRole(role.chars().take(80).collect()).into()),
    }
}

/// The role that a function acts in, of `namespace/name`.
fn role_of(control: &ControlPlane, target: &str) -> Option<String> {
    let (namespace, name) = target.split_once('/')?;
    let key = FunctionKey {
        namespace: namespace.parse().ok()?,
        name: name.parse().ok()?,
    };
    let view = control.get_function(&key, &Qualifier::latest()).ok()?;
    view.configuration.role.as_ref().map(ToString::to_string)
}

/// What a request is about: `namespace/name` of a function, `namespace/` of all in a namespace, or nothing of what is
/// neither.
fn targets(action: &str, parameters: &Parameters) -> Vec<String> {
    let given = |name: &str| parameters.text(name).filter(|text| !text.is_empty());
    let namespace = |name: &str| given(name).unwrap_or("default");
    let own = namespace("Namespace");
    let mut targets = match (given("FunctionName"), action) {
        (Some(function), _) => vec![format!("{own}/{function}")],
        // Its filters may name other namespaces.
        (None, "ListFunctions") if parameters.has("Filters") => vec![String::new()],
        (None, "ListFunctions" | "GetFunctionLogs") => vec![format!("{own}/")],
        (None, _) => match given("Namespace") {
            Some(namespace) => vec![format!("{namespace}/")],
            None => vec![String::new()],
        },
    };
    if let Some(copy) = given("NewFunctionName") {
        let namespace = given("TargetNamespace").unwrap_or(own);
        targets.push(format!("{namespace}/{copy}"));
    }
    targets
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check_targets(action: &str, parameters: &Value, expected: &[&str]) {
        let parameters = Parameters::from_json(parameters.to_string().as_bytes()).unwrap();
        assert_eq!(targets(action, &parameters), expected, "{action}");
    }

    #[test]
    fn a_request_is_about_every_function_and_namespace_it_names() {
        check_targets("Invoke", &json!({"FunctionName": "hello"}), &["default/hello"]);
        let prod = json!({"FunctionName": "hello", "Namespace": "prod"});
        check_targets("GetFunction", &prod, &["prod/hello"]);
        let copy = json!({"FunctionName": "a", "NewFunctionName": "b", "TargetNamespace": "prod"});
        check_targets("CopyFunction", &copy, &["default/a", "prod/b"]);
        let copy = json!({"FunctionName": "a", "NewFunctionName": "b", "Namespace": "prod"});
        check_targets("CopyFunction", &copy, &["prod/a", "prod/b"]);
        check_targets("ListFunctions", &json!({}), &["default/"]);
        check_targets("ListFunctions", &json!({"Filters": [{"Name": "Namespace"}]}), &[""]);
        check_targets("GetFunctionLogs", &json!({"FunctionRequestId": "x"}), &["default/"]);
        check_targets("DeleteNamespace", &json!({"Namespace": "prod"}), &["prod/"]);
        for action in [
            "GetAccount",
            "ListNamespaces",
            "ListLayers",
            "PublishLayerVersion",
            "DeleteLayerVersion",
        ] {
            check_targets(action, &json!({"LayerName": "deps"}), &[""]);
        }
        check_targets("Invoke", &json!({"FunctionName": 7}), &[""]);
    }
}
