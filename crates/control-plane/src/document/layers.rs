//! The schemas of layers, and of what functions have of them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use skiff_domain::{CodeDigest, LayerName, RuntimeName, VersionNumber};

use super::DocumentError;
use crate::layer::{CompatibleRuntimes, Layer, LayerVersion, License};
use crate::settings::Description;
use crate::tags::Tags;

#[derive(Serialize, Deserialize)]
#[serde(tag = "schema")]
pub(super) enum LayerSchemas {
    #[serde(rename = "1")]
    V1(LayerV1),
}

#[derive(Serialize, Deserialize)]
pub(super) struct LayerV1 {
    last_version: VersionNumber,
    tags: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "schema")]
pub(super) enum LayerVersionSchemas {
    #[serde(rename = "1")]
    V1(LayerVersionV1),
}

#[derive(Serialize, Deserialize)]
pub(super) struct LayerVersionV1 {
    published_at: Timestamp,
    description: String,
    license: String,
    runtimes: Vec<RuntimeName>,
    code: CodeDigest,
    code_bytes: u64,
    unpacked_bytes: u64,
}

/// Part of a function's configuration.
#[derive(Serialize, Deserialize)]
pub(super) struct BoundLayerV1 {
    name: LayerName,
    number: VersionNumber,
    #[serde(flatten)]
    version: LayerVersionV1,
}

impl LayerV1 {
    pub(super) fn of(layer: &Layer) -> Self {
        let Layer {
            name: _, // the document's key
            last_version,
            tags,
        } = layer;
        Self {
            last_version: *last_version,
            tags: tags.as_slice().to_vec(),
        }
    }

    pub(super) fn read(self, name: LayerName) -> Result<Layer, DocumentError> {
        Ok(Layer {
            name,
            last_version: self.last_version,
            tags: Tags::new(self.tags)?,
        })
    }
}

impl LayerVersionV1 {
    pub(super) fn of(version: &LayerVersion) -> Self {
        let LayerVersion {
            name: _, // with the number, the document's key
            number: _,
            published_at,
            description,
            license,
            runtimes,
            code,
            code_bytes,
            unpacked_bytes,
        } = version;
        Self {
            published_at: *published_at,
            description: description.as_str().to_owned(),
            license: license.as_str().to_owned(),
            runtimes: runtimes.as_slice().to_vec(),
            code: *code,
            code_bytes: *code_bytes,
            unpacked_bytes: *unpacked_bytes,
        }
    }

    pub(super) fn read(self, name: LayerName, number: VersionNumber) -> Result<LayerVersion, DocumentError> {
        let runtimes: Vec<String> = self.runtimes.into_iter().map(String::from).collect();
        Ok(LayerVersion {
            name,
            number,
            published_at: self.published_at,
            description: Description::new(self.description)?,
            license: License::new(self.license)?,
            runtimes: CompatibleRuntimes::parse(&runtimes)?,
            code: self.code,
            code_bytes: self.code_bytes,
            unpacked_bytes: self.unpacked_bytes,
        })
    }
}

impl BoundLayerV1 {
    pub(super) fn of(version: &LayerVersion) -> Self {
        Self {
            name: version.name.clone(),
            number: version.number,
            version: LayerVersionV1::of(version),
        }
    }

    pub(super) fn read(self) -> Result<LayerVersion, DocumentError> {
        self.version.read(self.name, self.number)
    }
}
