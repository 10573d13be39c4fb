//! PublishVersion: `$LATEST` as it is now, under the next number.

use serde::{Deserialize, Serialize};
use skiff_control_plane::{PublishVersion, PublishedVersion};

use super::{Call, configuration, names};
use crate::error::ApiError;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    description: Option<String>,
    namespace: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    function_version: String,
    code_size: u64,
    memory_size: u32,
    description: String,
    handler: String,
    timeout: u32,
    runtime: &'static str,
    namespace: String,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Answer, ApiError> {
    let request: Request = call.parameters.parse()?;
    let input = PublishVersion {
        key: names::key(request.function_name, request.namespace)?,
        // An empty description is as good as none, as with every client that always sends the field.
        description: configuration::description(request.description.filter(|text| !text.is_empty()))?,
    };
    let published = call.context.control.publish_version(input).await;
    let published = published.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Answer::of(&published))
}

impl Answer {
    fn of(version: &PublishedVersion) -> Self {
        let configuration = &version.configuration;
        Self {
            function_version: version.number.to_string(),
            code_size: configuration.code_bytes,
            memory_size: configuration.memory.mb(),
            description: configuration.description.to_string(),
            handler: configuration.handler.clone(),
            timeout: configuration.timeout.secs(),
            runtime: configuration.runtime.as_str(),
            namespace: version.key.namespace.to_string(),
        }
    }
}
