//! Names users choose and ids the service gives.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::qualifier::VersionRef;

/// A name that breaks the rules of its kind. The text says which rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {given:?} is not valid: {rule}")]
pub struct InvalidName {
    /// What was being named: "function name", "namespace", …
    pub kind: &'static str,
    /// What was given, cut to 80 characters.
    pub given: String,
    /// The rule, as a sentence for the user.
    pub rule: &'static str,
}

impl InvalidName {
    pub(crate) fn new(kind: &'static str, given: &str, rule: &'static str) -> Self {
        Self {
            kind,
            given: given.chars().take(80).collect(),
            rule,
        }
    }
}

/// True for `[A-Za-z][A-Za-z0-9_-]*[A-Za-z0-9]`, 2 to `max` bytes long.
fn is_identifier(text: &str, max: usize) -> bool {
    let bytes = text.as_bytes();
    (2..=max).contains(&bytes.len())
        && bytes[0].is_ascii_alphabetic()
        && bytes[bytes.len() - 1].is_ascii_alphanumeric()
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'-')
}

macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    };
}

text_newtype! {
    /// A function's name: 2 to 60 of `A-Za-z0-9_-`, a letter first, a letter or digit last.
    /// Source: CONTRACT 2.5, CreateFunction.
    FunctionName
}

impl FromStr for FunctionName {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if is_identifier(text, 60) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidName::new(
            "function name",
            text,
            "use 2 to 60 letters, digits, '-' and '_'; begin with a letter, end with a letter or digit",
        ))
    }
}

text_newtype! {
    /// A namespace's name; the same rule as a function's.
    NamespaceName
}

impl FromStr for NamespaceName {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if is_identifier(text, 60) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidName::new(
            "namespace",
            text,
            "use 2 to 60 letters, digits, '-' and '_'; begin with a letter, end with a letter or digit",
        ))
    }
}

impl Default for NamespaceName {
    /// `default`, which always exists.
    fn default() -> Self {
        Self("default".to_owned())
    }
}

text_newtype! {
    /// Which version of a function is meant: `$LATEST`, `$DEFAULT`, a version number or an alias.
    Qualifier
}

impl Qualifier {
    /// The qualifier of the code and configuration as last updated.
    pub const LATEST: &'static str = "$LATEST";
    /// The built-in alias; points to `$LATEST` until it is changed.
    pub const DEFAULT: &'static str = "$DEFAULT";

    /// `$LATEST`.
    #[must_use]
    pub fn latest() -> Self {
        Self(Self::LATEST.to_owned())
    }

    /// `$DEFAULT`.
    #[must_use]
    pub fn default_alias() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

impl FromStr for Qualifier {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let known = matches!(text, Self::LATEST | Self::DEFAULT);
        let number = !text.is_empty() && text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit());
        // Unlike a function's name, an alias may be one letter and end in any of its characters.
        let alias = text.len() <= 64
            && text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if known || number || alias {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidName::new(
            "qualifier",
            text,
            "use $LATEST, $DEFAULT, a version number or an alias name",
        ))
    }
}

impl From<VersionRef> for Qualifier {
    fn from(version: VersionRef) -> Self {
        Self(version.to_string())
    }
}

text_newtype! {
    /// A role's name: 1 to 128 of `A-Za-z0-9_+=,.@-`, as CAM has them.
    RoleName
}

impl FromStr for RoleName {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        if (1..=128).contains(&text.len()) && text.bytes().all(legal) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidName::new(
            "role",
            text,
            "use 1 to 128 letters, digits and any of _+=,.@-",
        ))
    }
}

/// A function's full name. One machine or cluster is one region and one account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FunctionKey {
    /// The namespace it lives in.
    pub namespace: NamespaceName,
    /// Its name there.
    pub name: FunctionName,
}

impl fmt::Display for FunctionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A function's identity, `lam-` and eight lower-case letters or digits. Unlike its name it is
/// never used again: a deleted and re-created function is another function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FunctionUid(String);

impl FunctionUid {
    /// Makes an id from 40 random bits.
    #[must_use]
    pub fn from_random(random: [u8; 5]) -> Self {
        const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let bits = random.iter().fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
        let text = (0..8).map(|i| char::from(ALPHABET[((bits >> (5 * i)) & 31) as usize]));
        Self("lam-".chars().chain(text).collect())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FunctionUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FunctionUid {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let is_random = |tail: &str| tail.len() == 8 && tail.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'));
        if text.strip_prefix("lam-").is_some_and(is_random) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidName::new(
            "function id",
            text,
            "give 'lam-' and eight lower-case letters or digits",
        ))
    }
}

/// One invocation's id: `context.request_id`, `Result.FunctionRequestId` and the id in its logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub Uuid);

impl RequestId {
    /// A new random id.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}

impl FromStr for RequestId {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Uuid::parse_str(text)
            .map(Self)
            .map_err(|_| InvalidName::new("request id", text, "give a UUID"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_name_follows_the_contract() {
        for good in ["ab", "hello-world", "A_b-9", &"a".repeat(60)] {
            assert!(good.parse::<FunctionName>().is_ok(), "{good} is legal");
        }
        for bad in [
            "",
            "a",
            "1ab",
            "ab-",
            "ab_",
            "a b",
            "a/b",
            "..",
            "héllo",
            &"a".repeat(61),
        ] {
            assert!(bad.parse::<FunctionName>().is_err(), "{bad} is not legal");
        }
    }

    #[test]
    fn a_qualifier_is_latest_default_a_number_or_an_alias() {
        for good in ["$LATEST", "$DEFAULT", "1", "42", "prod", "v", "v-"] {
            assert!(good.parse::<Qualifier>().is_ok(), "{good} is legal");
        }
        for bad in ["", "$OTHER", "a/b", "-x", "9".repeat(19).as_str()] {
            assert!(bad.parse::<Qualifier>().is_err(), "{bad} is not legal");
        }
    }

    #[test]
    fn a_function_uid_uses_all_forty_bits() {
        assert_eq!(FunctionUid::from_random([0; 5]).as_str(), "lam-aaaaaaaa");
        assert_eq!(FunctionUid::from_random([255; 5]).as_str(), "lam-99999999");
    }

    #[test]
    fn a_function_uid_reads_back_from_its_text() {
        let uid = FunctionUid::from_random([1, 2, 3, 4, 5]);
        assert_eq!(uid.as_str().parse(), Ok(uid));
        for bad in ["", "lam-", "lam-abc", "lam-ABCDEFGH", "lam-abcdefghi", "fn-abcdefgh"] {
            assert!(bad.parse::<FunctionUid>().is_err(), "{bad} is not legal");
        }
    }
}
