//! InvokeFunction: Invoke as of 2021, synchronous only, with `Event` for the event.

use serde::Deserialize;
use skiff_domain::Qualifier;

use super::invocation::{self, Answer, Asked, LogType};
use super::{Call, names};
use crate::error::ApiError;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    qualifier: Option<String>,
    event: Option<String>,
    log_type: Option<String>,
    namespace: Option<String>,
    routing_key: Option<String>,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Answer, ApiError> {
    let request: Request = call.parameters.parse()?;
    let function = names::key(request.function_name, request.namespace)?;
    let qualifier = names::qualifier(request.qualifier, Qualifier::DEFAULT)?;
    let log_type = LogType::read(request.log_type.as_deref())?;
    let event = request.event;
    invocation::run(
        call,
        Asked {
            function,
            qualifier,
            event_field: "Event",
            event,
            log_type,
            routing_key: request.routing_key,
        },
    )
    .await
}
