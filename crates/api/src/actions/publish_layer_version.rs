//! PublishLayerVersion: a zip under a layer's next number.

use serde::{Deserialize, Serialize};
use skiff_control_plane::{License, PublishLayerVersion};

use super::configuration::{self, Pair};
use super::package::{self, Code};
use super::{Call, layer};
use crate::error::ApiError;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    layer_name: Option<String>,
    compatible_runtimes: Option<Vec<String>>,
    content: Option<Code>,
    description: Option<String>,
    license_info: Option<String>,
    tags: Option<Vec<Pair>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    layer_version: u64,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Answer, ApiError> {
    call.parameters.refuse_within("Content", package::UNSERVED)?;
    let request: Request = call.parameters.parse()?;
    // Everything that is cheap to refuse comes before the content is unpacked.
    let name = layer::name(request.layer_name)?;
    let runtimes = request.compatible_runtimes;
    let runtimes = runtimes.ok_or_else(|| ApiError::missing("CompatibleRuntimes"))?;
    let runtimes = layer::compatible(&runtimes)?;
    let license = License::new(request.license_info.unwrap_or_default());
    let license = license.map_err(|error| ApiError::refused(error.code(), &error))?;
    let description = configuration::description(request.description)?.unwrap_or_default();
    let tags = request.tags.map(|tags| configuration::tags(Some(tags))).transpose()?;
    let content = request.content.ok_or_else(|| ApiError::missing("Content"))?;
    let input = PublishLayerVersion {
        name,
        content: package::decode(content.required()?).await?,
        runtimes,
        description,
        license,
        tags,
    };
    let published = call.context.control.publish_layer_version(input).await;
    let published = published.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Answer {
        layer_version: published.number.get(),
    })
}
