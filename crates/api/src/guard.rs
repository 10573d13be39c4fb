//! What callers that act in a role may do. The root credential may do everything, and nothing here concerns it.

use skiff_auth::{AuthError, Identity};

use crate::error::ApiError;
use crate::parameters::Parameters;

/// Refuses a request that the caller's role does not let do: every function and namespace that it names has to be
/// granted, and no role hands on another one.
pub(crate) fn check(identity: &Identity, action: &str, parameters: &Parameters) -> Result<(), ApiError> {
    let Some(session) = &identity.session else {
        return Ok(());
    };
    for target in targets(action, parameters) {
        identity.may(action, &target)?;
    }
    let role = parameters.text("Role").unwrap_or_default();
    if !role.is_empty() && role != session.role {
        let role = role.chars().take(80).collect();
        return Err(AuthError::OtherRole(role).into());
    }
    Ok(())
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
