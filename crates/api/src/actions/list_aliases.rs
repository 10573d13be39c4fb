//! ListAliases. Its `Offset` and `Limit` are texts (CONTRACT 2.5); numbers, as other listings have, are taken too.

use serde::{Deserialize, Serialize};
use skiff_control_plane::ListAliases;

use super::alias::{self, Entry};
use super::{Call, listing, names};
use crate::error::ApiError;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    namespace: Option<String>,
    function_version: Option<String>,
    offset: Option<NumberText>,
    limit: Option<NumberText>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum NumberText {
    Number(i64),
    Text(String),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    aliases: Vec<Entry>,
    total_count: usize,
}

pub(super) fn run(mut call: Call<'_>) -> Result<Answer, ApiError> {
    let request: Request = call.parameters.parse()?;
    let offset = number(request.offset, "InvalidParameterValue.Offset", "Offset")?;
    let limit = number(request.limit, "InvalidParameterValue.Limit", "Limit")?;
    let input = ListAliases {
        key: names::key(request.function_name, request.namespace)?,
        version: alias::version(request.function_version)?,
        page: listing::page(offset, limit)?,
    };
    let found = call.context.control.list_aliases(&input);
    let found = found.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Answer {
        aliases: found.items.iter().map(Entry::of).collect(),
        total_count: found.total,
    })
}

fn number(given: Option<NumberText>, code: &'static str, field: &str) -> Result<Option<i64>, ApiError> {
    match given {
        None => Ok(None),
        Some(NumberText::Number(number)) => Ok(Some(number)),
        Some(NumberText::Text(text)) if text.is_empty() => Ok(None),
        Some(NumberText::Text(text)) => match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(ApiError::new(code, format!("{field} is not valid: use a whole number"))),
        },
    }
}
