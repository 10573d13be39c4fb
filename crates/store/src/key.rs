//! The names of documents, queues and nodes: path-like texts, valid by construction.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest key, prefix or queue id, in bytes.
const PATH_BYTES_MAX: usize = 1024;
/// Longest node id or deduplication id, in bytes.
const ID_BYTES_MAX: usize = 128;

/// A text that is no legal key, prefix or id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {given:?} is not valid: {rule}")]
pub struct InvalidKey {
    /// What was being named: "key", "queue id", …
    pub kind: &'static str,
    /// What was given, cut to 80 characters.
    pub given: String,
    /// The rule that was broken.
    pub rule: &'static str,
}

impl InvalidKey {
    fn new(kind: &'static str, given: &str, rule: &'static str) -> Self {
        Self {
            kind,
            given: given.chars().take(80).collect(),
            rule,
        }
    }
}

const PATH_RULE: &str = "use segments joined by '/', none of them empty, '.' or '..', without control characters, \
                         1024 bytes at most";

fn is_segment(text: &str) -> bool {
    !text.is_empty() && text != "." && text != ".." && !text.chars().any(char::is_control)
}

fn is_path(text: &str) -> bool {
    text.len() <= PATH_BYTES_MAX && text.split('/').all(is_segment)
}

macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $check:expr, $rule:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            fn check(text: &str) -> Result<(), InvalidKey> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(()) } else { Err(InvalidKey::new($kind, text, $rule)) }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl FromStr for $name {
            type Err = InvalidKey;
            fn from_str(text: &str) -> Result<Self, InvalidKey> {
                Self::check(text).map(|()| Self(text.to_owned()))
            }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidKey;
            fn try_from(text: String) -> Result<Self, InvalidKey> {
                Self::check(&text).map(|()| Self(text))
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    };
}

checked_text! {
    /// A document's name, e.g. `fn/default/hello`. Keys sort by their bytes.
    Key, "key", is_path, PATH_RULE
}

checked_text! {
    /// A queue's name, path-like too, e.g. `async/lam-abcdefgh`. A queue exists while it holds a message.
    QueueId, "queue id", is_path, PATH_RULE
}

checked_text! {
    /// Who claims, leases or meters: one process of one machine.
    NodeId, "node id", |text| text.len() <= ID_BYTES_MAX && is_segment(text) && !text.contains('/'),
    "use 1 to 128 bytes without '/' and control characters"
}

checked_text! {
    /// Names a message within its queue, so that sending it twice sends it once.
    DedupId, "deduplication id", |text| (1..=ID_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control),
    "use 1 to 128 bytes without control characters"
}

impl Key {
    /// Joins segments with `/`: `Key::of(["fn", "default", "hello"])`.
    ///
    /// # Errors
    /// When a segment is empty, `.`, `..`, holds a `/` or a control character, or the whole is too long.
    pub fn of<'a>(segments: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidKey> {
        let mut text = String::new();
        for segment in segments {
            if segment.contains('/') {
                return Err(InvalidKey::new("key segment", segment, "a segment holds no '/'"));
            }
            if !text.is_empty() {
                text.push('/');
            }
            text.push_str(segment);
            if segment.is_empty() {
                return Err(InvalidKey::new("key segment", segment, "a segment is not empty"));
            }
        }
        text.try_into()
    }

    /// The last segment: `hello` of `fn/default/hello`.
    #[must_use]
    pub fn leaf(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

/// The beginning of the keys of a listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(String);

impl Prefix {
    /// Every key.
    #[must_use]
    pub fn all() -> Self {
        Self(String::new())
    }

    /// The keys below a folder: those of `fn/default` begin with `fn/default/`.
    #[must_use]
    pub fn folder(folder: &Key) -> Self {
        Self(format!("{folder}/"))
    }

    /// The keys that begin with this text, which need not end where a segment ends: a listing of objects by prefix.
    ///
    /// # Errors
    /// When no legal key begins so.
    pub fn leading(text: &str) -> Result<Self, InvalidKey> {
        // Whatever the last, open segment is, one more letter makes it a whole one.
        if text.is_empty() || (text.len() < PATH_BYTES_MAX && is_path(&format!("{text}x"))) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidKey::new("prefix", text, PATH_RULE))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first text behind all that begin so; `None` when there is none. Texts sort by their bytes, which for UTF-8
    /// is the order of their characters: the next one of the last character that has one.
    #[must_use]
    pub fn end(&self) -> Option<String> {
        let mut text = self.0.clone();
        while let Some(last) = text.pop() {
            // Surrogates are no characters.
            let next = if last == '\u{d7ff}' {
                Some('\u{e000}')
            } else {
                char::from_u32(u32::from(last) + 1)
            };
            if let Some(next) = next {
                text.push(next);
                return Some(text);
            }
        }
        None
    }

    /// True for a key that begins so.
    #[must_use]
    pub fn holds(&self, key: &Key) -> bool {
        key.0.starts_with(&self.0)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Prefix {
    type Err = InvalidKey;
    /// A folder with its closing slash, `fn/default/`: without the slash `fn/default2/x` would be meant as well.
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        if !text.ends_with('/') {
            return Err(InvalidKey::new("prefix", text, "end it with '/'"));
        }
        Self::leading(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_path_of_plain_segments() {
        for good in [
            "a",
            "fn/default/hello",
            "fn/default/hello/$LATEST",
            "object/b/ü ö",
            "...",
            "a/..b",
        ] {
            assert!(good.parse::<Key>().is_ok(), "{good} is legal");
        }
        for bad in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "a/../b",
            "a/./b",
            "a\nb",
            "a\0",
            &"x".repeat(1025),
        ] {
            assert!(bad.parse::<Key>().is_err(), "{bad:?} is not legal");
        }
    }

    #[test]
    fn a_key_of_segments_refuses_a_segment_with_a_slash() {
        assert_eq!(Key::of(["fn", "a", "b"]).map(String::from), Ok("fn/a/b".to_owned()));
        for bad in [&["fn", "a/b"][..], &["", "a"], &["a", ""], &[]] {
            assert!(Key::of(bad.iter().copied()).is_err(), "{bad:?} is not legal");
        }
    }

    #[test]
    fn a_prefix_ends_before_the_first_text_that_does_not_begin_so() {
        for (prefix, end) in [
            ("fn/a/", Some("fn/a0")),
            ("é", Some("ê")),
            ("\u{d7ff}", Some("\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
            ("", None),
        ] {
            assert_eq!(Prefix(prefix.to_owned()).end().as_deref(), end, "{prefix:?}");
        }
    }

    #[test]
    fn a_prefix_is_a_folder_unless_asked_otherwise() -> Result<(), InvalidKey> {
        let prefix: Prefix = "fn/default/".parse()?;
        assert!(prefix.holds(&"fn/default/x".parse()?));
        assert!(!prefix.holds(&"fn/default2/x".parse()?));
        assert!("fn/default".parse::<Prefix>().is_err());
        assert!(Prefix::leading("fn/default")?.holds(&"fn/default2/x".parse()?));
        assert!(Prefix::all().holds(&"x".parse()?));
        assert_eq!(Prefix::folder(&"fn/default".parse()?), prefix);
        for bad in ["/", "a//", "a\n"] {
            assert!(Prefix::leading(bad).is_err(), "{bad:?} is not legal");
        }
        Ok(())
    }
}
