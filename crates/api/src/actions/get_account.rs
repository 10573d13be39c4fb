//! GetAccount: what is used and what may be (CONTRACT 4.8).

use serde::Serialize;
use skiff_control_plane::NamespaceUsage;
use skiff_domain::NamespaceName;
use skiff_domain::limits::{
    ACCOUNT_CONCURRENCY_MB, FUNCTION_CONCURRENCY_MAX, FUNCTIONS_PER_NAMESPACE_MAX, INIT_TIMEOUT_S_MAX, NAMESPACES_MAX,
    TIMEOUT_S_MAX,
};

use super::Call;
use crate::error::ApiError;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    account_usage: Usage,
    account_limit: Limits,
}

/// `UsageInfo`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Usage {
    namespaces_count: usize,
    namespace: Vec<NamespaceUse>,
    /// What may run at once, and what of it is set apart.
    total_concurrency_mem: u64,
    total_allocated_concurrency_mem: u64,
    user_concurrency_mem_limit: u64,
}

/// `NamespaceUsage`. Nothing is set apart for a namespace.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct NamespaceUse {
    functions: Vec<String>,
    namespace: String,
    functions_count: usize,
    total_concurrency_mem: u64,
    total_allocated_concurrency_mem: u64,
    total_allocated_provisioned_mem: u64,
}

/// `LimitsInfo`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Limits {
    namespaces_count: usize,
    namespace: Vec<NamespaceLimit>,
}

/// `NamespaceLimit`, as far as the features are there: a trigger, a test event or a retry has no limit before it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct NamespaceLimit {
    namespace: String,
    functions_count: usize,
    concurrent_executions: u32,
    timeout_limit: u32,
    init_timeout_limit: u32,
}

pub(super) fn run(call: &Call<'_>) -> Result<Answer, ApiError> {
    let account = call.context.control.account();
    let limits = account
        .namespaces
        .iter()
        .map(|usage| NamespaceLimit::of(&usage.namespace))
        .collect();
    Ok(Answer {
        account_limit: Limits {
            namespaces_count: NAMESPACES_MAX,
            namespace: limits,
        },
        account_usage: Usage {
            namespaces_count: account.namespaces.len(),
            namespace: account.namespaces.into_iter().map(NamespaceUse::of).collect(),
            total_concurrency_mem: ACCOUNT_CONCURRENCY_MB,
            total_allocated_concurrency_mem: 0,
            user_concurrency_mem_limit: ACCOUNT_CONCURRENCY_MB,
        },
    })
}

impl NamespaceUse {
    fn of(usage: NamespaceUsage) -> Self {
        Self {
            functions_count: usage.functions.len(),
            functions: usage.functions.into_iter().map(String::from).collect(),
            namespace: usage.namespace.into(),
            total_concurrency_mem: 0,
            total_allocated_concurrency_mem: 0,
            total_allocated_provisioned_mem: 0,
        }
    }
}

impl NamespaceLimit {
    fn of(namespace: &NamespaceName) -> Self {
        Self {
            namespace: namespace.to_string(),
            functions_count: FUNCTIONS_PER_NAMESPACE_MAX,
            concurrent_executions: FUNCTION_CONCURRENCY_MAX,
            timeout_limit: TIMEOUT_S_MAX,
            init_timeout_limit: INIT_TIMEOUT_S_MAX,
        }
    }
}
