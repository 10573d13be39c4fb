//! Layers: packages that functions share, and what a function has of them.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use skiff_domain::limits::{LAYERS_PER_FUNCTION_MAX, UNPACKED_BYTES_MAX};
use skiff_domain::{CodeDigest, InvalidName, LayerName, LayerRef, LayerStack, RuntimeName, VersionNumber};

use crate::configuration::Configuration;
use crate::settings::Description;
use crate::tags::Tags;

/// Most layers without a version that are remembered for their numbers; beyond, the one emptied first is forgotten.
pub(crate) const EMPTIED_LAYERS_MAX: usize = 2000;

/// How all Pythons are asked for at once, in any letter case.
const EVERY_PYTHON: &str = "Python3";
/// What their names begin with.
const PYTHON_PREFIX: &str = "Python3.";
/// Longest license, in characters.
const LICENSE_CHARS_MAX: usize = 1000;

/// A layer: what is not of one version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its name.
    pub name: LayerName,
    /// The number of the version that was published last. It stays when that version goes: no number is given twice.
    pub last_version: VersionNumber,
    /// What it is filed under.
    pub tags: Tags,
}

/// A version of a layer. It never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerVersion {
    /// Of which layer.
    pub name: LayerName,
    /// Its number.
    pub number: VersionNumber,
    /// When it was published.
    pub published_at: Timestamp,
    /// What its user says it is for.
    pub description: Description,
    /// What its user says of its license.
    pub license: License,
    /// The runtimes it is for.
    pub runtimes: CompatibleRuntimes,
    /// Its package.
    pub code: CodeDigest,
    /// Size of its package's zip, in bytes.
    pub code_bytes: u64,
    /// Size of what is in it, in bytes.
    pub unpacked_bytes: u64,
}

impl LayerVersion {
    pub(crate) fn reference(&self) -> LayerRef {
        LayerRef {
            name: self.name.clone(),
            number: self.number,
        }
    }
}

/// A license: its name, a link to it, or its text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct License(String);

/// A license that is too long.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("LicenseInfo has {0} characters: use at most {LICENSE_CHARS_MAX}")]
pub struct InvalidLicense(usize);

impl InvalidLicense {
    /// The documented error code (CONTRACT 2.9 has no narrower one).
    #[must_use]
    pub fn code(&self) -> &'static str {
        "InvalidParameterValue"
    }
}

impl License {
    /// Checks a text.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidLicense> {
        let text = text.into();
        match text.chars().count() {
            chars if chars > LICENSE_CHARS_MAX => Err(InvalidLicense(chars)),
            _ => Ok(Self(text)),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The runtimes a layer is for, at least one, each once. Known ones, whether or not they are installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompatibleRuntimes(Vec<RuntimeName>);

/// Why runtimes cannot be a layer's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCompatibleRuntimes {
    /// None at all.
    #[error("CompatibleRuntimes is empty: name the runtimes the layer is for, such as Python3.11")]
    Empty,
    /// One that is not known.
    #[error("CompatibleRuntimes: {0}{near}", near = or_near(_0))]
    Unknown(#[from] InvalidName),
}

/// The runtimes whose names are nearest to an unknown one, if any are near.
fn or_near(unknown: &InvalidName) -> String {
    /// As many are named.
    const SHOWN_MAX: usize = 3;
    let given = unknown.given.to_lowercase();
    // A third of its letters may be a slip.
    let near_max = given.chars().count() / 3;
    let is_begun = |name: &RuntimeName| given.len() >= 3 && name.as_str().to_lowercase().starts_with(&given);
    let distance = |name: &RuntimeName| strsim::damerau_levenshtein(&given, &name.as_str().to_lowercase());
    let mut near: Vec<(usize, RuntimeName)> = RuntimeName::all()
        .map(|name| (distance(&name), name))
        .filter(|(distance, name)| *distance <= near_max || is_begun(name))
        .collect();
    near.sort();
    let names: Vec<&str> = near.iter().take(SHOWN_MAX).map(|(_, name)| name.as_str()).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("; did you mean {}?", names.join(", ")),
    }
}

impl InvalidCompatibleRuntimes {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        "InvalidParameterValue.CompatibleRuntimes"
    }
}

impl CompatibleRuntimes {
    /// Reads runtimes as they are given. `Python3` is every Python 3.
    pub fn parse(given: &[String]) -> Result<Self, InvalidCompatibleRuntimes> {
        let mut runtimes = Vec::new();
        for text in given {
            if text.eq_ignore_ascii_case(EVERY_PYTHON) {
                runtimes.extend(RuntimeName::all().filter(|name| name.as_str().starts_with(PYTHON_PREFIX)));
            } else {
                runtimes.push(text.parse()?);
            }
        }
        let mut seen = HashSet::new();
        runtimes.retain(|name| seen.insert(name.clone()));
        if runtimes.is_empty() {
            return Err(InvalidCompatibleRuntimes::Empty);
        }
        Ok(Self(runtimes))
    }

    /// The runtimes.
    #[must_use]
    pub fn as_slice(&self) -> &[RuntimeName] {
        &self.0
    }
}

/// A function's layers, the lowest first. Kept with the function, so that a layer's deletion does not concern it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layers(Vec<Arc<LayerVersion>>);

