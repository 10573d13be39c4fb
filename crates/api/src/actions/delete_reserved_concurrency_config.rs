//! DeleteReservedConcurrencyConfig.

use serde::Deserialize;

use super::{Call, names};
use crate::error::ApiError;
use crate::reply::Done;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    namespace: Option<String>,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Done, ApiError> {
    let request: Request = call.parameters.parse()?;
    let key = names::key(request.function_name, request.namespace)?;
    let released = call.context.control.release_concurrency(key).await;
    released.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Done {})
}
