//! `ListFunctions`.

use std::str::FromStr;
use std::sync::Arc;

use skiff_domain::{InvalidName, NamespaceName, RuntimeName};

use crate::function::{Function, FunctionStatus, FunctionType, UnknownName};
use crate::listing::{InvalidOrderBy, Listing, Order, Page};
use crate::plane::ControlPlane;
use crate::state::State;

/// Filters by tag are named by this and the tag's key.
const TAG_PREFIX: &str = "tag-";

/// Which functions, in which order, and which part of them.
#[derive(Debug, Clone, Default)]
pub struct ListFunctions {
    /// The namespace; where none is given, those of the `Namespace` filter, or `default`.
    pub namespace: Option<NamespaceName>,
    /// Part of the name.
    pub search_key: Option<String>,
    /// Part of the description.
    pub description: Option<String>,
    /// What else must hold.
    pub filters: FunctionFilters,
    /// By what they are ordered.
    pub order_by: FunctionOrder,
    /// In which direction.
    pub order: Order,
    /// Which part.
    pub page: Page,
}

/// What functions can be ordered by. Functions that are alike in it are ordered by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FunctionOrder {
    /// Their names: the order that stays while functions are changed between two pages.
    #[default]
    Name,
    /// When they were created.
    AddTime,
    /// When they last changed.
    ModTime,
}

impl FromStr for FunctionOrder {
    type Err = InvalidOrderBy;
    /// Any letter case.
    fn from_str(text: &str) -> Result<Self, InvalidOrderBy> {
        match text {
            _ if text.eq_ignore_ascii_case("FunctionName") => Ok(Self::Name),
            _ if text.eq_ignore_ascii_case("AddTime") => Ok(Self::AddTime),
            _ if text.eq_ignore_ascii_case("ModTime") => Ok(Self::ModTime),
            _ => Err(InvalidOrderBy {
                given: text.chars().take(80).collect(),
                allowed: "AddTime, ModTime or FunctionName",
            }),
        }
    }
}

/// Conditions that all must hold; of the values of one, any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FunctionFilters(Vec<Condition>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    Status(Vec<FunctionStatus>),
    Runtime(Vec<RuntimeName>),
    FunctionType(Vec<FunctionType>),
    Namespace(Vec<NamespaceName>),
    Tag { key: String, values: Vec<String> },
}

/// Why filters cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFilter {
    /// A filter of an unknown name.
    #[error("Filters has the unknown name {0:?}: use Status, Runtime, FunctionType, Namespace or tag-<key>")]
    Name(String),
    /// A filter without values.
    #[error("Filters {0} has no Values: give at least one")]
    Empty(String),
    /// A value that is none of its filter's.
    #[error("Filters {name} has a value that is not valid: {reason}")]
    Value {
        /// The filter.
        name: &'static str,
        /// Why.
        reason: InvalidFilterValue,
    },
}

/// Why a filter's value is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFilterValue {
    /// No word of the contract.
    #[error(transparent)]
    Word(#[from] UnknownName),
    /// No legal name.
    #[error(transparent)]
    Name(#[from] InvalidName),
}

impl InvalidFilter {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        "InvalidParameterValue.Filters"
    }
}

impl FunctionFilters {
    /// Reads filters as they are given: a name and its values each.
    pub fn parse(filters: Vec<(String, Vec<String>)>) -> Result<Self, InvalidFilter> {
        filters.into_iter().map(condition).collect::<Result<_, _>>().map(Self)
    }

    fn names_namespaces(&self) -> bool {
        self.0
            .iter()
            .any(|condition| matches!(condition, Condition::Namespace(_)))
    }

    fn hold(&self, function: &Function) -> bool {
        self.0.iter().all(|condition| match condition {
            Condition::Status(any) => any.contains(&function.status()),
            Condition::Runtime(any) => any.contains(&function.configuration.runtime),
            Condition::FunctionType(any) => any.contains(&function.function_type()),
            Condition::Namespace(any) => any.contains(&function.key.namespace),
            Condition::Tag { key, values } => {
                let mut tags = function.tags.as_slice().iter();
                tags.any(|(tag, value)| tag == key && values.contains(value))
            }
        })
    }
}

fn condition((name, values): (String, Vec<String>)) -> Result<Condition, InvalidFilter> {
    let cut = || name.chars().take(80).collect();
    if values.is_empty() {
        return Err(InvalidFilter::Empty(cut()));
    }
    let condition = match name.as_str() {
        "Status" => Condition::Status(parse("Status", &values)?),
        "Runtime" => Condition::Runtime(parse("Runtime", &values)?),
        // Clients send both names (CONTRACT 11.4).
        "FunctionType" | "Type" => Condition::FunctionType(parse("FunctionType", &values)?),
        "Namespace" => Condition::Namespace(parse("Namespace", &values)?),
        _ => match name.strip_prefix(TAG_PREFIX) {
            Some(key) if !key.is_empty() => Condition::Tag {
                key: key.to_owned(),
                values,
            },
            _ => return Err(InvalidFilter::Name(cut())),
        },
    };
    Ok(condition)
}

fn parse<T: FromStr>(name: &'static str, values: &[String]) -> Result<Vec<T>, InvalidFilter>
where
    InvalidFilterValue: From<T::Err>,
{
    let read = values.iter().map(|value| value.parse());
    read.collect::<Result<_, _>>().map_err(|error| InvalidFilter::Value {
        name,
        reason: InvalidFilterValue::from(error),
    })
}

/// Why functions cannot be listed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListFunctionsError {
    /// There is no such namespace.
    #[error("Namespace {0} does not exist")]
    NamespaceMissing(NamespaceName),
}

impl ListFunctionsError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NamespaceMissing(_) => "ResourceNotFound.Namespace",
        }
    }
}

impl ControlPlane {
    /// The functions asked for.
    pub fn list_functions(&self, input: &ListFunctions) -> Result<Listing<Arc<Function>>, ListFunctionsError> {
        let state = self.inner.state.load();
        let mut found = matching(&state, input)?;
        found.sort_by(|a, b| {
            let by_name = || a.key.cmp(&b.key);
            let ordering = match input.order_by {
                FunctionOrder::Name => by_name(),
                FunctionOrder::AddTime => a.created_at.cmp(&b.created_at).then_with(by_name),
                FunctionOrder::ModTime => a.modified_at.cmp(&b.modified_at).then_with(by_name),
            };
            input.order.apply(ordering)
        });
        Ok(Listing::cut(found, input.page))
    }

    /// The memory of the instances that are kept ready of a function, at most, in MB.
    #[must_use]
    pub fn provisioned_mb(&self, function: &Function) -> u64 {
        self.inner.state.load().provisioned_mb(function)
    }
}

fn matching(state: &State, input: &ListFunctions) -> Result<Vec<Arc<Function>>, ListFunctionsError> {
    let namespace = match &input.namespace {
        None if input.filters.names_namespaces() => None,
        given => Some(given.clone().unwrap_or_default()),
    };
    if let Some(missing) = namespace.as_ref().filter(|name| state.namespace(name).is_none()) {
        return Err(ListFunctionsError::NamespaceMissing(missing.clone()));
    }
    let within = |text: &str, part: &Option<String>| part.as_ref().is_none_or(|part| text.contains(part.as_str()));
    let wanted = |function: &&Arc<Function>| {
        namespace.as_ref().is_none_or(|name| function.key.namespace == *name)
            && within(function.key.name.as_str(), &input.search_key)
            && within(function.configuration.description.as_str(), &input.description)
            && input.filters.hold(function)
    };
    Ok(state.functions().filter(wanted).cloned().collect())
}
