//! GetFunctionAddress: where a version's package can be had.

use serde::{Deserialize, Serialize};
use skiff_domain::Qualifier;

use super::{Call, download, names};
use crate::error::ApiError;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    qualifier: Option<String>,
    namespace: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    url: String,
    code_sha256: String,
}

pub(super) fn run(mut call: Call<'_>) -> Result<Answer, ApiError> {
    let request: Request = call.parameters.parse()?;
    let key = names::key(request.function_name, request.namespace)?;
    let qualifier = names::qualifier(request.qualifier, Qualifier::LATEST)?;
    let view = call.context.control.get_function(&key, &qualifier);
    let view = view.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Answer {
        url: download::link(&call, &view.configuration.code),
        code_sha256: view.configuration.code.to_string(),
    })
}
