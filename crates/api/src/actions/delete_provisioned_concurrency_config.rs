//! DeleteProvisionedConcurrencyConfig.

use serde::Deserialize;

use super::{Call, names};
use crate::error::ApiError;
use crate::reply::Done;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    qualifier: Option<String>,
    namespace: Option<String>,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Done, ApiError> {
    let request: Request = call.parameters.parse()?;
    let key = names::key(request.function_name, request.namespace)?;
    let qualifier = names::optional_qualifier(request.qualifier)?;
    let qualifier = qualifier.ok_or_else(|| ApiError::missing("Qualifier"))?;
    let deleted = call.context.control.unprovision_concurrency(key, qualifier).await;
    deleted.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Done {})
}
