//! Everything the control plane knows, in memory: one immutable table that every change replaces by the next.
//!
//! Functions and namespaces number hundreds, and a change copies pointers only; whoever reads holds no lock and sees
//! one moment. Each entry remembers the commit that wrote it: what is older never replaces what is newer.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use skiff_domain::{CodeDigest, FunctionKey, LayerName, LayerRef, NamespaceName, Version, VersionNumber};
use skiff_store::{Expect, Rev};

use crate::account::AccountRecord;
use crate::document::{Document, DocumentId};
use crate::function::Function;
use crate::layer::{Layer, LayerVersion};
use crate::namespace::Namespace;
use crate::provision::Provision;
use crate::published::PublishedVersion;
use crate::table::Table;

/// A value and the commit that wrote it.
#[derive(Debug, Clone)]
pub(crate) struct Stored<T> {
    pub(crate) value: T,
    pub(crate) rev: Rev,
}

/// The published versions of one function.
type Published = BTreeMap<VersionNumber, Stored<Arc<PublishedVersion>>>;

/// The versions of one layer.
type LayerVersions = BTreeMap<VersionNumber, Stored<Arc<LayerVersion>>>;

/// One moment of everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    account: Option<Stored<AccountRecord>>,
    namespaces: BTreeMap<NamespaceName, Stored<Arc<Namespace>>>,
    functions: HashMap<FunctionKey, Stored<Arc<Function>>>,
    published: HashMap<FunctionKey, Arc<Published>>,
    /// Of each function, made of it and its published versions.
    tables: HashMap<FunctionKey, Arc<Table>>,
    layers: BTreeMap<LayerName, Stored<Arc<Layer>>>,
    layer_versions: HashMap<LayerName, Arc<LayerVersions>>,
    used: Used,
}

/// The packages some version uses, gathered when somebody first asks about this moment.
#[derive(Debug, Default)]
struct Used(OnceLock<HashSet<CodeDigest>>);

impl Clone for Used {
    /// A copy is made to be changed.
    fn clone(&self) -> Self {
        Self::default()
    }
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
    /// The account's document.
    pub(crate) fn account(&self) -> &AccountRecord {
        static NONE: AccountRecord = AccountRecord {
            namespaces: 0,
            concurrency_mb: None,
        };
        self.account.as_ref().map_or(&NONE, |stored| &stored.value)
    }

    /// What is set apart for all functions together, in MB.
    pub(crate) fn reserved_mb(&self) -> u64 {
        self.functions().filter_map(|function| function.reserved_mb).sum()
    }

    /// The memory of the instances that are kept ready of one version, at most, in MB.
    pub(crate) fn provision_mb(&self, function: &Function, number: VersionNumber, provision: &Provision) -> u64 {
        let version = self.published_version(function, number);
        version.map_or(0, |version| {
            u64::from(version.configuration.memory.mb()) * u64::from(provision.most())
        })
    }

    /// The same of all versions of a function.
    pub(crate) fn provisioned_mb(&self, function: &Function) -> u64 {
        let provisions = function.provisions.iter();
        provisions
            .map(|(number, provision)| self.provision_mb(function, *number, provision))
            .sum()
    }

    /// The same of all functions for which nothing is reserved.
    pub(crate) fn provisioned_shared_mb(&self) -> u64 {
        let shared = self.functions().filter(|function| function.reserved_mb.is_none());
        shared.map(|function| self.provisioned_mb(function)).sum()
    }

    pub(crate) fn namespace(&self, name: &NamespaceName) -> Option<&Arc<Namespace>> {
        self.namespaces.get(name).map(|stored| &stored.value)
    }

    /// Every namespace, by name.
    pub(crate) fn namespaces(&self) -> impl Iterator<Item = &Arc<Namespace>> {
        self.namespaces.values().map(|stored| &stored.value)
    }

    pub(crate) fn function(&self, key: &FunctionKey) -> Option<&Arc<Function>> {
        self.functions.get(key).map(|stored| &stored.value)
    }

