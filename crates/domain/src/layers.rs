//! Layers: packages laid over each other and seen by a function at `/opt`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::code::CodeDigest;
use crate::ids::InvalidName;
use crate::qualifier::VersionNumber;

/// A layer's name: 1 to 64 of `A-Za-z0-9_-`, a letter first, a letter or digit last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LayerName(String);

impl LayerName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LayerName {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let is_name = text.len() <= 64
            && text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.ends_with(|last: char| last.is_ascii_alphanumeric())
            && text.bytes().all(legal);
        if is_name {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidName::new(
            "layer name",
            text,
            "use 1 to 64 letters, digits, '-' and '_'; begin with a letter, end with a letter or digit",
        ))
    }
}

impl TryFrom<String> for LayerName {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<LayerName> for String {
    fn from(name: LayerName) -> Self {
        name.0
    }
}

/// A version of a layer, by name: `deps:3`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LayerRef {
    /// The layer.
    pub name: LayerName,
    /// The version.
    pub number: VersionNumber,
}

impl fmt::Display for LayerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.number)
    }
}

impl FromStr for LayerRef {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let (name, number) = text
            .split_once(':')
            .ok_or_else(|| InvalidName::new("layer", text, "write its name and one of its versions, such as deps:3"))?;
        Ok(Self {
            name: name.parse()?,
            number: number.parse()?,
        })
    }
}

impl TryFrom<String> for LayerRef {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<LayerRef> for String {
    fn from(layer: LayerRef) -> Self {
        layer.to_string()
    }
}

/// Packages in the order they are laid over each other: where two have a file of one path, the later one's is seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct LayerStack {
    layers: Vec<CodeDigest>,
    whole: Option<CodeDigest>,
}

impl LayerStack {
    /// These, the lowest first.
    #[must_use]
    pub fn new(layers: Vec<CodeDigest>) -> Self {
        let whole = match layers[..] {
            [] => None,
            [one] => Some(one),
            _ => {
                // The digest of a text that is no zip: no package has it.
                let names: Vec<String> = layers.iter().map(CodeDigest::to_string).collect();
                Some(CodeDigest::of(format!("layers\n{}\n", names.join("\n")).as_bytes()))
            }
        };
        Self { layers, whole }
    }

    /// The packages, the lowest first.
    #[must_use]
    pub fn layers(&self) -> &[CodeDigest] {
        &self.layers
    }

    /// The identity of what they are together: a single package is itself. `None` where there are none.
    #[must_use]
    pub fn whole(&self) -> Option<CodeDigest> {
        self.whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_name_begins_with_a_letter_and_ends_with_a_letter_or_digit() {
        for good in ["a", "deps", "numpy-1_26", "A1", &"a".repeat(64)] {
            assert_eq!(good.parse::<LayerName>().map(String::from).as_deref(), Ok(good));
        }
        for bad in ["", "1a", "-a", "a-", "a_", "a b", "a/b", "..", "ä", &"a".repeat(65)] {
            assert!(bad.parse::<LayerName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_version_of_a_layer_is_its_name_and_its_number() {
        let layer: LayerRef = "deps:3".parse().expect("legal");
        assert_eq!((layer.name.as_str(), layer.number.get()), ("deps", 3));
        assert_eq!(layer.to_string(), "deps:3");
        for bad in ["", "deps", "deps:", "deps:0", "deps:new", ":3", "deps:3:4"] {
            assert!(bad.parse::<LayerRef>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_stack_is_what_its_layers_are_in_their_order() {
        let [a, b] = [b"a", b"b"].map(|bytes| CodeDigest::of(bytes));
        let whole = |layers: &[CodeDigest]| LayerStack::new(layers.to_vec()).whole();
        assert_eq!(whole(&[]), None);
        assert_eq!(whole(&[a]), Some(a), "one alone is itself");
        assert_eq!(whole(&[a, b]), whole(&[a, b]));
        assert_ne!(whole(&[a, b]), whole(&[b, a]));
        assert!(![Some(a), Some(b)].contains(&whole(&[a, b])));
    }
}
