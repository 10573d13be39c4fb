//! `GetAccount`: what is used.

use skiff_domain::{FunctionName, NamespaceName};

use crate::plane::ControlPlane;

/// What the account has. Its limits are `skiff_domain::limits`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Every namespace, by name.
    pub namespaces: Vec<NamespaceUsage>,
}

/// What one namespace has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceUsage {
    /// Its name.
    pub namespace: NamespaceName,
    /// Its functions, by name.
    pub functions: Vec<FunctionName>,
}

impl ControlPlane {
    /// What the account has.
    #[must_use]
    pub fn account(&self) -> Account {
        let state = self.inner.state.load();
        let namespaces = state.namespaces().map(|namespace| {
            let inside = state
                .functions()
                .filter(|function| function.key.namespace == namespace.name);
            let mut functions: Vec<_> = inside.map(|function| function.key.name.clone()).collect();
            functions.sort();
            NamespaceUsage {
                namespace: namespace.name.clone(),
                functions,
            }
        });
        Account {
            namespaces: namespaces.collect(),
        }
    }
}
