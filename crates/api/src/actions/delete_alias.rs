//! DeleteAlias. The versions it led to stay.

use serde::Deserialize;

use super::{Call, alias, names};
use crate::error::ApiError;
use crate::reply::Done;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    name: Option<String>,
    namespace: Option<String>,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Done, ApiError> {
    let request: Request = call.parameters.parse()?;
    let key = names::key(request.function_name, request.namespace)?;
    let name = alias::name(request.name)?;
    let deleted = call.context.control.delete_alias(key, name).await;
    deleted.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Done {})
}
