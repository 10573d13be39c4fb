//! PutReservedConcurrencyConfig: what a function has for itself, and at most.

use serde::Deserialize;

use super::{Call, configuration, names};
use crate::error::ApiError;
use crate::reply::Done;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    reserved_concurrency_mem: Option<i64>,
    namespace: Option<String>,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Done, ApiError> {
    const FIELD: &str = "ReservedConcurrencyMem";
    let request: Request = call.parameters.parse()?;
    let key = names::key(request.function_name, request.namespace)?;
    let mb = configuration::number(request.reserved_concurrency_mem, FIELD, "InvalidParameterValue")?;
    let mb = mb.ok_or_else(|| ApiError::missing(FIELD))?;
    let reserved = call.context.control.reserve_concurrency(key, mb).await;
    reserved.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Done {})
}
