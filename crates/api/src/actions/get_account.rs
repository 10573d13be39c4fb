//! GetAccount: what is used and what may be (CONTRACT 4.8).

use serde::Serialize;
use skiff_control_plane::{NamespaceUsage, Quotas};
use skiff_domain::NamespaceName;
use skiff_domain::limits::{INIT_TIMEOUT_S_MAX, TIMEOUT_S_MAX};

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
    /// What the operator allows to run at once.
    total_concurrency_mem: u64,
    /// What is set apart for single functions.
    total_allocated_concurrency_mem: u64,
    /// What may run at once: what the account's owner has set, if that is less.
    user_concurrency_mem_limit: u64,
}

/// `NamespaceUsage`. A namespace may use all of the account's concurrency.
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
        .map(|usage| NamespaceLimit::of(&usage.namespace, &account.quotas))
        .collect();
    let count = account.namespaces.len();
    let total_mb = account.concurrency_mb;
    let namespaces = account.namespaces.into_iter();
    let namespaces = namespaces.map(|usage| NamespaceUse::of(usage, total_mb));
    Ok(Answer {
        account_limit: Limits {
            namespaces_count: account.quotas.namespaces_max,
            namespace: limits,
        },
        account_usage: Usage {
            namespaces_count: count,
            namespace: namespaces.collect(),
            total_concurrency_mem: account.quotas.concurrency_mb,
            total_allocated_concurrency_mem: account.reserved_mb,
            user_concurrency_mem_limit: account.concurrency_mb,
        },
    })
}

impl NamespaceUse {
    fn of(usage: NamespaceUsage, total_mb: u64) -> Self {
        Self {
            functions_count: usage.functions.len(),
            functions: usage.functions.into_iter().map(String::from).collect(),
            namespace: usage.namespace.into(),
            total_concurrency_mem: total_mb,
            total_allocated_concurrency_mem: usage.reserved_mb,
            total_allocated_provisioned_mem: usage.provisioned_mb,
        }
    }
}

impl NamespaceLimit {
    fn of(namespace: &NamespaceName, quotas: &Quotas) -> Self {
        Self {
            namespace: namespace.to_string(),
            functions_count: quotas.functions_per_namespace_max,
            concurrent_executions: quotas.function_concurrency_max,
            timeout_limit: TIMEOUT_S_MAX,
            init_timeout_limit: INIT_TIMEOUT_S_MAX,
        }
    }
}