    /// Every function, in no order.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &Arc<Function>> {
        self.functions.values().map(|stored| &stored.value)
    }

    /// A function's published versions, by number.
    pub(crate) fn published(&self, function: &Function) -> impl DoubleEndedIterator<Item = &Arc<PublishedVersion>> {
        let published = self.published.get(&function.key).into_iter();
        let published = published.flat_map(|published| published.values().map(|stored| &stored.value));
        // A former function of the name may have left some behind when a newer Skiff deleted it.
        let uid = function.uid.clone();
        published.filter(move |version| version.uid == uid)
    }

    pub(crate) fn published_version(
        &self,
        function: &Function,
        number: VersionNumber,
    ) -> Option<&Arc<PublishedVersion>> {
        let published = &self.published.get(&function.key)?.get(&number)?.value;
        Some(published).filter(|version| version.uid == function.uid)
    }

    /// A layer. One whose versions are all deleted is still there, for its numbers.
    pub(crate) fn layer(&self, name: &LayerName) -> Option<&Arc<Layer>> {
        self.layers.get(name).map(|stored| &stored.value)
    }

    /// Every layer, by name.
    pub(crate) fn layers(&self) -> impl Iterator<Item = &Arc<Layer>> {
        self.layers.values().map(|stored| &stored.value)
    }

    /// A layer's versions, by number.
    pub(crate) fn layer_versions(&self, name: &LayerName) -> impl DoubleEndedIterator<Item = &Arc<LayerVersion>> {
        let versions = self.layer_versions.get(name).into_iter();
        versions.flat_map(|versions| versions.values().map(|stored| &stored.value))
    }

    /// False once all its versions are deleted.
    pub(crate) fn has_versions(&self, layer: &Layer) -> bool {
        self.layer_versions.contains_key(&layer.name)
    }

    /// The layer without versions whose last one was deleted first, where there are at least so many.
    pub(crate) fn layer_to_forget(&self, emptied_max: usize) -> Option<&LayerName> {
        let emptied = || self.layers.values().filter(|layer| !self.has_versions(&layer.value));
        // Deleting its last version was the last change of it.
        let first = emptied().min_by_key(|layer| layer.rev)?;
        (emptied().count() >= emptied_max).then_some(&first.value.name)
    }

    pub(crate) fn layer_version(&self, wanted: &LayerRef) -> Option<&Arc<LayerVersion>> {
        Some(&self.layer_versions.get(&wanted.name)?.get(&wanted.number)?.value)
    }

    /// What a function's calls are resolved with.
    pub(crate) fn table(&self, key: &FunctionKey) -> Option<&Arc<Table>> {
        self.tables.get(key)
    }

    /// The table of every function, in no order.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (&FunctionKey, &Arc<Table>)> {
        self.tables.iter()
    }

    /// Every version of every function, in no order.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &Arc<Version>> {
        let tables = self.tables.values();
        tables.flat_map(|table| table.versions().map(|(_, version)| version))
    }

    /// True while some version or layer needs this package.
    pub(crate) fn uses(&self, code: &CodeDigest) -> bool {
        let gather = || {
            let layers = self.layer_versions.values().flat_map(|versions| versions.values());
            let layers = layers.map(|stored| stored.value.code);
            let versions = self.versions().flat_map(|version| version.packages());
            versions.chain(layers).collect()
        };
        self.used.0.get_or_init(gather).contains(code)
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
            DocumentId::Version(key, number) => Some(self.published.get(key)?.get(number)?.rev),
            DocumentId::Layer(name) => self.layers.get(name).map(|stored| stored.rev),
            DocumentId::LayerVersion(name, number) => Some(self.layer_versions.get(name)?.get(number)?.rev),
        }
    }

    /// Takes in what a commit wrote, unless something newer is here already.
    pub(crate) fn apply(&mut self, write: &Write, rev: Rev) {
        self.used = Used::default();
        let id = write.id();
        if self.rev(&id).is_some_and(|known| known >= rev) {
            return;
        }
        match write {
            Write::Put(Document::Account(account)) => {
                let value = account.clone();
                self.account = Some(Stored { value, rev });
            }
            Write::Put(Document::Namespace(namespace)) => {
                let value = Arc::new(namespace.clone());
                self.namespaces.insert(namespace.name.clone(), Stored { value, rev });
            }
            Write::Put(Document::Function(function)) => {
                let value = Arc::new((**function).clone());
                self.functions.insert(function.key.clone(), Stored { value, rev });
            }
            Write::Put(Document::Version(version)) => {
                let value = Arc::new((**version).clone());
                let published = self.published.entry(version.key.clone()).or_default();
                Arc::make_mut(published).insert(version.number, Stored { value, rev });
            }
            Write::Put(Document::Layer(layer)) => {
                let value = Arc::new(layer.clone());
                self.layers.insert(layer.name.clone(), Stored { value, rev });
            }
            Write::Put(Document::LayerVersion(version)) => {
                let value = Arc::new((**version).clone());
                let versions = self.layer_versions.entry(version.name.clone()).or_default();
                Arc::make_mut(versions).insert(version.number, Stored { value, rev });
            }
            Write::Remove(DocumentId::Layer(name)) => {
                self.layers.remove(name);
            }
            Write::Remove(DocumentId::LayerVersion(name, number)) => {
                if let Some(versions) = self.layer_versions.get_mut(name) {
                    let versions = Arc::make_mut(versions);
                    versions.remove(number);
                    if versions.is_empty() {
                        self.layer_versions.remove(name);
                    }
                }
            }
            Write::Remove(DocumentId::Account) => self.account = None,
            Write::Remove(DocumentId::Namespace(name)) => {
                self.namespaces.remove(name);
            }
            Write::Remove(DocumentId::Function(key)) => {
                self.functions.remove(key);
            }
            Write::Remove(DocumentId::Version(key, number)) => {
                if let Some(published) = self.published.get_mut(key) {
                    Arc::make_mut(published).remove(number);
                    if published.is_empty() {
                        self.published.remove(key);
                    }
                }
            }
        }
        if let DocumentId::Function(key) | DocumentId::Version(key, _) = &id {
            self.renew(key);
        }
    }

    /// Makes a function's table anew.
    fn renew(&mut self, key: &FunctionKey) {
        let Some(function) = self.functions.get(key) else {
            self.tables.remove(key);
            return;
        };
        let before = self.tables.get(key).map(|table| &**table);
        let table = Table::new(&function.value, self.published(&function.value), before);
        self.tables.insert(key.clone(), Arc::new(table));
    }

    /// Takes in that a document is gone.
    pub(crate) fn forget(&mut self, id: &DocumentId) {
        if let Some(Rev(rev)) = self.rev(id) {
            self.apply(&Write::Remove(id.clone()), Rev(rev.saturating_add(1)));
        }
    }
}
