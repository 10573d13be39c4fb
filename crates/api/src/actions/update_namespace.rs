//! UpdateNamespace: another description.

use serde::Deserialize;
use skiff_control_plane::UpdateNamespace;

use super::{Call, configuration, names};
use crate::error::ApiError;
use crate::reply::Done;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    namespace: Option<String>,
    description: Option<String>,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Done, ApiError> {
    let request: Request = call.parameters.parse()?;
    let input = UpdateNamespace {
        name: names::required_namespace(request.namespace)?,
        description: configuration::description(request.description)?
            .ok_or_else(|| ApiError::missing("Description"))?,
    };
    let updated = call.context.control.update_namespace(input).await;
    updated.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Done {})
}
