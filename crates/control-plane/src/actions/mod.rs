//! What users can ask for: one action, one file.

mod account;
mod copy_function;
mod create_function;
mod create_namespace;
mod delete_function;
mod delete_namespace;
mod get_function;
mod list_functions;
mod list_namespaces;
mod update_function_code;
mod update_function_configuration;
mod update_namespace;

pub use account::{Account, NamespaceUsage};
pub use copy_function::{CopyFunction, CopyFunctionError, CopyWhat, ExistingTarget};
pub use create_function::{CreateFunction, CreateFunctionError, NoRoom};
pub(crate) use create_namespace::writes as create_namespace_writes;
pub use create_namespace::{CreateNamespace, CreateNamespaceError};
pub use delete_function::{DeleteFunction, DeleteFunctionError};
pub use delete_namespace::DeleteNamespaceError;
pub use get_function::EntrySource;
pub use list_functions::{FunctionFilters, FunctionOrder, InvalidFilter, ListFunctions, ListFunctionsError};
pub use list_namespaces::{InvalidNamespaceSearch, ListNamespaces, NamespaceOrder, NamespaceSearch};
pub use update_function_code::{UpdateFunctionCode, UpdateFunctionCodeError};
pub use update_function_configuration::{UpdateFunctionConfiguration, UpdateFunctionConfigurationError};
pub use update_namespace::{UpdateNamespace, UpdateNamespaceError};
