//! What qualifiers name: versions by number, and aliases.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{InvalidName, Qualifier};

/// The number of a published version: 1, 2, … It counts up and is never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionNumber(NonZeroU64);

impl VersionNumber {
    /// The first version's.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for VersionNumber {
    type Err = InvalidName;
    /// As it is written: `7`, and not `07`, which would be a second name of one version.
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        let number = digits.then(|| text.parse().ok()).flatten();
        number
            .map(Self)
            .ok_or_else(|| InvalidName::new("version", text, "use the number of a published version, such as 1"))
    }
}

/// One version of a function: `$LATEST`, or a published one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum VersionRef {
    /// The code and configuration as last updated.
    Latest,
    /// The published version of this number.
    Number(VersionNumber),
}

impl fmt::Display for VersionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str(Qualifier::LATEST),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl FromStr for VersionRef {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if text == Qualifier::LATEST {
            return Ok(Self::Latest);
        }
        text.parse().map(Self::Number).map_err(|_| {
            InvalidName::new(
                "version",
                text,
                "use $LATEST or the number of a published version, such as 1",
            )
        })
    }
}

impl TryFrom<String> for VersionRef {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<VersionRef> for String {
    fn from(version: VersionRef) -> Self {
        version.to_string()
    }
}

/// An alias's name: `$DEFAULT`, which every function has, or 1 to 64 of `A-Za-z0-9_-`, a letter first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AliasName(Qualifier);

impl AliasName {
    /// `$DEFAULT`.
    #[must_use]
    pub fn default_alias() -> Self {
        Self(Qualifier::default_alias())
    }

    /// True for `$DEFAULT`.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.as_str() == Qualifier::DEFAULT
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The qualifier that means it.
    #[must_use]
    pub fn as_qualifier(&self) -> &Qualifier {
        &self.0
    }
}

impl fmt::Display for AliasName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for AliasName {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let is_alias = text == Qualifier::DEFAULT || text.starts_with(|first: char| first.is_ascii_alphabetic());
        let name = is_alias.then(|| text.parse().ok()).flatten();
        name.map(Self).ok_or_else(|| {
            InvalidName::new(
                "alias",
                text,
                "use 1 to 64 letters, digits, '-' and '_' beginning with a letter, or $DEFAULT",
            )
        })
    }
}

impl TryFrom<String> for AliasName {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<AliasName> for String {
    fn from(name: AliasName) -> Self {
        name.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_one_name() {
        assert_eq!("1".parse(), Ok(VersionNumber::FIRST));
        assert_eq!("2".parse(), Ok(VersionNumber::FIRST.next()));
        for bad in [
            "",
            "0",
            "01",
            "-1",
            "+1",
            "1.0",
            " 1",
            "$LATEST",
            "99999999999999999999",
        ] {
            assert!(bad.parse::<VersionNumber>().is_err(), "{bad}");
        }
        assert_eq!("$LATEST".parse(), Ok(VersionRef::Latest));
        assert_eq!("1".parse(), Ok(VersionRef::Number(VersionNumber::FIRST)));
        for bad in ["$DEFAULT", "latest", "prod", "0"] {
            assert!(bad.parse::<VersionRef>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_alias_begins_with_a_letter_or_is_the_default() {
        for good in ["$DEFAULT", "a", "prod", "v1-", "A_b", &"a".repeat(64)] {
            assert_eq!(
                good.parse::<AliasName>().map(|name| name.to_string()).as_deref(),
                Ok(good)
            );
        }
        for bad in ["", "1", "1a", "$LATEST", "-a", "a b", "ä", &"a".repeat(65)] {
            assert!(bad.parse::<AliasName>().is_err(), "{bad}");
        }
    }
}
