//! What instances are made from.

use crate::network::NetworkMode;
use crate::version::{RuntimeName, Version};

/// A kind of stem cell: any one of a kind can become an instance of any version of that kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StemKind {
    /// Its runtime.
    pub runtime: RuntimeName,
    /// What it is for.
    pub purpose: Purpose,
    /// What it may reach.
    pub network: NetworkMode,
}

/// What functions take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Events.
    Events,
    /// Requests over HTTP.
    Web,
}

impl Version {
    /// What its instances are made from.
    #[must_use]
    pub fn stem_kind(&self) -> StemKind {
        StemKind {
            runtime: self.runtime.clone(),
            purpose: self.web.map_or(Purpose::Events, |_| Purpose::Web),
            network: self.network,
        }
    }
}
