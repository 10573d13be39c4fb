//! One action, one file. Parses, calls a core, maps; decides nothing.

mod instance_concurrency;
mod invocation;

mod copy_function;
mod create_alias;
mod create_function;
mod create_namespace;
mod delete_alias;
mod delete_function;
mod delete_function_version;
mod delete_layer_version;
mod delete_namespace;
mod delete_provisioned_concurrency_config;
mod delete_reserved_concurrency_config;
mod get_account;
mod get_alias;
mod get_function;
mod get_function_address;
mod get_function_logs;
mod get_layer_version;
mod get_provisioned_concurrency_config;
mod get_request_status;
mod get_reserved_concurrency_config;
mod invoke;
mod invoke_function;
mod list_aliases;
mod list_functions;
mod list_layer_versions;
mod list_layers;
mod list_namespaces;
mod list_version_by_function;
mod publish_layer_version;
mod publish_version;
mod put_provisioned_concurrency_config;
mod put_reserved_concurrency_config;
mod put_total_concurrency_config;
mod update_alias;
mod update_function_code;
mod update_function_configuration;
mod update_namespace;

mod alias;
mod configuration;
mod download;
mod layer;
mod listing;
mod names;
mod package;
mod provisioned;
mod web;

use skiff_domain::RequestId;
use tokio::sync::OwnedSemaphorePermit;

use crate::context::ApiContext;
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::reply;

/// One authenticated request for an action.
pub(crate) struct Call<'a> {
    pub(crate) context: &'a ApiContext,
    /// The answer's id, and the invocation's where there is one.
    pub(crate) request_id: RequestId,
    /// The region the client is configured with.
    pub(crate) region: Option<String>,
    /// Where the client reached this server: scheme and host.
    pub(crate) origin: String,
    pub(crate) parameters: Parameters,
    /// The large body's place in memory. An action that works on for long without the body gives it back early.
    pub(crate) place: Option<OwnedSemaphorePermit>,
}

/// Documented actions, and those the `scf` CLI calls (CONTRACT 2.5), whose features are not there yet.
const LATER: &[&str] = &[
    "CreateCustomDomain",
    "CreateFunctionTestModel",
    "CreateTrigger",
    "DeleteCustomDomain",
    "DeleteTrigger",
    "GetAsyncEventStatus",
    "GetCustomDomain",
    "GetFunctionEventInvokeConfig",
    "GetFunctionTestModel",
    "ListAsyncEvents",
    "ListCustomDomains",
    "ListFunctionTestModels",
    "ListTriggers",
    "TerminateAsyncEvent",
    "UpdateCustomDomain",
    "UpdateFunctionEventInvokeConfig",
    "UpdateFunctionTestModel",
    "UpdateTrigger",
    "UpdateTriggerStatus",
];

/// Runs the action of this name and writes its answer.
pub(crate) async fn run(action: &str, call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let id = call.request_id;
    match action {
        "CopyFunction" => reply::body(&copy_function::run(call).await?, id),
        "CreateAlias" => reply::body(&create_alias::run(call).await?, id),
        "CreateFunction" => reply::body(&create_function::run(call).await?, id),
        "CreateNamespace" => reply::body(&create_namespace::run(call).await?, id),
        "DeleteAlias" => reply::body(&delete_alias::run(call).await?, id),
        "DeleteFunction" => reply::body(&delete_function::run(call).await?, id),
        "DeleteFunctionVersion" => reply::body(&delete_function_version::run(call).await?, id),
        "DeleteLayerVersion" => reply::body(&delete_layer_version::run(call).await?, id),
        "DeleteNamespace" => reply::body(&delete_namespace::run(call).await?, id),
        "DeleteProvisionedConcurrencyConfig" => {
            reply::body(&delete_provisioned_concurrency_config::run(call).await?, id)
        }
        "DeleteReservedConcurrencyConfig" => reply::body(&delete_reserved_concurrency_config::run(call).await?, id),
        "GetAccount" => reply::body(&get_account::run(&call)?, id),
        "GetAlias" => reply::body(&get_alias::run(call)?, id),
        "GetFunction" => reply::body(&get_function::run(call).await?, id),
        "GetFunctionAddress" => reply::body(&get_function_address::run(call)?, id),
        "GetFunctionLogs" => reply::body(&get_function_logs::run(call).await?, id),
        "GetLayerVersion" => reply::body(&get_layer_version::run(call)?, id),
        "GetProvisionedConcurrencyConfig" => reply::body(&get_provisioned_concurrency_config::run(call)?, id),
        "GetRequestStatus" => reply::body(&get_request_status::run(call).await?, id),
        "GetReservedConcurrencyConfig" => reply::body(&get_reserved_concurrency_config::run(call)?, id),
        "Invoke" => reply::body(&invoke::run(call).await?, id),
        "InvokeFunction" => reply::body(&invoke_function::run(call).await?, id),
        "ListAliases" => reply::body(&list_aliases::run(call)?, id),
        "ListFunctions" => reply::body(&list_functions::run(call)?, id),
        "ListLayerVersions" => reply::body(&list_layer_versions::run(call)?, id),
        "ListLayers" => reply::body(&list_layers::run(call)?, id),
        "ListNamespaces" => reply::body(&list_namespaces::run(call)?, id),
        "ListVersionByFunction" => reply::body(&list_version_by_function::run(call)?, id),
        "PublishLayerVersion" => reply::body(&publish_layer_version::run(call).await?, id),
        "PublishVersion" => reply::body(&publish_version::run(call).await?, id),
        "PutProvisionedConcurrencyConfig" => reply::body(&put_provisioned_concurrency_config::run(call).await?, id),
        "PutReservedConcurrencyConfig" => reply::body(&put_reserved_concurrency_config::run(call).await?, id),
        "PutTotalConcurrencyConfig" => reply::body(&put_total_concurrency_config::run(call).await?, id),
        "UpdateAlias" => reply::body(&update_alias::run(call).await?, id),
        "UpdateFunctionCode" => reply::body(&update_function_code::run(call).await?, id),
        "UpdateFunctionConfiguration" => reply::body(&update_function_configuration::run(call).await?, id),
        "UpdateNamespace" => reply::body(&update_namespace::run(call).await?, id),
        later if LATER.contains(&later) => Err(ApiError::new(
            "UnsupportedOperation",
            format!("the action {later} is not served yet"),
        )),
        unknown => {
            let unknown: String = unknown.chars().take(80).collect();
            Err(ApiError::new(
                "InvalidAction",
                format!("the action {unknown:?} does not exist"),
            ))
        }
    }
}
