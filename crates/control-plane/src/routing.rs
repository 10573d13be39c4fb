//! How an alias shares its calls out: a share of them by chance, or those whose routing key matches a rule, go to
//! another version than the main one.
//!
//! Pure: chance comes in as a number. To route allocates nothing.

mod rule;

use std::collections::BTreeMap;

use serde_json::Value;
use skiff_domain::{InvalidName, RequestId, VersionRef};

pub use rule::{GivenRule, InvalidRule, Rule};

/// Most rules of one alias.
const RULES_MAX: usize = 10;
/// Longest routing key, in bytes (CONTRACT 2.5).
const ROUTING_KEY_BYTES_MAX: usize = 1024;

/// Which calls of an alias do not go to its main version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Routing {
    /// None.
    #[default]
    None,
    /// A share of them, by chance.
    Weighted {
        /// Where that goes.
        version: VersionRef,
        /// How large it is.
        weight: Weight,
    },
    /// Those that match a rule; the first that matches counts.
    Ruled(Vec<Rule>),
}

/// A share: 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weight(f64);

// It is never NaN.
impl Eq for Weight {}

impl Weight {
    /// Checks a share.
    pub fn new(share: f64) -> Result<Self, InvalidRouting> {
        if (0.0..=1.0).contains(&share) {
            Ok(Self(share))
        } else {
            Err(InvalidRouting::Weight(share.to_string()))
        }
    }

    /// The share.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

/// Why a routing cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRouting {
    /// More than one further version.
    #[error("RoutingConfig.AdditionalVersionWeights has {0} versions: use at most one beside FunctionVersion")]
    Weights(usize),
    /// A share that is none.
    #[error("RoutingConfig.AdditionalVersionWeights Weight {0} is not valid: use 0 to 1")]
    Weight(String),
    /// A version's name that is none.
    #[error("RoutingConfig.AdditionalVersionWeights {0}")]
    WeightVersion(InvalidName),
    /// Too many rules.
    #[error("RoutingConfig.AddtionVersionMatchs has {0} rules: use at most {RULES_MAX}")]
    Rules(usize),
    /// A rule that is none.
    #[error("RoutingConfig.AddtionVersionMatchs {0}")]
    Rule(#[from] InvalidRule),
    /// Both ways at once.
    #[error("RoutingConfig has AdditionalVersionWeights and AddtionVersionMatchs: use one of them")]
    Both,
}

impl InvalidRouting {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Weights(_) | Self::Weight(_) | Self::WeightVersion(_) => {
                "InvalidParameterValue.AdditionalVersionWeights"
            }
            Self::Rules(_) | Self::Rule(_) | Self::Both => "InvalidParameterValue.RoutingConfig",
        }
    }
}

impl Routing {
    /// Reads a routing as it is given: versions and their weights, and rules.
    pub fn parse(weights: &[(String, f64)], rules: Vec<GivenRule>) -> Result<Self, InvalidRouting> {
        match (weights, rules.len()) {
            ([], 0) => Ok(Self::None),
            ([(version, weight)], 0) => Ok(Self::Weighted {
                version: version.parse().map_err(InvalidRouting::WeightVersion)?,
                weight: Weight::new(*weight)?,
            }),
            ([], 1..=RULES_MAX) => {
                let rules = rules.into_iter().map(Rule::parse);
                Ok(Self::Ruled(rules.collect::<Result<_, _>>()?))
            }
            ([], rules) => Err(InvalidRouting::Rules(rules)),
            (weights, 0) => Err(InvalidRouting::Weights(weights.len())),
            (_, _) => Err(InvalidRouting::Both),
        }
    }

    /// The versions it names.
    pub(crate) fn versions(&self) -> impl Iterator<Item = VersionRef> {
        let (weighted, rules) = match self {
            Self::None => (None, &[][..]),
            Self::Weighted { version, .. } => (Some(*version), &[][..]),
            Self::Ruled(rules) => (None, &rules[..]),
        };
        weighted.into_iter().chain(rules.iter().map(|rule| rule.version))
    }

    /// The same without what leads to this version.
    pub(crate) fn without(&self, gone: VersionRef) -> Self {
        match self {
            Self::Ruled(rules) => {
                let rules: Vec<_> = rules.iter().filter(|rule| rule.version != gone).cloned().collect();
                if rules.is_empty() {
                    Self::None
                } else {
                    Self::Ruled(rules)
                }
            }
            Self::Weighted { version, .. } if *version == gone => Self::None,
            other => other.clone(),
        }
    }

    /// Which of the versions it names this call goes to, counted as [`Self::versions`] does; `None` for the main one.
    pub(crate) fn choose(&self, draw: &Draw<'_>) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Weighted { weight, .. } => (draw.chance < weight.0).then_some(0),
            Self::Ruled(rules) => {
                let key = draw.routing_key?;
                rules.iter().position(|rule| rule.holds(key))
            }
        }
    }
}

/// What decides where a call of an alias goes.
#[derive(Debug, Clone, Copy)]
pub struct Draw<'a> {
    /// A random number from 0 up to but not including 1.
    chance: f64,
    /// What the caller gave to be routed by.
    routing_key: Option<&'a RoutingKey>,
}

impl<'a> Draw<'a> {
    /// The draw of a call. Chance is its id's, which is random: whoever tries the same call again, as with a retry, goes
    /// the same way.
    #[must_use]
    pub fn of(id: RequestId, routing_key: Option<&'a RoutingKey>) -> Self {
        const BITS: u32 = f64::MANTISSA_DIGITS;
        // The last 62 bits of a random UUID are random.
        let bits = id.0.as_u128() & ((1 << BITS) - 1);
        Self {
            chance: bits as f64 / (1_u64 << BITS) as f64,
            routing_key,
        }
    }
}

/// What a caller gives to be routed by: names and their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingKey(BTreeMap<String, String>);

/// Why a routing key cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRoutingKey {
    /// Too long.
    #[error("RoutingKey has {0} bytes: use at most {ROUTING_KEY_BYTES_MAX}")]
    TooLong(usize),
    /// Not what it has to be.
    #[error("RoutingKey is not valid: give a JSON object of texts or numbers, such as {{\"User\": \"Bob\"}}")]
    NotObject,
}

impl InvalidRoutingKey {
    /// The documented error code (CONTRACT 2.9 has no narrower one).
    #[must_use]
    pub fn code(&self) -> &'static str {
        "InvalidParameterValue.RoutingConfig"
    }
}

impl RoutingKey {
    /// Reads the JSON of a routing key.
    pub fn parse(text: &str) -> Result<Self, InvalidRoutingKey> {
        if text.len() > ROUTING_KEY_BYTES_MAX {
            return Err(InvalidRoutingKey::TooLong(text.len()));
        }
        let values: BTreeMap<String, Value> = serde_json::from_str(text).map_err(|_| InvalidRoutingKey::NotObject)?;
        let texts = values.into_iter().map(|(name, value)| match value {
            Value::String(text) => Ok((name, text)),
            Value::Number(number) => Ok((name, number.to_string())),
            Value::Bool(value) => Ok((name, value.to_string())),
            Value::Null | Value::Array(_) | Value::Object(_) => Err(InvalidRoutingKey::NotObject),
        });
        Ok(Self(texts.collect::<Result<_, _>>()?))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests;
