//! `GetAccount`: what is used, and what may be.

use skiff_domain::{FunctionName, NamespaceName};

use crate::account::Quotas;
use crate::function::Function;
use crate::plane::ControlPlane;

/// What the account has and may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Every namespace, by name.
    pub namespaces: Vec<NamespaceUsage>,
    /// What the operator allows.
    pub quotas: Quotas,
    /// Most memory of all calls at once, in MB: the operator's limit, or the lower one of the account's owner.
    pub concurrency_mb: u64,
    /// What of it is set apart for single functions, in MB.
    pub reserved_mb: u64,
}

/// What one namespace has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceUsage {
    /// Its name.
    pub namespace: NamespaceName,
    /// Its functions, by name.
    pub functions: Vec<FunctionName>,
    /// What is set apart for them, in MB.
    pub reserved_mb: u64,
    /// The memory of the instances that are kept ready of them, at most, in MB.
    pub provisioned_mb: u64,
}

impl ControlPlane {
    /// What the account has.
    #[must_use]
    pub fn account(&self) -> Account {
        let state = self.inner.state.load();
        let namespaces = state.namespaces().map(|namespace| {
            let inside = || {
                let functions = state.functions();
                functions.filter(|function| function.key.namespace == namespace.name)
            };
            let mut functions: Vec<_> = inside().map(|function| function.key.name.clone()).collect();
            functions.sort();
            let reserved = |function: &std::sync::Arc<Function>| function.reserved_mb;
            NamespaceUsage {
                namespace: namespace.name.clone(),
                functions,
                reserved_mb: inside().filter_map(reserved).sum(),
                provisioned_mb: inside().map(|function| state.provisioned_mb(function)).sum(),
            }
        });
        Account {
            namespaces: namespaces.collect(),
            concurrency_mb: state.account().total_mb(&self.inner.quotas),
            reserved_mb: state.reserved_mb(),
            quotas: self.inner.quotas.clone(),
        }
    }
}
