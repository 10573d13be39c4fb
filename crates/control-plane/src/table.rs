//! What the calls of one function are resolved with: every qualifier and the version it means.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use skiff_domain::{Qualifier, Version, VersionRef};

use crate::function::Function;
use crate::published::PublishedVersion;
use crate::routing::{Draw, Routing};

/// One moment of a function's versions.
#[derive(Debug)]
pub(crate) struct Table {
    versions: BTreeMap<VersionRef, Arc<Version>>,
    targets: HashMap<Qualifier, Target>,
}

/// What a qualifier means.
#[derive(Debug)]
struct Target {
    main: Arc<Version>,
    routing: Routing,
    /// The versions the routing names, in its order.
    others: Vec<Arc<Version>>,
}

impl Table {
    /// The table of a function. A version that is what it was before stays the very same one.
    pub(crate) fn new<'a>(
        function: &Function,
        published: impl Iterator<Item = &'a Arc<PublishedVersion>>,
        before: Option<&Self>,
    ) -> Self {
        let same = |at: VersionRef, version: Version| {
            let before = before.and_then(|before| before.versions.get(&at));
            let same = before.filter(|before| ***before == version);
            (at, same.map_or_else(|| Arc::new(version), Arc::clone))
        };
        let latest = same(VersionRef::Latest, function.version());
        let published = published.map(|one| same(VersionRef::Number(one.number), one.version()));
        let versions: BTreeMap<_, _> = std::iter::once(latest).chain(published).collect();
        let itself = |(at, version): (&VersionRef, &Arc<Version>)| {
            let target = Target {
                main: Arc::clone(version),
                routing: Routing::None,
                others: Vec::new(),
            };
            (Qualifier::from(*at), target)
        };
        let mut targets: HashMap<_, _> = versions.iter().map(itself).collect();
        for alias in function.aliases.iter() {
            let find = |at: VersionRef| versions.get(&at).cloned();
            // An alias names versions that exist. One that does not is as good as not there itself.
            if let Some(main) = find(alias.version)
                && let Some(others) = alias.routing.versions().map(find).collect()
            {
                let routing = alias.routing.clone();
                targets.insert(alias.name.as_qualifier().clone(), Target { main, routing, others });
            }
        }
        Self { versions, targets }
    }

    /// What a call with this qualifier and this draw runs. Allocates nothing.
    pub(crate) fn resolve(&self, qualifier: &Qualifier, draw: &Draw<'_>) -> Option<&Arc<Version>> {
        let target = self.targets.get(qualifier)?;
        let other = target.routing.choose(draw).and_then(|at| target.others.get(at));
        Some(other.unwrap_or(&target.main))
    }

    /// Which version a qualifier means; of an alias, the main one.
    pub(crate) fn at(&self, qualifier: &Qualifier) -> Option<VersionRef> {
        self.targets.get(qualifier)?.main.label.as_str().parse().ok()
    }

    /// A version.
    pub(crate) fn version(&self, at: VersionRef) -> Option<&Arc<Version>> {
        self.versions.get(&at)
    }

    /// Every version.
    pub(crate) fn versions(&self) -> impl Iterator<Item = (VersionRef, &Arc<Version>)> {
        self.versions.iter().map(|(at, version)| (*at, version))
    }
}
