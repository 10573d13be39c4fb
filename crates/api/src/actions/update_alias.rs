//! UpdateAlias: where an alias leads from now on. Routing that is not stated anew is gone; a description stays.

use super::{Call, alias};
use crate::error::ApiError;
use crate::reply::Done;

pub(super) async fn run(mut call: Call<'_>) -> Result<Done, ApiError> {
    let request: alias::Request = call.parameters.parse()?;
    let updated = call.context.control.update_alias(request.read()?).await;
    updated.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Done {})
}
