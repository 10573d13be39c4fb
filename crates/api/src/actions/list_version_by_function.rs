//! ListVersionByFunction: `$LATEST` and what was published.

use serde::{Deserialize, Serialize};
use skiff_control_plane::{FunctionStatus, InvalidOrder, InvalidOrderBy, ListVersions, VersionEntry};

use super::{Call, listing, names};
use crate::error::ApiError;
use crate::time;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    namespace: Option<String>,
    offset: Option<i64>,
    limit: Option<i64>,
    order: Option<String>,
    order_by: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    function_version: Vec<String>,
    versions: Vec<Entry>,
    total_count: usize,
}

/// `FunctionVersion`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    version: String,
    description: String,
    add_time: String,
    mod_time: String,
    status: &'static str,
}

pub(super) fn run(mut call: Call<'_>) -> Result<Answer, ApiError> {
    let request: Request = call.parameters.parse()?;
    let input = ListVersions {
        key: names::key(request.function_name, request.namespace)?,
        order_by: listing::read(request.order_by, InvalidOrderBy::code)?,
        order: listing::read(request.order, InvalidOrder::code)?,
        page: listing::page(request.offset, request.limit)?,
    };
    let found = call.context.control.list_versions(&input);
    let found = found.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Answer {
        function_version: found.items.iter().map(|entry| entry.version.to_string()).collect(),
        versions: found.items.iter().map(Entry::of).collect(),
        total_count: found.total,
    })
}

impl Entry {
    fn of(entry: &VersionEntry) -> Self {
        Self {
            version: entry.version.to_string(),
            description: entry.configuration.description.to_string(),
            add_time: time::to_text(entry.created_at),
            mod_time: time::to_text(entry.modified_at),
            // What can be seen can be called.
            status: FunctionStatus::Active.as_str(),
        }
    }
}
