//! A function's environment variables: which names and how much of them are allowed (CONTRACT 1.3).
//!
//! Values are kept as they are given: encryption at rest is the operator's disk until Skiff has a key of its own.

use std::collections::HashSet;

use skiff_domain::Version;
use skiff_domain::limits::ENVIRONMENT_BYTES_MAX;

/// Prefixes of the variables that only the platform sets.
const RESERVED_PREFIXES: [&str; 3] = ["SCF_", "QCLOUD_", "TENCENTCLOUD_"];
/// Shortest and longest name, in characters.
const KEY_CHARS: std::ops::RangeInclusive<usize> = 2..=64;

/// A function's environment variables in the order given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment(Vec<(String, String)>);

/// Why variables cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEnvironment {
    /// A name that breaks the rule.
    #[error(
        "Environment.Variables key {0:?} is not valid: use 2 to 64 letters, digits and '_', beginning with a letter"
    )]
    Key(String),
    /// The same name twice.
    #[error("Environment.Variables has the key {0:?} twice: give each key once")]
    Repeated(String),
    /// A value no process environment can hold.
    #[error("Environment.Variables value of {0:?} contains a NUL character: remove it")]
    Value(String),
    /// A variable of Skiff's own with a value it does not know.
    #[error("Environment.Variables value of {0} is {1:?}: use on or off")]
    Switch(&'static str, String),
    /// A name only the platform may set.
    #[error("Environment.Variables key {0:?} is reserved: do not begin a key with SCF_, QCLOUD_ or TENCENTCLOUD_")]
    Reserved(String),
    /// Too much altogether.
    #[error("Environment.Variables are {0} bytes of keys and values: use at most {ENVIRONMENT_BYTES_MAX}")]
    TooLarge(usize),
}

impl InvalidEnvironment {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Key(_) | Self::Repeated(_) | Self::Value(_) | Self::Switch(..) => "InvalidParameterValue.Environment",
            Self::Reserved(_) => "InvalidParameterValue.EnvironmentSystemProtect",
            Self::TooLarge(_) => "InvalidParameterValue.EnvironmentExceededLimit",
        }
    }
}

impl Environment {
    /// Checks names, values and the total size.
    pub fn new(variables: Vec<(String, String)>) -> Result<Self, InvalidEnvironment> {
        let bytes = variables.iter().map(|(key, value)| key.len() + value.len()).sum();
        if bytes > ENVIRONMENT_BYTES_MAX {
            return Err(InvalidEnvironment::TooLarge(bytes));
        }
        let mut seen = HashSet::new();
        for (key, value) in &variables {
            if RESERVED_PREFIXES.iter().any(|prefix| key.starts_with(prefix)) {
                return Err(InvalidEnvironment::Reserved(key.clone()));
            }
            if !is_key(key) {
                return Err(InvalidEnvironment::Key(key.clone()));
            }
            if !seen.insert(key) {
                return Err(InvalidEnvironment::Repeated(key.clone()));
            }
            if key == Version::SNAPSHOT && !["on", "off", ""].contains(&value.as_str()) {
                return Err(InvalidEnvironment::Switch(
                    Version::SNAPSHOT,
                    value.chars().take(80).collect(),
                ));
            }
            if value.contains('\0') {
                return Err(InvalidEnvironment::Value(key.clone()));
            }
        }
        Ok(Self(variables))
    }

    /// The variables.
    #[must_use]
    pub fn variables(&self) -> &[(String, String)] {
        &self.0
    }

    /// The variables.
    #[must_use]
    pub fn into_variables(self) -> Vec<(String, String)> {
        self.0
    }
}

fn is_key(key: &str) -> bool {
    KEY_CHARS.contains(&key.len())
        && key.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, value: &str) -> Result<(), InvalidEnvironment> {
        Environment::new(vec![(key.to_owned(), value.to_owned())]).map(|_| ())
    }

    #[test]
    fn a_key_is_2_to_64_letters_digits_and_underscores_after_a_letter() {
        for good in ["ab", "DB_NAME", "k9", &"a".repeat(64), "Scf_x", "PATH"] {
            assert_eq!(check(good, "v"), Ok(()), "{good}");
        }
        for bad in ["", "a", "1ab", "_ab", "a-b", "a b", "a=b", "äb", &"a".repeat(65)] {
            assert_eq!(check(bad, "v"), Err(InvalidEnvironment::Key(bad.to_owned())), "{bad}");
        }
    }

    #[test]
    fn a_platform_prefix_is_reserved_and_says_so_by_its_own_code() {
        for key in ["SCF_X", "QCLOUD_X", "TENCENTCLOUD_SECRETID", "SCF_"] {
            let error = check(key, "v").unwrap_err();
            assert_eq!(error, InvalidEnvironment::Reserved(key.to_owned()));
            assert_eq!(error.code(), "InvalidParameterValue.EnvironmentSystemProtect");
        }
    }

    #[test]
    fn keys_and_values_together_are_at_most_4_kb() {
        assert_eq!(check("ab", &"v".repeat(4094)), Ok(()));
        let error = check("ab", &"v".repeat(4095)).unwrap_err();
        assert_eq!(error, InvalidEnvironment::TooLarge(4097));
        assert_eq!(error.code(), "InvalidParameterValue.EnvironmentExceededLimit");
    }

    #[test]
    fn a_key_given_twice_or_a_nul_in_a_value_is_refused() {
        let twice = vec![("ab".to_owned(), "1".to_owned()), ("ab".to_owned(), "2".to_owned())];
        assert_eq!(
            Environment::new(twice),
            Err(InvalidEnvironment::Repeated("ab".to_owned()))
        );
        assert_eq!(check("ab", "x\0y"), Err(InvalidEnvironment::Value("ab".to_owned())));
    }

    #[test]
    fn a_switch_of_skiffs_own_is_on_or_off_and_off_when_empty() {
        let with = |value: &str| Environment::new(vec![("SKIFF_SNAPSHOT".to_owned(), value.to_owned())]);
        assert!(["on", "off", ""].into_iter().all(|value| with(value).is_ok()));
        let error = with("TRUE").expect_err("neither");
        assert_eq!(error.code(), "InvalidParameterValue.Environment");
        assert!(error.to_string().ends_with("is \"TRUE\": use on or off"), "{error}");
    }
}
