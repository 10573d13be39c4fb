//! CreateNamespace.

use serde::Deserialize;
use skiff_control_plane::CreateNamespace;

use super::{Call, configuration, names};
use crate::error::ApiError;
use crate::parameters::Unserved;
use crate::reply::Done;

const UNSERVED: &[Unserved] = &[Unserved::new(
    "ResourceEnv",
    "UnsupportedOperation",
    "functions run on this installation's own machines",
)];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    namespace: Option<String>,
    description: Option<String>,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Done, ApiError> {
    call.parameters.refuse(UNSERVED)?;
    let request: Request = call.parameters.parse()?;
    let input = CreateNamespace {
        name: names::required_namespace(request.namespace)?,
        description: configuration::description(request.description)?.unwrap_or_default(),
    };
    let created = call.context.control.create_namespace(input).await;
    created.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Done {})
}
