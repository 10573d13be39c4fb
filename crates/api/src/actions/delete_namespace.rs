//! DeleteNamespace: an empty one.

use serde::Deserialize;

use super::{Call, names};
use crate::error::ApiError;
use crate::reply::Done;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    namespace: Option<String>,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Done, ApiError> {
    let request: Request = call.parameters.parse()?;
    let name = names::required_namespace(request.namespace)?;
    let deleted = call.context.control.delete_namespace(name).await;
    deleted.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Done {})
}
