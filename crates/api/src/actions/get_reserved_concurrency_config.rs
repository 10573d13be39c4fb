//! GetReservedConcurrencyConfig.

use serde::{Deserialize, Serialize};

use super::{Call, names};
use crate::error::ApiError;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    namespace: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    /// In MB; `null` where nothing is reserved.
    reserved_mem: Option<u64>,
}

pub(super) fn run(mut call: Call<'_>) -> Result<Answer, ApiError> {
    let request: Request = call.parameters.parse()?;
    let key = names::key(request.function_name, request.namespace)?;
    let reserved = call.context.control.reserved_concurrency(&key);
    let reserved_mem = reserved.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Answer { reserved_mem })
}
