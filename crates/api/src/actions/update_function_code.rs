//! UpdateFunctionCode: code beside the other parameters, or in `Code`.

use serde::Deserialize;
use skiff_control_plane::UpdateFunctionCode;

use super::package::{self, Code};
use super::{Call, configuration, names};
use crate::error::ApiError;
use crate::parameters::Unserved;
use crate::reply::Done;

const UNSERVED: &[Unserved] = &[
    configuration::INSTALL_DEPENDENCY,
    Unserved::new(
        "EnvId",
        "UnsupportedOperation",
        "there are no environments to deploy to",
    ),
];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    handler: Option<String>,
    zip_file: Option<String>,
    namespace: Option<String>,
    code: Option<Code>,
    publish: Option<String>,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Done, ApiError> {
    call.parameters.refuse_within("Code", package::UNSERVED)?;
    for unserved in [package::UNSERVED_SOURCE, package::UNSERVED_BESIDE, UNSERVED] {
        call.parameters.refuse(unserved)?;
    }
    let request: Request = call.parameters.parse()?;
    let key = names::key(request.function_name, request.namespace)?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let zip_file = match (
        given(request.zip_file),
        given(request.code.and_then(|code| code.zip_file)),
    ) {
        (Some(zip_file), None) | (None, Some(zip_file)) => zip_file,
        (None, None) => return Err(package::missing()),
        (Some(_), Some(_)) => {
            return Err(ApiError::new(
                "InvalidParameterValue.Code",
                "ZipFile and Code.ZipFile are both given: give one",
            ));
        }
    };
    let input = UpdateFunctionCode {
        key,
        handler: given(request.handler),
        publish: configuration::publish(request.publish.as_deref())?,
        code: package::decode(zip_file).await?,
    };
    let updated = call.context.control.update_function_code(input).await;
    updated.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Done {})
}
