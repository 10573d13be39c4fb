//! What a user may change: functions and namespaces, their code, configuration and quotas.
//!
//! Owns the rules of every action of the control API that changes or lists something, the documents these are stored
//! as, and the table that invocations are resolved with. Knows no wire format and starts no instance.
//!
//! Invariants:
//! - What is in memory was committed before; what is committed is in memory before the action is acknowledged.
//! - [`ControlPlane::resolve`] never touches a disk.
//! - A change is one commit, guarded by what was seen when it was decided: of two that exclude each other, one wins.

mod actions;
mod change;
mod code;
mod document;
mod environment;
mod function;
mod listing;
mod namespace;
mod open;
mod plane;
mod port;
mod runtime_choice;
mod settings;
mod state;
mod tags;

pub use actions::{
    Account, CopyFunction, CopyFunctionError, CopyWhat, CreateFunction, CreateFunctionError, CreateNamespace,
    CreateNamespaceError, DeleteFunction, DeleteFunctionError, DeleteNamespaceError, EntrySource, ExistingTarget,
    FunctionFilters, FunctionOrder, InvalidFilter, InvalidNamespaceSearch, ListFunctions, ListFunctionsError,
    ListNamespaces, NamespaceOrder, NamespaceSearch, NamespaceUsage, NoRoom, UpdateFunctionCode,
    UpdateFunctionCodeError, UpdateFunctionConfiguration, UpdateFunctionConfigurationError, UpdateNamespace,
    UpdateNamespaceError,
};
pub use change::ChangeError;
pub use code::CodeError;
pub use environment::{Environment, InvalidEnvironment};
pub use function::{Function, FunctionStatus, FunctionType, UnknownName};
pub use listing::{InvalidOrder, InvalidOrderBy, Listing, Order, Page};
pub use namespace::Namespace;
pub use open::OpenError;
pub use plane::{ControlPlane, ResolveError};
pub use port::{Ports, Precompile, Retire, Runtimes, random_uid};
pub use runtime_choice::{Lack, RuntimeChoice, RuntimeUnavailable};
pub use settings::{Description, InitTimeout, InvalidSetting, MemorySize, Timeout};
pub use tags::{InvalidTags, Tags};

#[cfg(test)]
mod tests;
