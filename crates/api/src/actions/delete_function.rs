//! DeleteFunction: without a qualifier all of it, with one that version.

use serde::Deserialize;
use skiff_control_plane::{DeleteFunction, Deleted};

use super::{Call, names};
use crate::error::ApiError;
use crate::reply::Done;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    namespace: Option<String>,
    qualifier: Option<String>,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Done, ApiError> {
    let request: Request = call.parameters.parse()?;
    let input = DeleteFunction {
        key: names::key(request.function_name, request.namespace)?,
        qualifier: names::optional_qualifier(request.qualifier)?,
    };
    let deleted = call.context.control.delete_function(input).await;
    let deleted = deleted.map_err(|error| ApiError::refused(error.code(), &error))?;
    if let Deleted::Function(uid) = deleted {
        // Its series in /metrics go with it; its logs stay until their time is over.
        call.context.logs.metrics().forget(&uid);
    }
    Ok(Done {})
}
