//! Invoke: run a function with an event.

use serde::Deserialize;
use skiff_domain::Qualifier;

use super::invocation::{self, Answer, Asked, LogType};
use super::{Call, names};
use crate::error::ApiError;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    invocation_type: Option<String>,
    qualifier: Option<String>,
    client_context: Option<String>,
    log_type: Option<String>,
    namespace: Option<String>,
    routing_key: Option<String>,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Answer, ApiError> {
    let request: Request = call.parameters.parse()?;
    let function = names::key(request.function_name, request.namespace)?;
    let qualifier = names::qualifier(request.qualifier, Qualifier::LATEST)?;
    let log_type = LogType::read(request.log_type.as_deref())?;
    check_type(request.invocation_type.as_deref())?;
    let event = request.client_context;
    invocation::run(
        call,
        Asked {
            function,
            qualifier,
            event_field: "ClientContext",
            event,
            log_type,
            routing_key: request.routing_key,
        },
    )
    .await
}

fn check_type(given: Option<&str>) -> Result<(), ApiError> {
    match given.unwrap_or_default() {
        "" => Ok(()),
        sync if sync.eq_ignore_ascii_case("RequestResponse") => Ok(()),
        event if event.eq_ignore_ascii_case("Event") => Err(ApiError::new(
            "UnsupportedOperation",
            "InvocationType Event is not served yet and nothing was run: use RequestResponse",
        )),
        _ => Err(ApiError::new(
            "InvalidParameterValue.InvokeType",
            "InvocationType is not valid: use RequestResponse",
        )),
    }
}
