//! A version: everything an instance needs to know to run a function's code.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::code::CodeDigest;
use crate::concurrency::InstanceConcurrency;
use crate::ids::{FunctionKey, FunctionUid, InvalidName, Qualifier, RoleName};
use crate::layers::LayerStack;
use crate::network::NetworkMode;

/// Counts the changes of a function's code and configuration. An instance serves one revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

/// A runtime's name in its documented spelling, e.g. `Python3.11`. Known, not necessarily installed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct RuntimeName(&'static str);

// Derived, it would ask for input that lives forever, because of the name inside.
impl<'de> Deserialize<'de> for RuntimeName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Every runtime the contract knows and those Skiff adds, in documented spelling.
const RUNTIMES: &[&str] = &[
    "Python2.7",
    "Python3.6",
    "Python3.7",
    "Python3.8",
    "Python3.9",
    "Python3.10",
    "Python3.11",
    "Python3.12",
    "Python3.13",
    "Python3.14",
    "Nodejs6.10",
    "Nodejs8.9",
    "Nodejs10.15",
    "Nodejs12.16",
    "Nodejs14.18",
    "Nodejs16.13",
    "Nodejs18.15",
    "Nodejs20.19",
    "Nodejs22.14",
    "Php5.6",
    "Php7",
    "Php7.4",
    "Php8.0",
    "Go1",
    "Java8",
    "Java11",
    "Java17",
    "Java21",
    "CustomRuntime",
    "Wasm1",
];
/// Spellings of 2018 that older clients still send (CONTRACT 2.5).
const RUNTIME_ALIASES: &[(&str, &str)] = &[("Golang1", "Go1"), ("PHP5", "Php5.6")];

impl RuntimeName {
    /// Every known runtime.
    pub fn all() -> impl Iterator<Item = Self> {
        RUNTIMES.iter().map(|name| Self(name))
    }

    /// The documented spelling.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        self.0
    }
}

impl fmt::Display for RuntimeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl FromStr for RuntimeName {
    type Err = InvalidName;
    /// Any letter case: the old CLI sends `Customruntime` (CONTRACT 0.6).
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let alias = RUNTIME_ALIASES.iter().find(|(old, _)| old.eq_ignore_ascii_case(text));
        let wanted = alias.map_or(text, |(_, new)| new);
        RUNTIMES
            .iter()
            .find(|name| name.eq_ignore_ascii_case(wanted))
            .map(|name| Self(name))
            .ok_or_else(|| InvalidName {
                kind: "runtime",
                given: text.chars().take(80).collect(),
                rule: "use the documented name of a runtime, such as Python3.11",
            })
    }
}

impl TryFrom<String> for RuntimeName {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<RuntimeName> for String {
    fn from(name: RuntimeName) -> String {
        name.0.to_owned()
    }
}

/// One revision of a function as its instances see it: immutable, shared by reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Which function.
    pub key: FunctionKey,
    /// Its identity; survives no deletion.
    pub uid: FunctionUid,
    /// `$LATEST` or a published number: what `context.function_version` says.
    pub label: Qualifier,
    /// The revision. `(uid, label, revision)` names a pool of interchangeable instances.
    pub revision: Revision,
    /// The runtime that runs it.
    pub runtime: RuntimeName,
    /// The entry point as the runtime reads it, e.g. `index.main_handler`.
    pub handler: String,
    /// Memory limit in MB; CPU follows from it.
    pub memory_mb: u32,
    /// Longest run of one event, from hand-over to an initialised instance.
    pub timeout: Duration,
    /// Longest initialisation.
    pub init_timeout: Duration,
    /// The user's environment variables, in the order given.
    pub environment: Vec<(String, String)>,
    /// The package.
    pub code: CodeDigest,
    /// What is seen at `/opt`.
    pub layers: LayerStack,
    /// What it may reach.
    pub network: NetworkMode,
    /// The role whose credentials its instances are handed.
    pub role: Option<RoleName>,
    /// How it serves HTTP, where it is a web function; every other takes events.
    pub web: Option<Web>,
    /// How many events an instance of it takes at once.
    pub concurrency: InstanceConcurrency,
}

/// How a web function serves (CONTRACT 1.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Web {
    /// How long a WebSocket may be silent; none where it takes no WebSockets.
    pub socket_idle: Option<Duration>,
}

impl Version {
    /// The variable by which a function asks that its code is initialised once, with the value `on`: every client of the
    /// API can send it.
    pub const SNAPSHOT: &'static str = "SKIFF_SNAPSHOT";

    /// True where it asks for that.
    #[must_use]
    pub fn asks_to_be_kept(&self) -> bool {
        let asks = |(name, value): &(String, String)| name == Self::SNAPSHOT && value == "on";
        self.environment.iter().any(asks)
    }

    /// Every package its instances need: its code, its layers, and what they are together.
    pub fn packages(&self) -> impl Iterator<Item = CodeDigest> {
        let layers = self.layers.layers().iter().copied();
        std::iter::once(self.code).chain(layers).chain(self.layers.whole())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_known_in_any_letter_case_and_by_its_old_name() {
        for (given, known) in [
            ("python3.11", "Python3.11"),
            ("Customruntime", "CustomRuntime"),
            ("golang1", "Go1"),
            ("PHP7", "Php7"),
        ] {
            assert_eq!(given.parse::<RuntimeName>().map(|name| name.as_str()), Ok(known));
        }
        assert!("Cobol85".parse::<RuntimeName>().is_err());
    }
}
