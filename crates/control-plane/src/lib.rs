//! What a user may change: functions, their code, configuration and versions, and namespaces.
//!
//! Owns the rules of every action of the control API that changes or lists something, the documents these are stored
//! as, and the table that invocations are resolved with. Knows no wire format and starts no instance.
//!
//! Invariants:
//! - What is in memory was committed before; what is committed is in memory before the action is acknowledged.
//! - [`ControlPlane::resolve`] never touches a disk.
//! - A change is one commit, guarded by what was seen when it was decided: of two that exclude each other, one wins.

mod account;
mod actions;
mod alias;
mod change;
mod code;
mod configuration;
mod deal;
mod document;
mod environment;
mod function;
mod layer;
mod listing;
mod namespace;
mod open;
mod plane;
mod port;
mod provision;
mod published;
mod role;
mod routing;
mod runtime_choice;
mod settings;
mod sharing;
mod state;
mod table;
mod tags;

pub use account::Quotas;
pub use actions::{
    Account, AliasError, BoundAliases, CopyFunction, CopyFunctionError, CopyWhat, CreateFunction, CreateFunctionError,
    CreateNamespace, CreateNamespaceError, DeleteFunction, DeleteFunctionError, DeleteFunctionVersion,
    DeleteFunctionVersionError, DeleteNamespaceError, Deleted, EntrySource, ExistingTarget, FunctionFilters,
    FunctionOrder, FunctionView, InvalidFilter, InvalidNamespaceSearch, LayerError, LayerView, ListAliases,
    ListFunctions, ListFunctionsError, ListLayers, ListNamespaces, ListVersions, NamespaceOrder, NamespaceSearch,
    NamespaceUsage, NoRoom, ProvisionConcurrency, ProvisionConcurrencyError, ProvisionedView, Publish,
    PublishLayerVersion, PublishLayerVersionError, PublishVersion, PublishVersionError, PutAlias,
    ReserveConcurrencyError, TooManyVersions, TotalConcurrencyError, UpdateFunctionCode, UpdateFunctionCodeError,
    UpdateFunctionConfiguration, UpdateFunctionConfigurationError, UpdateNamespace, UpdateNamespaceError, VersionEntry,
    VersionOrder,
};
pub use alias::{Alias, Aliases};
pub use change::ChangeError;
pub use code::CodeError;
pub use configuration::Configuration;
pub use environment::{Environment, InvalidEnvironment};
pub use function::{Function, FunctionStatus, FunctionType, UnknownName};
pub use layer::{
    CompatibleRuntimes, InvalidCompatibleRuntimes, InvalidLayers, InvalidLicense, Layer, LayerVersion, Layers, License,
};
pub use listing::{InvalidOrder, InvalidOrderBy, Listing, Order, Page};
pub use namespace::Namespace;
pub use open::OpenError;
pub use plane::{ControlPlane, ResolveError};
pub use port::{Allot, Pools, Ports, Precompile, Retire, Roles, Runtimes, random_uid};
pub use provision::{InvalidProvision, Provision, Provisions, TimedAction, tracking};
pub use published::PublishedVersion;
pub use role::UnknownRole;
pub use routing::{Draw, GivenRule, InvalidRouting, InvalidRoutingKey, InvalidRule, Routing, RoutingKey, Rule, Weight};
pub use runtime_choice::{Lack, RuntimeChoice, RuntimeUnavailable};
pub use settings::{Description, InitTimeout, InvalidSetting, MemorySize, Timeout};
pub use sharing::NotShareable;
pub use tags::{InvalidTags, Tags};

#[cfg(test)]
mod tests;
