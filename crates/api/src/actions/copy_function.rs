//! CopyFunction: a function's code, and its configuration unless told otherwise, under another name.

use serde::Deserialize;
use skiff_control_plane::{CopyFunction, CopyWhat, ExistingTarget};
use skiff_domain::FunctionKey;

use super::{Call, configuration, names};
use crate::error::ApiError;
use crate::reply::Done;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    new_function_name: Option<String>,
    namespace: Option<String>,
    target_namespace: Option<String>,
    description: Option<String>,
    target_region: Option<String>,
    r#override: Option<bool>,
    copy_configuration: Option<bool>,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Done, ApiError> {
    let request: Request = call.parameters.parse()?;
    check_region(&call, request.target_region.as_deref())?;
    let source = names::key(request.function_name, request.namespace)?;
    let target_namespace = match names::namespace(request.target_namespace.clone())? {
        // Without a target, the copy stays in the source's namespace.
        _ if request.target_namespace.is_none_or(|text| text.is_empty()) => source.namespace.clone(),
        given => given,
    };
    let target = FunctionKey {
        namespace: target_namespace,
        name: names::function(request.new_function_name, "NewFunctionName")?,
    };
    let input = CopyFunction {
        source,
        target,
        description: configuration::description(request.description)?,
        existing: if request.r#override == Some(true) {
            ExistingTarget::Override
        } else {
            ExistingTarget::Keep
        },
        what: if request.copy_configuration == Some(false) {
            CopyWhat::Code
        } else {
            CopyWhat::CodeAndConfiguration
        },
    };
    let copied = call.context.control.copy_function(input).await;
    copied.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Done {})
}

/// One installation is one region: a copy goes to this one, under its own name or the client's.
fn check_region(call: &Call<'_>, target: Option<&str>) -> Result<(), ApiError> {
    match target.unwrap_or_default() {
        "" => Ok(()),
        here if here == call.context.region || Some(here) == call.region.as_deref() => Ok(()),
        _ => Err(ApiError::new(
            "UnsupportedOperation.Region",
            format!(
                "TargetRegion is not served: the only region here is {}",
                call.context.region
            ),
        )),
    }
}
