//! What a function may reach.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::InvalidName;

/// The network a function's instances live in. Every instance has a network namespace of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkMode {
    /// Loopback only, with nobody listening on it.
    None,
    /// Skiff's own endpoints and nothing else.
    Private,
    /// The outside by address translation, and Skiff's own endpoints. Never the host itself.
    #[default]
    Public,
}

impl NetworkMode {
    /// Every mode, for tables and pools.
    pub const ALL: [Self; 3] = [Self::None, Self::Private, Self::Public];

    /// The mode as users write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Private => "private",
            Self::Public => "public",
        }
    }
}

impl fmt::Display for NetworkMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for NetworkMode {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| InvalidName {
                kind: "network mode",
                given: text.chars().take(80).collect(),
                rule: "use none, private or public",
            })
    }
}
