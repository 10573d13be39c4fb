//! ListLayerVersions.

use serde::{Deserialize, Serialize};

use super::Call;
use super::layer::{self, Entry};
use crate::error::ApiError;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    layer_name: Option<String>,
    compatible_runtime: Option<Vec<String>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    layer_versions: Vec<Entry>,
}

pub(super) fn run(mut call: Call<'_>) -> Result<Answer, ApiError> {
    let request: Request = call.parameters.parse()?;
    let name = layer::name(request.layer_name)?;
    let runtimes = layer::wanted(&request.compatible_runtime.unwrap_or_default())?;
    let found = call.context.control.list_layer_versions(&name, &runtimes);
    let found = found.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Answer {
        layer_versions: found.iter().map(Entry::of).collect(),
    })
}
