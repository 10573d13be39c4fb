//! What the files of SCF's own tools have in common: texts with their lines, lists of named things in the file's order,
//! and parts that Skiff does not have. A part it does not have is an error with its line; nothing is passed over.

use std::fmt;
use std::marker::PhantomData;
use std::path::Path;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_saphyr::Spanned;

use super::ManifestError;
use super::error::no_number;

/// Knows the caller's environment variables.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A value as it is written: a number keeps its digits, and where it stands is known.
pub(super) type Text = Spanned<String>;

/// Names with values, in the order of the file.
#[derive(Debug)]
pub(super) struct Pairs<T>(pub(super) Vec<(Text, T)>);

impl<T> Default for Pairs<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Pairs<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names with values")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Reader(PhantomData))
    }
}

/// A file of another tool, for what is wrong in it.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    pub(super) folder: &'a Path,
    /// The names its fields have here and there.
    pub(super) names: &'a [(&'a str, &'a str)],
}

impl Source<'_> {
    /// Something at this place cannot be.
    pub(super) fn invalid(&self, at: &Spanned<impl Sized>, field: &str, message: impl Into<String>) -> ManifestError {
        ManifestError::invalid(self.file, at.referenced.line(), field, message)
    }

    /// A text as a value of this type.
    pub(super) fn read<T: FromStr<Err: fmt::Display>>(
        &self,
        text: &Text,
        field: &str,
    ) -> Result<Spanned<T>, ManifestError> {
        let value = text
            .value
            .parse()
            .map_err(|error| self.invalid(text, field, format!("{error}")))?;
        Ok(Spanned::new(value, text.referenced, text.defined))
    }

    /// A text as a whole number.
    pub(super) fn number(&self, text: &Option<Text>, field: &str) -> Result<Option<Spanned<u32>>, ManifestError> {
        let Some(text) = text else { return Ok(None) };
        let value = text
            .value
            .parse()
            .map_err(|_| self.invalid(text, field, no_number(&text.value, field)))?;
        Ok(Some(Spanned::new(value, text.referenced, text.defined)))
    }

    /// How many events an instance takes at once, of texts that `fill` completes.
    pub(super) fn concurrency(
        &self,
        given: Option<&Concurrency>,
        field: &str,
        fill: impl Fn(&Text) -> Result<Text, ManifestError>,
    ) -> Result<Option<Spanned<u32>>, ManifestError> {
        let Some(given) = given else { return Ok(None) };
        let text = |text: &Option<Text>| text.as_ref().map(&fill).transpose();
        let off = |text: &Text| text.value.eq_ignore_ascii_case("false");
        if text(&given.enable)?.is_some_and(|enable| off(&enable)) {
            return Ok(None);
        }
        if let Some(dynamic) = text(&given.dynamic_enabled)?
            && !off(&dynamic)
        {
            let message = "an instance takes as many events at once as the file says: say FALSE, and a number";
            return Err(self.invalid(&dynamic, field, message));
        }
        self.number(&text(&given.max_concurrency)?, field)
    }

    /// Refuses a network of another cloud: `none` is the only one there is beside the default.
    pub(super) fn vpc(
        &self,
        given: Option<&Spanned<Vpc>>,
        field: &str,
    ) -> Result<Option<skiff_domain::NetworkMode>, ManifestError> {
        let Some(vpc) = given else { return Ok(None) };
        let id = vpc.value.vpc_id.as_deref().unwrap_or_default();
        let subnet = vpc.value.subnet_id.as_deref().unwrap_or_default();
        match (id, subnet) {
            ("", "") => Ok(None),
            ("none", "") => Ok(Some(skiff_domain::NetworkMode::None)),
            _ => Err(self.invalid(
                vpc,
                field,
                format!("there is no private network {id:?} here: leave it out, or say none"),
            )),
        }
    }
}

/// How many events an instance takes at once, as both tools say it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Concurrency {
    enable: Option<Text>,
    #[serde(alias = "DynamicEnabled", rename = "dynamicEnabled")]
    dynamic_enabled: Option<Text>,
    #[serde(alias = "MaxConcurrency", rename = "maxConcurrency")]
    max_concurrency: Option<Text>,
}

/// A network as both tools say it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Vpc {
    #[serde(alias = "VpcId", rename = "vpcId")]
    vpc_id: Option<String>,
    #[serde(alias = "SubnetId", rename = "subnetId")]
    subnet_id: Option<String>,
}

/// Why a trigger cannot be had.
pub(super) fn no_trigger(kind: &str) -> String {
    format!(
        "a trigger ({kind}) cannot be deployed: Skiff has no triggers yet; leave it out and call the function yourself"
    )
}
