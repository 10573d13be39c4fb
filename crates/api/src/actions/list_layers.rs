//! ListLayers: each layer with its newest version.

use serde::{Deserialize, Serialize};
use skiff_control_plane::ListLayers;

use super::layer::{self, Entry};
use super::{Call, listing};
use crate::error::ApiError;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    compatible_runtime: Option<String>,
    offset: Option<i64>,
    limit: Option<i64>,
    search_key: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    layers: Vec<Entry>,
    total_count: usize,
}

pub(super) fn run(mut call: Call<'_>) -> Result<Answer, ApiError> {
    let request: Request = call.parameters.parse()?;
    let input = ListLayers {
        search_key: request.search_key.filter(|text| !text.is_empty()),
        runtimes: layer::wanted(request.compatible_runtime.as_slice())?,
        page: listing::page(request.offset, request.limit)?,
    };
    let found = call.context.control.list_layers(&input);
    Ok(Answer {
        layers: found.items.iter().map(Entry::of).collect(),
        total_count: found.total,
    })
}
