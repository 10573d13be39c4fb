//! What listings have in common on the wire: order, page, filters.

use std::error::Error;
use std::str::FromStr;

use serde::Deserialize;
use skiff_control_plane::Page;

use crate::error::ApiError;

/// Most entries of one answer. There are fewer of anything that is listed.
const LIMIT_MAX: i64 = 1000;

/// `Filter`: a name and the values of which any may hold.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Filter {
    name: Option<String>,
    values: Option<Vec<String>>,
}

impl Filter {
    pub(super) fn into_pair(self) -> (String, Vec<String>) {
        (self.name.unwrap_or_default(), self.values.unwrap_or_default())
    }
}

/// A word with a default and a code for what is no such word.
pub(super) fn read<T>(given: Option<String>, code: impl FnOnce(&T::Err) -> &'static str) -> Result<T, ApiError>
where
    T: FromStr + Default,
    T::Err: Error + 'static,
{
    match given.filter(|text| !text.is_empty()) {
        None => Ok(T::default()),
        Some(text) => text.parse().map_err(|error| ApiError::refused(code(&error), &error)),
    }
}

/// Offset 0 and limit 20 where none is given (CONTRACT 2.5). A larger limit than can be is as good as the largest.
pub(super) fn page(offset: Option<i64>, limit: Option<i64>) -> Result<Page, ApiError> {
    let invalid = |code, field| ApiError::new(code, format!("{field} is not valid: it cannot be negative"));
    let default = Page::default();
    let offset = match offset {
        None => default.offset,
        Some(offset) => usize::try_from(offset).map_err(|_| invalid("InvalidParameterValue.Offset", "Offset"))?,
    };
    let limit = match limit {
        None => default.limit,
        Some(limit) => {
            usize::try_from(limit.min(LIMIT_MAX)).map_err(|_| invalid("InvalidParameterValue.Limit", "Limit"))?
        }
    };
    Ok(Page { offset, limit })
}
