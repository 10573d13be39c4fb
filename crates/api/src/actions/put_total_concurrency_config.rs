//! PutTotalConcurrencyConfig: what all functions together may run at once.

use serde::Deserialize;

use super::{Call, configuration};
use crate::error::ApiError;
use crate::parameters::Unserved;
use crate::reply::Done;

const UNSERVED: &[Unserved] = &[Unserved::new(
    "Namespace",
    "UnsupportedOperation",
    "the concurrency is the account's; reserve some of it for single functions",
)
.unless(&["default"])];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    total_concurrency_mem: Option<i64>,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Done, ApiError> {
    const FIELD: &str = "TotalConcurrencyMem";
    call.parameters.refuse(UNSERVED)?;
    let request: Request = call.parameters.parse()?;
    let mb = configuration::number(request.total_concurrency_mem, FIELD, "InvalidParameterValue")?;
    let mb = mb.ok_or_else(|| ApiError::missing(FIELD))?;
    let set = call.context.control.set_total_concurrency(mb).await;
    set.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Done {})
}
