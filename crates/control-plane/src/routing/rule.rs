//! One rule: calls whose routing key holds a value go to a version.

use std::fmt;
use std::str::FromStr;

use skiff_domain::{InvalidName, VersionRef};

use super::RoutingKey;

/// Where the values of a routing key are found, as rules write it (CONTRACT 2.5).
const KEY_PREFIX: &str = "invoke.headers.";
/// Longest name or value of a rule, in bytes: a routing key holds no longer ones.
const TEXT_BYTES_MAX: usize = 1024;

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Where calls go that match.
    pub version: VersionRef,
    /// The name in the routing key.
    name: String,
    condition: Condition,
}

/// What the value must be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    /// This text.
    Exact(String),
    /// A number in this range.
    Range(Range),
}

/// `[1,50]`, `(1,50)`, `[1,50)` or `(1,50]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    low: i64,
    /// True for `[`.
    with_low: bool,
    high: i64,
    /// True for `]`.
    with_high: bool,
}

/// A rule as it is given.
#[derive(Debug, Clone, Default)]
pub struct GivenRule {
    /// Where calls go that match.
    pub version: String,
    /// `invoke.headers.` and the name in the routing key.
    pub key: String,
    /// `exact` or `range`.
    pub method: String,
    /// The value, or the range.
    pub expression: String,
}

/// Why a rule cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    /// A version's name that is none.
    #[error("{0}")]
    Version(InvalidName),
    /// A key that leads nowhere.
    #[error("Key {0:?} is not valid: use {KEY_PREFIX} and a name of the RoutingKey, such as {KEY_PREFIX}User")]
    Key(String),
    /// An unknown method.
    #[error("Method {0:?} is not valid: use exact or range")]
    Method(String),
    /// A range that is none.
    #[error("Expression {0:?} is not a range: use two whole numbers, such as [1,50] with or (1,50) without its ends")]
    Range(String),
    /// A value that is none.
    #[error("Expression is not valid: use 1 to {TEXT_BYTES_MAX} bytes")]
    Value,
}

impl Rule {
    /// Reads a rule as it is given.
    pub(super) fn parse(given: GivenRule) -> Result<Self, InvalidRule> {
        let cut = |text: &str| text.chars().take(80).collect();
        let name = given.key.strip_prefix(KEY_PREFIX);
        let name = name.filter(|name| (1..=TEXT_BYTES_MAX).contains(&name.len()));
        let name = name.ok_or_else(|| InvalidRule::Key(cut(&given.key)))?;
        let condition = match given.method.to_ascii_lowercase().as_str() {
            "exact" if (1..=TEXT_BYTES_MAX).contains(&given.expression.len()) => Condition::Exact(given.expression),
            "exact" => return Err(InvalidRule::Value),
            "range" => {
                let range = given.expression.parse();
                Condition::Range(range.map_err(|()| InvalidRule::Range(cut(&given.expression)))?)
            }
            _ => return Err(InvalidRule::Method(cut(&given.method))),
        };
        Ok(Self {
            version: given.version.parse().map_err(InvalidRule::Version)?,
            name: name.to_owned(),
            condition,
        })
    }

    /// The rule as it is given.
    #[must_use]
    pub fn to_given(&self) -> GivenRule {
        let (method, expression) = match &self.condition {
            Condition::Exact(text) => ("exact", text.clone()),
            Condition::Range(range) => ("range", range.to_string()),
        };
        GivenRule {
            version: self.version.to_string(),
            key: format!("{KEY_PREFIX}{}", self.name),
            method: method.to_owned(),
            expression,
        }
    }

    /// True when a call with this routing key matches.
    pub(super) fn holds(&self, key: &RoutingKey) -> bool {
        let Some(value) = key.get(&self.name) else {
            return false;
        };
        match &self.condition {
            Condition::Exact(text) => value == text,
            Condition::Range(range) => range.holds(value),
        }
    }
}

impl Range {
    /// True for a number in the range, whole or not.
    fn holds(&self, value: &str) -> bool {
        if let Ok(number) = value.parse::<i64>() {
            return (self.low < number || self.with_low && self.low == number)
                && (number < self.high || self.with_high && self.high == number);
        }
        let (low, high) = (self.low as f64, self.high as f64);
        let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
        number.is_some_and(|number| {
            (low < number || self.with_low && low == number) && (number < high || self.with_high && high == number)
        })
    }
}

impl FromStr for Range {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (with_low, rest) = match text.trim().strip_prefix('[') {
            Some(rest) => (true, rest),
            None => (false, text.trim().strip_prefix('(').ok_or(())?),
        };
        let (with_high, rest) = match rest.strip_suffix(']') {
            Some(rest) => (true, rest),
            None => (false, rest.strip_suffix(')').ok_or(())?),
        };
        let (low, high) = rest.split_once(',').ok_or(())?;
        let low: i64 = low.trim().parse().map_err(|_| ())?;
        let high: i64 = high.trim().parse().map_err(|_| ())?;
        if low > high {
            return Err(());
        }
        Ok(Self {
            low,
            with_low,
            high,
            with_high,
        })
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = if self.with_low { '[' } else { '(' };
        let close = if self.with_high { ']' } else { ')' };
        write!(f, "{open}{},{}{close}", self.low, self.high)
    }
}
