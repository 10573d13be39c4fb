//! GetAlias.

use serde::Deserialize;

use super::alias::{self, Entry};
use super::{Call, names};
use crate::error::ApiError;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    name: Option<String>,
    namespace: Option<String>,
}

pub(super) fn run(mut call: Call<'_>) -> Result<Entry, ApiError> {
    let request: Request = call.parameters.parse()?;
    let key = names::key(request.function_name, request.namespace)?;
    let found = call.context.control.get_alias(&key, &alias::name(request.name)?);
    let found = found.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Entry::of(&found))
}
