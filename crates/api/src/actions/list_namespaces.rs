//! ListNamespaces.

use serde::{Deserialize, Serialize};
use skiff_control_plane::{InvalidOrder, InvalidOrderBy, ListNamespaces, Namespace, NamespaceSearch};
use skiff_domain::NamespaceName;

use super::{Call, listing};
use crate::error::ApiError;
use crate::time;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    limit: Option<i64>,
    offset: Option<i64>,
    orderby: Option<String>,
    order: Option<String>,
    search_key: Option<Vec<SearchKey>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct SearchKey {
    key: Option<String>,
    value: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    namespaces: Vec<Entry>,
    total_count: usize,
}

/// `Namespace`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    name: String,
    description: String,
    r#type: &'static str,
    add_time: String,
    mod_time: String,
}

pub(super) fn run(mut call: Call<'_>) -> Result<Answer, ApiError> {
    let request: Request = call.parameters.parse()?;
    let search = request.search_key.unwrap_or_default().into_iter().map(|search| {
        NamespaceSearch::parse(&search.key.unwrap_or_default(), search.value.unwrap_or_default())
            .map_err(|error| ApiError::refused(error.code(), &error))
    });
    let input = ListNamespaces {
        search: search.collect::<Result<_, _>>()?,
        order_by: listing::read(request.orderby, InvalidOrderBy::code)?,
        order: listing::read(request.order, InvalidOrder::code)?,
        page: listing::page(request.offset, request.limit)?,
    };
    let found = call.context.control.list_namespaces(&input);
    Ok(Answer {
        namespaces: found.items.iter().map(|namespace| Entry::of(namespace)).collect(),
        total_count: found.total,
    })
}

impl Entry {
    fn of(namespace: &Namespace) -> Self {
        let is_default = namespace.name == NamespaceName::default();
        Self {
            name: namespace.name.to_string(),
            description: namespace.description.to_string(),
            r#type: if is_default { "default" } else { "custom" },
            add_time: time::to_text(namespace.created_at),
            mod_time: time::to_text(namespace.modified_at),
        }
    }
}
