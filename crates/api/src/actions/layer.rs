//! What the actions on layers have in common: names, `LayerVersionInfo`, and the layers of a function.

use serde::{Deserialize, Serialize};
use skiff_control_plane::{CompatibleRuntimes, Layer, LayerVersion, LayerView};
use skiff_domain::{LayerName, LayerRef, RuntimeName, VersionNumber};

use super::configuration::{self, Pair};
use crate::error::ApiError;
use crate::time;

/// A version is there from the moment it can be seen, and never changes.
pub(super) const ACTIVE: &str = "Active";

/// `LayerVersionSimple`, and what GetLayerVersion and DeleteLayerVersion take.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct VersionFields {
    layer_name: Option<String>,
    layer_version: Option<i64>,
}

/// `LayerVersionInfo`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry {
    layer_name: String,
    layer_version: u64,
    compatible_runtimes: Vec<&'static str>,
    description: String,
    license_info: String,
    add_time: String,
    status: &'static str,
    /// Of layers the service has made. There are none.
    stamp: Option<()>,
    tags: Vec<Pair>,
}

impl VersionFields {
    /// The version that is named; both fields are required.
    pub(super) fn read(self) -> Result<LayerRef, ApiError> {
        self.read_at("")
    }

    /// The same where the fields stand behind this, such as `Layers[0].`.
    fn read_at(self, at: &str) -> Result<LayerRef, ApiError> {
        let name = required_name(self.layer_name, &format!("{at}LayerName"))?;
        let field = format!("{at}LayerVersion");
        let number = self.layer_version.ok_or_else(|| ApiError::missing(&field))?;
        Ok(LayerRef {
            name,
            number: version(number, &field)?,
        })
    }
}

impl Entry {
    pub(super) fn of(view: &LayerView) -> Self {
        let tags = |layer: &Layer| configuration::pairs(layer.tags.as_slice());
        Self::with(&view.version, tags(&view.layer))
    }

    /// One that a function has. The layer, and its tags with it, may be gone.
    pub(super) fn bound(version: &LayerVersion) -> Self {
        Self::with(version, Vec::new())
    }

    fn with(version: &LayerVersion, tags: Vec<Pair>) -> Self {
        Self {
            layer_name: version.name.to_string(),
            layer_version: version.number.get(),
            compatible_runtimes: runtime_names(version),
            description: version.description.to_string(),
            license_info: version.license.as_str().to_owned(),
            add_time: time::to_text(version.published_at),
            status: ACTIVE,
            stamp: None,
            tags,
        }
    }
}

pub(super) fn runtime_names(version: &LayerVersion) -> Vec<&'static str> {
    version.runtimes.as_slice().iter().map(RuntimeName::as_str).collect()
}

/// A required layer's name.
pub(super) fn name(given: Option<String>) -> Result<LayerName, ApiError> {
    required_name(given, "LayerName")
}

fn required_name(given: Option<String>, field: &str) -> Result<LayerName, ApiError> {
    let text = given.filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| ApiError::missing(field))?;
    text.parse()
        .map_err(|error| ApiError::name("InvalidParameterValue.LayerName", &error))
}

fn version(number: i64, field: &str) -> Result<VersionNumber, ApiError> {
    number.to_string().parse().map_err(|_| {
        ApiError::new(
            "InvalidParameterValue",
            format!("{field} {number} is not valid: versions count from 1"),
        )
    })
}

/// The runtimes a layer is to be for.
pub(super) fn compatible(given: &[String]) -> Result<CompatibleRuntimes, ApiError> {
    CompatibleRuntimes::parse(given).map_err(|error| ApiError::refused(error.code(), &error))
}

/// Runtimes that are looked for; none where none is given.
pub(super) fn wanted(given: &[String]) -> Result<Vec<RuntimeName>, ApiError> {
    if given.iter().all(String::is_empty) {
        return Ok(Vec::new());
    }
    Ok(compatible(given)?.as_slice().to_vec())
}

/// `Layers` of a function: all of them, the lowest first. An empty list is none at all.
pub(super) fn of_function(given: Option<Vec<VersionFields>>) -> Result<Option<Vec<LayerRef>>, ApiError> {
    let read = |(at, layer): (usize, VersionFields)| layer.read_at(&format!("Layers[{at}]."));
    let layers = given.map(|layers| layers.into_iter().enumerate().map(read).collect());
    layers.transpose()
}
