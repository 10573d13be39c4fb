//! DeleteFunctionVersion: one published version.

use serde::Deserialize;
use skiff_control_plane::{BoundAliases, DeleteFunctionVersion};

use super::{Call, configuration, names};
use crate::error::ApiError;
use crate::reply::Done;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    qualifier: Option<String>,
    namespace: Option<String>,
    force_delete: Option<String>,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Done, ApiError> {
    let request: Request = call.parameters.parse()?;
    let qualifier = names::optional_qualifier(request.qualifier)?;
    let bound = match configuration::switch(request.force_delete.as_deref(), "ForceDelete")? {
        true => BoundAliases::Unbind,
        false => BoundAliases::Keep,
    };
    let input = DeleteFunctionVersion {
        key: names::key(request.function_name, request.namespace)?,
        qualifier: qualifier.ok_or_else(|| ApiError::missing("Qualifier"))?,
        bound,
    };
    let deleted = call.context.control.delete_function_version(input).await;
    deleted.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Done {})
}
