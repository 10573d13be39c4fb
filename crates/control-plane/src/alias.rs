//! Aliases: names for versions that stay while the versions behind them change.

use std::collections::BTreeMap;

use jiff::Timestamp;
use skiff_domain::{AliasName, VersionRef};

use crate::routing::Routing;
use crate::settings::Description;

/// An alias of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// Its name.
    pub name: AliasName,
    /// What its user says it is for.
    pub description: Description,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub modified_at: Timestamp,
    /// The main version.
    pub version: VersionRef,
    /// Which calls go elsewhere.
    pub routing: Routing,
}

impl Alias {
    /// True when calls may go to this version.
    pub(crate) fn leads_to(&self, version: VersionRef) -> bool {
        self.version == version || self.routing.versions().any(|other| other == version)
    }
}

/// A function's aliases, by name. `$DEFAULT` is always among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aliases(BTreeMap<AliasName, Alias>);

impl Aliases {
    /// `$DEFAULT` alone, leading to `$LATEST`.
    pub(crate) fn new(created_at: Timestamp) -> Self {
        Self::with(Vec::new(), created_at)
    }

    /// These, and `$DEFAULT` leading to `$LATEST` if it is not among them.
    pub(crate) fn with(aliases: Vec<Alias>, created_at: Timestamp) -> Self {
        let aliases = aliases.into_iter().map(|alias| (alias.name.clone(), alias));
        let mut aliases: BTreeMap<_, _> = aliases.collect();
        let name = AliasName::default_alias();
        aliases.entry(name.clone()).or_insert_with(|| Alias {
            name,
            description: Description::default(),
            created_at,
            modified_at: created_at,
            version: VersionRef::Latest,
            routing: Routing::default(),
        });
        Self(aliases)
    }

    /// The alias of this name.
    #[must_use]
    pub fn get(&self, name: &AliasName) -> Option<&Alias> {
        self.0.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Alias> {
        self.0.values()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds one, or replaces the one of its name.
    pub(crate) fn put(&mut self, alias: Alias) {
        self.0.insert(alias.name.clone(), alias);
    }

    /// Takes one out. Not for `$DEFAULT`.
    pub(crate) fn remove(&mut self, name: &AliasName) {
        self.0.remove(name);
    }

    /// Takes a version out of all of them: those of which it is the main one go, `$DEFAULT` back to `$LATEST`, and the
    /// others send no call there any more.
    pub(crate) fn forget(&mut self, version: VersionRef, now: Timestamp) {
        self.0
            .retain(|name, alias| alias.version != version || name.is_default());
        for alias in self.0.values_mut().filter(|alias| alias.leads_to(version)) {
            if alias.version == version {
                alias.version = VersionRef::Latest;
            }
            alias.routing = alias.routing.without(version);
            alias.modified_at = now;
        }
    }
}
