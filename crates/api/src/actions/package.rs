//! Code as requests carry it: base64 of a zip (CONTRACT 2.5). Other sources come later.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

use crate::error::ApiError;
use crate::handler::aside;
use crate::parameters::Unserved;

const OBJECTS_LATER: &str = "code from object storage comes later; send the zip as base64 in ZipFile";
const GIT_LATER: &str = "code from a repository is not fetched; send the zip as base64 in ZipFile";

/// Other sources of code: fields of `Code`, or of a layer's `Content`.
pub(super) const UNSERVED: &[Unserved] = &[
    Unserved::new("CosBucketName", "UnsupportedOperation.Cos", OBJECTS_LATER),
    Unserved::new("CosObjectName", "UnsupportedOperation.Cos", OBJECTS_LATER),
    Unserved::new("CosBucketRegion", "UnsupportedOperation.Cos", OBJECTS_LATER),
    Unserved::new(
        "TempCosObjectName",
        "InvalidParameterValue.TempCosObjectName",
        OBJECTS_LATER,
    ),
    Unserved::new(
        "DemoId",
        "InvalidParameterValue.DemoId",
        "there are no demos; send the zip as base64 in ZipFile",
    ),
    Unserved::new("GitUrl", "InvalidParameterValue.GitUrl", GIT_LATER),
    Unserved::new("GitUserName", "InvalidParameterValue.GitUserName", GIT_LATER),
    Unserved::new("GitPassword", "InvalidParameterValue.GitPassword", GIT_LATER),
    Unserved::new(
        "GitPasswordSecret",
        "InvalidParameterValue.GitPasswordSecret",
        GIT_LATER,
    ),
    Unserved::new(
        "GitUserNameSecret",
        "InvalidParameterValue.GitUserNameSecret",
        GIT_LATER,
    ),
    Unserved::new("GitBranch", "InvalidParameterValue.GitBranch", GIT_LATER),
    Unserved::new("GitDirectory", "InvalidParameterValue.GitDirectory", GIT_LATER),
    Unserved::new("GitCommitId", "InvalidParameterValue.GitCommitId", GIT_LATER),
    Unserved::new(
        "ImageConfig",
        "UnsupportedOperation",
        "functions of container images come later",
    ),
];

/// The kind of source, beside `Code`.
pub(super) const UNSERVED_SOURCE: &[Unserved] = &[Unserved::new(
    "CodeSource",
    "InvalidParameterValue.CodeSource",
    "the only source is ZipFile",
)
.unless(&["ZipFile", "Inline"])];

/// The same, where they stand beside the other parameters (UpdateFunctionCode).
pub(super) const UNSERVED_BESIDE: &[Unserved] = &[
    Unserved::new("CosBucketName", "UnsupportedOperation.Cos", OBJECTS_LATER),
    Unserved::new("CosObjectName", "UnsupportedOperation.Cos", OBJECTS_LATER),
    Unserved::new("CosBucketRegion", "UnsupportedOperation.Cos", OBJECTS_LATER),
];

/// `Code`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Code {
    pub(super) zip_file: Option<String>,
}

impl Code {
    /// The base64 of the zip, which is to be there.
    pub(super) fn required(self) -> Result<String, ApiError> {
        let zip_file = self.zip_file.filter(|text| !text.is_empty());
        zip_file.ok_or_else(missing)
    }
}

/// The zip that `ZipFile` is the base64 of.
pub(super) async fn decode(zip_file: String) -> Result<Bytes, ApiError> {
    aside(move || {
        let decoded = if zip_file.bytes().any(|byte| byte.is_ascii_whitespace()) {
            // As some tools break base64 into lines.
            STANDARD.decode(zip_file.split_ascii_whitespace().collect::<String>())
        } else {
            STANDARD.decode(&zip_file)
        };
        decoded.map(Bytes::from).map_err(|error| {
            ApiError::new(
                "InvalidParameterValue.ZipFileBase64BinasciiError",
                format!("ZipFile is not base64: {error}"),
            )
        })
    })
    .await
}

/// What is said when no source of code is given at all.
pub(super) fn missing() -> ApiError {
    ApiError::new(
        "MissingParameter.Code",
        "no code is given: send the zip as base64 in ZipFile",
    )
}
