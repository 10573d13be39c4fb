//! `ListNamespaces`.

use std::str::FromStr;
use std::sync::Arc;

use crate::listing::{InvalidOrderBy, Listing, Order, Page};
use crate::namespace::Namespace;
use crate::plane::ControlPlane;

/// Which namespaces, in which order, and which part of them.
#[derive(Debug, Clone, Default)]
pub struct ListNamespaces {
    /// What all must hold.
    pub search: Vec<NamespaceSearch>,
    /// By what they are ordered.
    pub order_by: NamespaceOrder,
    /// In which direction.
    pub order: Order,
    /// Which part.
    pub page: Page,
}

/// A part of a namespace's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamespaceSearch {
    /// Of its name.
    Name(String),
    /// Of its description.
    Description(String),
}

/// A `SearchKey` of an unknown key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("SearchKey {0:?} is not valid: use Namespace or Description")]
pub struct InvalidNamespaceSearch(pub String);

impl InvalidNamespaceSearch {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        "InvalidParameterValue.SearchKey"
    }
}

impl NamespaceSearch {
    /// Reads a search as it is given: a key and a value.
    pub fn parse(key: &str, value: String) -> Result<Self, InvalidNamespaceSearch> {
        match key {
            "Namespace" => Ok(Self::Name(value)),
            "Description" => Ok(Self::Description(value)),
            _ => Err(InvalidNamespaceSearch(key.chars().take(80).collect())),
        }
    }
}

/// What namespaces can be ordered by. Those that are alike in it are ordered by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NamespaceOrder {
    /// Their names.
    #[default]
    Name,
    /// When they were created.
    AddTime,
    /// When they last changed.
    ModTime,
}

impl FromStr for NamespaceOrder {
    type Err = InvalidOrderBy;
    /// Any letter case.
    fn from_str(text: &str) -> Result<Self, InvalidOrderBy> {
        match text {
            _ if text.eq_ignore_ascii_case("Name") => Ok(Self::Name),
            _ if text.eq_ignore_ascii_case("AddTime") => Ok(Self::AddTime),
            _ if text.eq_ignore_ascii_case("ModTime") => Ok(Self::ModTime),
            _ => Err(InvalidOrderBy {
                given: text.chars().take(80).collect(),
                allowed: "Name, AddTime or ModTime",
            }),
        }
    }
}

impl ControlPlane {
    /// The namespaces asked for.
    #[must_use]
    pub fn list_namespaces(&self, input: &ListNamespaces) -> Listing<Arc<Namespace>> {
        let state = self.inner.state.load();
        let holds = |namespace: &Namespace, search: &NamespaceSearch| match search {
            NamespaceSearch::Name(part) => namespace.name.as_str().contains(part.as_str()),
            NamespaceSearch::Description(part) => namespace.description.as_str().contains(part.as_str()),
        };
        let wanted = |namespace: &&Arc<Namespace>| input.search.iter().all(|search| holds(namespace, search));
        let mut found: Vec<Arc<Namespace>> = state.namespaces().filter(wanted).cloned().collect();
        found.sort_by(|a, b| {
            let by_name = || a.name.cmp(&b.name);
            let ordering = match input.order_by {
                NamespaceOrder::Name => by_name(),
                NamespaceOrder::AddTime => a.created_at.cmp(&b.created_at).then_with(by_name),
                NamespaceOrder::ModTime => a.modified_at.cmp(&b.modified_at).then_with(by_name),
            };
            input.order.apply(ordering)
        });
        Listing::cut(found, input.page)
    }
}
