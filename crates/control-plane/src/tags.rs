//! A function's tags: words users file their functions under. They change nothing about how it runs.

use std::collections::HashSet;

/// Most tags of one function.
const TAGS_MAX: usize = 50;
/// Longest key, in characters.
const KEY_CHARS_MAX: usize = 127;
/// Longest value, in characters.
const VALUE_CHARS_MAX: usize = 255;

/// Keys and their values, each key once, in the order given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tags(Vec<(String, String)>);

/// Why tags cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTags {
    /// Too many.
    #[error("Tags has {0} tags: use at most {TAGS_MAX}")]
    TooMany(usize),
    /// A key of a wrong length.
    #[error("Tags key {0:?} is not valid: use 1 to {KEY_CHARS_MAX} characters")]
    Key(String),
    /// A value of a wrong length.
    #[error("Tags value of {0:?} is too long: use at most {VALUE_CHARS_MAX} characters")]
    Value(String),
    /// The same key twice.
    #[error("Tags has the key {0:?} twice: give each key once")]
    Repeated(String),
}

impl InvalidTags {
    /// The documented error code (CONTRACT 2.9 has no narrower one).
    #[must_use]
    pub fn code(&self) -> &'static str {
        "InvalidParameterValue"
    }
}

impl Tags {
    /// Checks their number, lengths and uniqueness.
    pub fn new(tags: Vec<(String, String)>) -> Result<Self, InvalidTags> {
        if tags.len() > TAGS_MAX {
            return Err(InvalidTags::TooMany(tags.len()));
        }
        let mut seen = HashSet::new();
        for (key, value) in &tags {
            let cut = || key.chars().take(KEY_CHARS_MAX).collect();
            if key.is_empty() || key.chars().count() > KEY_CHARS_MAX {
                return Err(InvalidTags::Key(cut()));
            }
            if value.chars().count() > VALUE_CHARS_MAX {
                return Err(InvalidTags::Value(cut()));
            }
            if !seen.insert(key) {
                return Err(InvalidTags::Repeated(cut()));
            }
        }
        Ok(Self(tags))
    }

    /// The tags.
    #[must_use]
    pub fn as_slice(&self) -> &[(String, String)] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tags: &[(&str, &str)]) -> Result<(), InvalidTags> {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Tags::new(tags.collect()).map(|_| ())
    }

    #[test]
    fn a_tag_is_a_key_given_once_with_a_bounded_value() {
        assert_eq!(check(&[("team", "probe"), ("env", "")]), Ok(()));
        assert_eq!(check(&[("", "x")]), Err(InvalidTags::Key(String::new())));
        assert_eq!(
            check(&[("a", "1"), ("a", "2")]),
            Err(InvalidTags::Repeated("a".to_owned()))
        );
        assert_eq!(
            check(&[("a", &"v".repeat(256))]),
            Err(InvalidTags::Value("a".to_owned()))
        );
        assert_eq!(check(&[("k", "v"); 51]), Err(InvalidTags::TooMany(51)));
    }
}
