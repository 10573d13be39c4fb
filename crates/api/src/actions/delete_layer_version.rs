//! DeleteLayerVersion. Functions that have it keep it (CONTRACT 1.13).

use super::Call;
use super::layer::VersionFields;
use crate::error::ApiError;
use crate::reply::Done;

pub(super) async fn run(mut call: Call<'_>) -> Result<Done, ApiError> {
    let request: VersionFields = call.parameters.parse()?;
    let deleted = call.context.control.delete_layer_version(request.read()?).await;
    deleted.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Done {})
}