/// Why layers cannot be a function's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLayers {
    /// Too many.
    #[error("Layers has {0} layers: use at most {LAYERS_PER_FUNCTION_MAX}")]
    TooMany(usize),
    /// The same layer twice.
    #[error("Layers has the layer {0} twice: bind one version of it")]
    Repeated(LayerName),
    /// There is no such layer.
    #[error("Layer {0} does not exist")]
    LayerMissing(LayerName),
    /// The layer has no such version.
    #[error("Layer {} has no version {}", .0.name, .0.number)]
    VersionMissing(LayerRef),
    /// It is for other runtimes.
    #[error("Layer {layer} is not for the runtime {runtime}: it is for {}", names(.of))]
    Incompatible {
        /// The layer.
        layer: LayerRef,
        /// What runs the function.
        runtime: RuntimeName,
        /// What the layer is for.
        of: CompatibleRuntimes,
    },
    /// Code and layers are too much together.
    #[error("code and layers unpack to {0} bytes together: use at most {UNPACKED_BYTES_MAX}")]
    TooLarge(u64),
}

fn names(runtimes: &CompatibleRuntimes) -> String {
    let names: Vec<&str> = runtimes.0.iter().map(RuntimeName::as_str).collect();
    names.join(", ")
}

impl InvalidLayers {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooMany(_) | Self::TooLarge(_) => "LimitExceeded.Layers",
            Self::Repeated(_) | Self::Incompatible { .. } => "InvalidParameterValue.Layers",
            Self::LayerMissing(_) => "ResourceNotFound.Layer",
            Self::VersionMissing(_) => "ResourceNotFound.LayerVersion",
        }
    }
}

impl Layers {
    /// Checks their number, and that each is there once.
    pub(crate) fn new(layers: Vec<Arc<LayerVersion>>) -> Result<Self, InvalidLayers> {
        if layers.len() > LAYERS_PER_FUNCTION_MAX {
            return Err(InvalidLayers::TooMany(layers.len()));
        }
        let mut seen = HashSet::new();
        match layers.iter().find(|layer| !seen.insert(&layer.name)) {
            Some(twice) => Err(InvalidLayers::Repeated(twice.name.clone())),
            None => Ok(Self(layers)),
        }
    }

    /// The layers.
    #[must_use]
    pub fn as_slice(&self) -> &[Arc<LayerVersion>] {
        &self.0
    }

    /// The one of this name and number, if it is among them.
    pub(crate) fn find(&self, wanted: &LayerRef) -> Option<&Arc<LayerVersion>> {
        let is_it = |layer: &&Arc<LayerVersion>| layer.name == wanted.name && layer.number == wanted.number;
        self.0.iter().find(is_it)
    }

    /// What instances see of them.
    pub(crate) fn stack(&self) -> LayerStack {
        LayerStack::new(self.0.iter().map(|layer| layer.code).collect())
    }
}

/// Whether a configuration's layers go with its runtime, and with its code into the space there is.
pub(crate) fn check(configuration: &Configuration) -> Result<(), InvalidLayers> {
    let Configuration { layers, runtime, .. } = configuration;
    if let Some(layer) = layers.0.iter().find(|layer| !layer.runtimes.0.contains(runtime)) {
        return Err(InvalidLayers::Incompatible {
            layer: layer.reference(),
            runtime: runtime.clone(),
            of: layer.runtimes.clone(),
        });
    }
    let layers: u64 = layers.0.iter().map(|layer| layer.unpacked_bytes).sum();
    let bytes = configuration.unpacked_bytes + layers;
    if layers > 0 && bytes > UNPACKED_BYTES_MAX {
        return Err(InvalidLayers::TooLarge(bytes));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_runtime_of_a_layer_is_told_the_near_ones() {
        let error = |text: &str| CompatibleRuntimes::parse(&[text.to_owned()]).unwrap_err().to_string();
        for (given, meant) in [
            ("Pyhton3.11", "Python3.11"),
            ("nodejs18", "Nodejs18.15"),
            ("Java71", "Java17"),
        ] {
            let text = error(given);
            assert!(text.contains("did you mean") && text.contains(meant), "{text}");
        }
        assert!(!error("Cobol").contains("did you mean"));
    }

    #[test]
    fn compatible_runtimes_are_known_ones_each_once_and_python3_is_every_python3() {
        let parse = |given: &[&str]| {
            let given: Vec<String> = given.iter().map(ToString::to_string).collect();
            CompatibleRuntimes::parse(&given).map(|runtimes| names(&runtimes))
        };
        assert_eq!(
            parse(&["python3.11", "Nodejs18.15", "PYTHON3.11"]).as_deref(),
            Ok("Python3.11, Nodejs18.15")
        );
        let all = parse(&["Python3"]).expect("all of them");
        assert!(
            all.starts_with("Python3.6, Python3.7") && !all.contains("Python2"),
            "{all}"
        );
        for bad in [&[][..], &["Cobol85"], &["Python3.11", ""]] {
            let error = parse(bad).unwrap_err();
            assert_eq!(error.code(), "InvalidParameterValue.CompatibleRuntimes", "{error}");
        }
    }

    #[test]
    fn a_license_is_bounded() {
        assert!(License::new("字".repeat(LICENSE_CHARS_MAX)).is_ok());
        assert!(License::new("x".repeat(LICENSE_CHARS_MAX + 1)).is_err());
    }
}
