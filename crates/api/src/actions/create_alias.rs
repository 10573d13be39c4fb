//! CreateAlias.

use super::{Call, alias};
use crate::error::ApiError;
use crate::reply::Done;

pub(super) async fn run(mut call: Call<'_>) -> Result<Done, ApiError> {
    let request: alias::Request = call.parameters.parse()?;
    let created = call.context.control.create_alias(request.read()?).await;
    created.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Done {})
}
