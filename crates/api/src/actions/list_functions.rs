//! ListFunctions.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use skiff_control_plane::{Function, FunctionFilters, InvalidOrder, InvalidOrderBy, ListFunctions};

use super::configuration::{self, Pair};
use super::listing::{self, Filter};
use super::{Call, names};
use crate::error::ApiError;
use crate::time;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    order: Option<String>,
    orderby: Option<String>,
    offset: Option<i64>,
    limit: Option<i64>,
    search_key: Option<String>,
    namespace: Option<String>,
    description: Option<String>,
    filters: Option<Vec<Filter>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    functions: Vec<Entry>,
    total_count: usize,
}

/// `Function`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    function_name: String,
    function_id: String,
    namespace: String,
    description: String,
    r#type: &'static str,
    runtime: &'static str,
    status: &'static str,
    status_desc: &'static str,
    status_reasons: [(); 0],
    add_time: String,
    mod_time: String,
    tags: Vec<Pair>,
    total_provisioned_concurrency_mem: u64,
    reserved_concurrency_mem: Option<u64>,
    async_run_enable: &'static str,
    trace_enable: &'static str,
}

pub(super) fn run(mut call: Call<'_>) -> Result<Answer, ApiError> {
    let request: Request = call.parameters.parse()?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let filters = request
        .filters
        .unwrap_or_default()
        .into_iter()
        .map(Filter::into_pair)
        .collect();
    let input = ListFunctions {
        namespace: given(request.namespace)
            .map(|text| names::namespace(Some(text)))
            .transpose()?,
        search_key: given(request.search_key),
        description: given(request.description),
        filters: FunctionFilters::parse(filters).map_err(|error| ApiError::refused(error.code(), &error))?,
        order_by: listing::read(request.orderby, InvalidOrderBy::code)?,
        order: listing::read(request.order, InvalidOrder::code)?,
        page: listing::page(request.offset, request.limit)?,
    };
    let found = call.context.control.list_functions(&input);
    let found = found.map_err(|error| ApiError::refused(error.code(), &error))?;
    let control = &call.context.control;
    let entry = |function: &Arc<Function>| Entry::of(function, control.provisioned_mb(function));
    let functions = found.items.iter().map(entry).collect();
    Ok(Answer {
        functions,
        total_count: found.total,
    })
}

impl Entry {
    fn of(function: &Function, provisioned_mb: u64) -> Self {
        Self {
            function_name: function.key.name.to_string(),
            function_id: function.uid.to_string(),
            namespace: function.key.namespace.to_string(),
            description: function.configuration.description.to_string(),
            r#type: function.function_type().as_str(),
            runtime: function.configuration.runtime.as_str(),
            status: function.status().as_str(),
            status_desc: "",
            status_reasons: [],
            add_time: time::to_text(function.created_at),
            mod_time: time::to_text(function.modified_at),
            tags: configuration::pairs(function.tags.as_slice()),
            total_provisioned_concurrency_mem: provisioned_mb,
            reserved_concurrency_mem: function.reserved_mb,
            async_run_enable: "FALSE",
            trace_enable: "FALSE",
        }
    }
}
