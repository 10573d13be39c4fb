//! What callers that act in a role may do. The root credential may do everything, and nothing here concerns it.

use skiff_auth::{AuthError, Identity};
use skiff_control_plane::ControlPlane;

use crate::error::ApiError;
use crate::parameters::Parameters;

/// What an action is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// The function that it names.
    Function,
    /// The function that it names, or all in a namespace.
    FunctionOrNamespace,
    /// All in a namespace.
    Namespace,
    /// Neither: the account, the layers, and what there is not. Only who may do everything may do that.
    Account,
}

impl Scope {
    /// What a request names counts only where its action goes by it.
    fn of(action: &str) -> Self {
        match action {
            "CopyFunction"
            | "CreateAlias"
            | "CreateFunction"
            | "DeleteAlias"
            | "DeleteFunction"
            | "DeleteFunctionVersion"
            | "DeleteProvisionedConcurrencyConfig"
            | "DeleteReservedConcurrencyConfig"
            | "GetAlias"
            | "GetFunction"
            | "GetFunctionAddress"
            | "GetProvisionedConcurrencyConfig"
            | "GetRequestStatus"
            | "GetReservedConcurrencyConfig"
            | "Invoke"
            | "InvokeFunction"
            | "ListAliases"
            | "ListVersionByFunction"
            | "PublishVersion"
            | "PutProvisionedConcurrencyConfig"
            | "PutReservedConcurrencyConfig"
            | "UpdateAlias"
            | "UpdateFunctionCode"
            | "UpdateFunctionConfiguration" => Self::Function,
            "GetFunctionLogs" => Self::FunctionOrNamespace,
            "CreateNamespace" | "DeleteNamespace" | "ListFunctions" | "UpdateNamespace" => Self::Namespace,
            _ => Self::Account,
        }
    }
}

/// Whether an action leaves everything as it is. Whatever else is done to a function is done to who acts in its role.
fn only_looks(action: &str) -> bool {
    ["Get", "List", "Invoke"].iter().any(|verb| action.starts_with(verb))
}

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
    identity.still(|function, role| control.acts_in(function, role))?;
    let targets = targets(action, parameters);
    for target in &targets {
        identity.may(action, target)?;
    }
    // Who gives a function a layer reads it.
    if parameters.has("Layers") {
        identity.may("GetLayerVersion", "")?;
    }
    let asked = parameters.text("Role").filter(|role| !role.is_empty());
    let mut roles: Vec<String> = asked.map(str::to_owned).into_iter().collect();
    if !only_looks(action) {
        let own = targets.iter().flat_map(|target| control.roles_of(target));
        roles.extend(own.map(|role| role.to_string()));
    }
    match roles.into_iter().find(|role| *role != session.role) {
        None => Ok(()),
        Some(role) => Err(AuthError::OtherRole(role.chars().take(80).collect()).into()),
    }
}

/// What a request is about: `namespace/name` of a function, `namespace/` of all in a namespace, or nothing of what is
/// neither.
fn targets(action: &str, parameters: &Parameters) -> Vec<String> {
    let given = |name: &str| parameters.text(name).filter(|text| !text.is_empty());
    let own = given("Namespace").unwrap_or("default");
    let of_a_namespace = || vec![format!("{own}/")];
    let mut targets = match (Scope::of(action), given("FunctionName")) {
        (Scope::Function | Scope::FunctionOrNamespace, Some(function)) => vec![format!("{own}/{function}")],
        (Scope::FunctionOrNamespace, None) => of_a_namespace(),
        // Its filters may name other namespaces.
        (Scope::Namespace, _) if !parameters.has("Filters") => of_a_namespace(),
        _ => vec![String::new()],
    };
    if let Some(copy) = given("NewFunctionName").filter(|_| action == "CopyFunction") {
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
            "GetLayerVersion",
            "PutTotalConcurrencyConfig",
            "Nonsense",
        ] {
            for names in [json!({"LayerName": "deps"}), prod.clone(), json!({"Namespace": "prod"})] {
                check_targets(action, &names, &[""]);
            }
        }
        for action in ["DeleteNamespace", "UpdateNamespace", "ListFunctions"] {
            check_targets(action, &prod, &["prod/"]);
        }
        check_targets("Invoke", &json!({"FunctionName": 7}), &[""]);
    }
}
