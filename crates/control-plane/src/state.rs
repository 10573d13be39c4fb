//! Everything the control plane knows, in memory: one immutable table that every change replaces by the next.
//!
//! Functions and namespaces number hundreds, and a change copies pointers only; whoever reads holds no lock and sees
//! one moment. Each entry remembers the commit that wrote it: what is older never replaces what is newer.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use skiff_domain::{CodeDigest, FunctionKey, NamespaceName, Version};
use skiff_store::{Expect, Rev};

use crate::document::{Document, DocumentId};
use crate::function::Function;
use crate::namespace::Namespace;

/// A value and the commit that wrote it.
#[derive(Debug, Clone)]
pub(crate) struct Stored<T> {
    pub(crate) value: T,
    pub(crate) rev: Rev,
}

/// A function, and what its instances see of it.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) function: Arc<Function>,
    pub(crate) version: Arc<Version>,
}

/// One moment of everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    account: Option<Stored<usize>>,
    namespaces: BTreeMap<NamespaceName, Stored<Arc<Namespace>>>,
    functions: HashMap<FunctionKey, Stored<Known>>,
}

/// What a change does to one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Write {
    /// Writes it.
    Put(Document),
    /// Removes it.
    Remove(DocumentId),
}

impl Write {
    pub(crate) fn id(&self) -> DocumentId {
        match self {
            Self::Put(document) => document.id(),
            Self::Remove(id) => id.clone(),
        }
    }
}

impl State {
    /// How many namespaces there are, as the account's document says.
    pub(crate) fn namespaces_count(&self) -> usize {
        self.account.as_ref().map_or(0, |stored| stored.value)
    }

    pub(crate) fn namespace(&self, name: &NamespaceName) -> Option<&Arc<Namespace>> {
        self.namespaces.get(name).map(|stored| &stored.value)
    }

    /// Every namespace, by name.
    pub(crate) fn namespaces(&self) -> impl Iterator<Item = &Arc<Namespace>> {
        self.namespaces.values().map(|stored| &stored.value)
    }

    pub(crate) fn function(&self, key: &FunctionKey) -> Option<&Arc<Function>> {
        self.functions.get(key).map(|stored| &stored.value.function)
    }

    pub(crate) fn version(&self, key: &FunctionKey) -> Option<&Arc<Version>> {
        self.functions.get(key).map(|stored| &stored.value.version)
    }

    /// What the instances of every function see, in no order.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &Arc<Version>> {
        self.functions.values().map(|stored| &stored.value.version)
    }

    /// Every function, in no order.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &Arc<Function>> {
        self.functions.values().map(|stored| &stored.value.function)
    }

    /// True while a function's code is this package.
    pub(crate) fn uses(&self, code: &CodeDigest) -> bool {
        self.functions().any(|function| function.code == *code)
    }

    /// What a change that was decided on this moment must find when it is committed.
    pub(crate) fn expect(&self, id: &DocumentId) -> Expect {
        self.rev(id).map_or(Expect::Absent, Expect::Rev)
    }

    fn rev(&self, id: &DocumentId) -> Option<Rev> {
        match id {
            DocumentId::Account => self.account.as_ref().map(|stored| stored.rev),
            DocumentId::Namespace(name) => self.namespaces.get(name).map(|stored| stored.rev),
            DocumentId::Function(key) => self.functions.get(key).map(|stored| stored.rev),
        }
    }

    /// Takes in what a commit wrote, unless something newer is here already.
    pub(crate) fn apply(&mut self, write: &Write, rev: Rev) {
        if self.rev(&write.id()).is_some_and(|known| known >= rev) {
            return;
        }
        match write {
            Write::Put(Document::Account { namespaces }) => {
                self.account = Some(Stored {
                    value: *namespaces,
                    rev,
                });
            }
            Write::Put(Document::Namespace(namespace)) => {
                let value = Arc::new(namespace.clone());
                self.namespaces.insert(namespace.name.clone(), Stored { value, rev });
            }
            Write::Put(Document::Function(function)) => {
                let value = Known {
                    version: Arc::new(function.version()),
                    function: Arc::new((**function).clone()),
                };
                self.functions.insert(function.key.clone(), Stored { value, rev });
            }
            Write::Remove(DocumentId::Account) => self.account = None,
            Write::Remove(DocumentId::Namespace(name)) => {
                self.namespaces.remove(name);
            }
            Write::Remove(DocumentId::Function(key)) => {
                self.functions.remove(key);
            }
        }
    }

    /// Takes in that a document is gone.
    pub(crate) fn forget(&mut self, id: &DocumentId) {
        if let Some(Rev(rev)) = self.rev(id) {
            self.apply(&Write::Remove(id.clone()), Rev(rev.saturating_add(1)));
        }
    }
}
