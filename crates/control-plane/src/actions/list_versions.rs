//! `ListVersionByFunction`.

use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use skiff_domain::{FunctionKey, VersionRef};

use super::update_function_code::existing;
use crate::configuration::Configuration;
use crate::listing::{InvalidOrderBy, Listing, Order, Page};
use crate::plane::{ControlPlane, ResolveError};

/// Which versions, in which order, and which part of them.
#[derive(Debug, Clone)]
pub struct ListVersions {
    /// Of which function.
    pub key: FunctionKey,
    /// By what they are ordered.
    pub order_by: VersionOrder,
    /// In which direction.
    pub order: Order,
    /// Which part.
    pub page: Page,
}

/// What versions can be ordered by. Versions that are alike in it are ordered by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VersionOrder {
    /// Their numbers, `$LATEST` before all.
    #[default]
    Number,
    /// When they came to be.
    AddTime,
    /// When they last changed, as only `$LATEST` does.
    ModTime,
}

impl FromStr for VersionOrder {
    type Err = InvalidOrderBy;
    /// Any letter case.
    fn from_str(text: &str) -> Result<Self, InvalidOrderBy> {
        match text {
            _ if text.eq_ignore_ascii_case("AddTime") => Ok(Self::AddTime),
            _ if text.eq_ignore_ascii_case("ModTime") => Ok(Self::ModTime),
            _ => Err(InvalidOrderBy {
                given: text.chars().take(80).collect(),
                allowed: "AddTime or ModTime",
            }),
        }
    }
}

/// One version as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionEntry {
    /// Which.
    pub version: VersionRef,
    /// When it came to be.
    pub created_at: Timestamp,
    /// When it last changed.
    pub modified_at: Timestamp,
    /// Its code and configuration.
    pub configuration: Arc<Configuration>,
}

impl ControlPlane {
    /// A function's versions, `$LATEST` among them.
    pub fn list_versions(&self, input: &ListVersions) -> Result<Listing<VersionEntry>, ResolveError> {
        let state = self.inner.state.load();
        let function = existing(&state, &input.key)?;
        let latest = VersionEntry {
            version: VersionRef::Latest,
            created_at: function.created_at,
            modified_at: function.modified_at,
            configuration: Arc::clone(&function.configuration),
        };
        let published = state.published(&function).map(|version| VersionEntry {
            version: VersionRef::Number(version.number),
            created_at: version.published_at,
            modified_at: version.published_at,
            configuration: Arc::clone(&version.configuration),
        });
        let mut found: Vec<VersionEntry> = std::iter::once(latest).chain(published).collect();
        found.sort_by(|a, b| {
            let by_number = || a.version.cmp(&b.version);
            let ordering = match input.order_by {
                VersionOrder::Number => by_number(),
                VersionOrder::AddTime => a.created_at.cmp(&b.created_at).then_with(by_number),
                VersionOrder::ModTime => a.modified_at.cmp(&b.modified_at).then_with(by_number),
            };
            input.order.apply(ordering)
        });
        Ok(Listing::cut(found, input.page))
    }
}
