//! GetLayerVersion: a version of a layer, and where its content can be had.

use serde::Serialize;

use super::layer::{self, VersionFields};
use super::{Call, download};
use crate::error::ApiError;
use crate::time;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    layer_name: String,
    layer_version: u64,
    compatible_runtimes: Vec<&'static str>,
    code_sha256: String,
    location: String,
    add_time: String,
    description: String,
    license_info: String,
    status: &'static str,
}

pub(super) fn run(mut call: Call<'_>) -> Result<Answer, ApiError> {
    let request: VersionFields = call.parameters.parse()?;
    let wanted = request.read()?;
    let view = call.context.control.get_layer_version(&wanted);
    let version = view.map_err(|error| ApiError::refused(error.code(), &error))?.version;
    Ok(Answer {
        layer_name: version.name.to_string(),
        layer_version: version.number.get(),
        compatible_runtimes: layer::runtime_names(&version),
        code_sha256: version.code.to_string(),
        location: download::link(&call, &version.code),
        add_time: time::to_text(version.published_at),
        description: version.description.to_string(),
        license_info: version.license.as_str().to_owned(),
        status: layer::ACTIVE,
    })
}
