//! Which runtime a user asked for, and which of the installed ones that means.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::str::FromStr;

use skiff_domain::RuntimeName;

use crate::port::Runtimes;

/// How users ask for whatever CPython is newest, in any letter case.
const NEWEST_PYTHON: &str = "Python3";
/// What the runtimes it may mean begin with.
const PYTHON_PREFIX: &str = "Python3.";
/// What a function runs on when nobody says (CONTRACT 2.5).
const DEFAULT: &str = "Python2.7";
/// As much of a text that is no runtime is repeated.
const REPEATED_CHARS_MAX: usize = 80;

/// A runtime as users write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuntimeChoice {
    /// This one.
    Named(RuntimeName),
    /// The newest CPython 3 that is installed when the function is written; the function keeps that one.
    NewestPython3,
    /// Something no runtime is called: refused where it is known what is installed, so that the user is told.
    Unknown(String),
}

impl FromStr for RuntimeChoice {
    type Err = Infallible;
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::from(text))
    }
}

impl From<&str> for RuntimeChoice {
    fn from(text: &str) -> Self {
        if text.eq_ignore_ascii_case(NEWEST_PYTHON) {
            return Self::NewestPython3;
        }
        let unknown = |_| Self::Unknown(text.chars().take(REPEATED_CHARS_MAX).collect());
        text.parse().map_or_else(unknown, Self::Named)
    }
}

/// A runtime that is not to be had here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{lack}: {}{}", use_one_of(.installed), or_install(.installable))]
pub struct RuntimeUnavailable {
    /// What about it.
    pub lack: Lack,
    /// What is installed.
    pub installed: Vec<RuntimeName>,
    /// How the operator installs what was asked for, where that can be done.
    pub installable: Option<String>,
}

/// Why a runtime is not to be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lack {
    /// A runtime of the service's, and not of this server's.
    #[error("Runtime {0} is not installed")]
    NotInstalled(String),
    /// As above, and nobody asked for it.
    #[error("no Runtime was given, and the default, {0}, is not installed")]
    DefaultNotInstalled(String),
    /// No runtime at all.
    #[error("Runtime {0:?} is not known")]
    NotKnown(String),
}

impl RuntimeUnavailable {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        "InvalidParameterValue.Runtime"
    }
}

fn use_one_of(installed: &[RuntimeName]) -> String {
    if installed.is_empty() {
        return "no runtime is installed on this server; `skiff doctor` says what is missing".to_owned();
    }
    let mut text = "use ".to_owned();
    for (i, name) in installed.iter().enumerate() {
        let separator = if i == 0 { "" } else { ", " };
        let _ = write!(text, "{separator}{name}");
    }
    if installed.iter().any(|name| name.as_str().starts_with(PYTHON_PREFIX)) {
        text.push_str(", or Python3 for the newest Python");
    }
    text
}

fn or_install(command: &Option<String>) -> String {
    match command {
        Some(command) => format!("; the operator installs it with `{command}`"),
        None => String::new(),
    }
}

impl RuntimeChoice {
    /// The installed runtime this means.
    pub(crate) fn resolve(&self, runtimes: &dyn Runtimes) -> Result<RuntimeName, RuntimeUnavailable> {
        let mut installed = runtimes.installed();
        let found = match self {
            Self::Unknown(_) => None,
            Self::Named(name) => installed.contains(name).then(|| name.clone()),
            Self::NewestPython3 => installed
                .iter()
                .filter_map(|name| Some((python_minor(name)?, name)))
                .max()
                .map(|(_, name)| name.clone()),
        };
        found.ok_or_else(|| {
            installed.sort();
            RuntimeUnavailable {
                lack: match self {
                    Self::Named(name) => Lack::NotInstalled(name.to_string()),
                    Self::NewestPython3 => Lack::NotInstalled(NEWEST_PYTHON.to_owned()),
                    Self::Unknown(text) => Lack::NotKnown(text.clone()),
                },
                installed,
                installable: match self {
                    Self::Named(name) => runtimes.installed_by(name),
                    Self::NewestPython3 | Self::Unknown(_) => None,
                },
            }
        })
    }

    /// The installed runtime that is meant when none is named.
    pub(crate) fn resolve_default(runtimes: &dyn Runtimes) -> Result<RuntimeName, RuntimeUnavailable> {
        Self::from(DEFAULT)
            .resolve(runtimes)
            .map_err(|error| RuntimeUnavailable {
                lack: Lack::DefaultNotInstalled(DEFAULT.to_owned()),
                ..error
            })
    }
}

/// 11 of `Python3.11`.
fn python_minor(name: &RuntimeName) -> Option<u32> {
    name.as_str().strip_prefix(PYTHON_PREFIX)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These are installed, and Node.js can be.
    struct Machine(Vec<RuntimeName>);

    impl Runtimes for Machine {
        fn installed(&self) -> Vec<RuntimeName> {
            self.0.clone()
        }

        fn installed_by(&self, runtime: &RuntimeName) -> Option<String> {
            let name = runtime.as_str();
            name.starts_with("Nodejs").then(|| format!("skiff runtime add {name}"))
        }
    }

    fn check(wanted: &str, installed: &[&str]) -> Result<String, String> {
        let installed = Machine(installed.iter().map(|name| name.parse().expect("known")).collect());
        RuntimeChoice::from(wanted)
            .resolve(&installed)
            .map(|name| name.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_runtime_means_itself_in_its_documented_spelling() {
        assert_eq!(
            check("PYTHON3.11", &["Python3.11", "Python3.9"]),
            Ok("Python3.11".to_owned())
        );
    }

    #[test]
    fn python3_in_any_case_means_the_newest_python_by_number() {
        for wanted in ["Python3", "python3", "PYTHON3"] {
            let installed = ["Python3.9", "Python3.11", "Nodejs18.15", "Python2.7"];
            assert_eq!(check(wanted, &installed), Ok("Python3.11".to_owned()));
        }
    }

    #[test]
    fn a_runtime_that_is_not_installed_is_refused_naming_those_that_are() {
        let message = check("Python2.7", &["Python3.11", "Nodejs18.15"]).unwrap_err();
        assert_eq!(
            message,
            "Runtime Python2.7 is not installed: use Nodejs18.15, Python3.11, or Python3 for the newest Python"
        );
        let message = check("Nodejs20.19", &["Python3.11"]).unwrap_err();
        let command = "; the operator installs it with `skiff runtime add Nodejs20.19`";
        assert!(message.ends_with(command), "{message}");
        let message = check("Python3", &[]).unwrap_err();
        assert!(message.contains("no runtime is installed"), "{message}");
    }

    #[test]
    fn an_unknown_runtime_is_refused_naming_those_that_are_installed_and_no_others() {
        let message = check("Cobol85", &["Python3.11"]).unwrap_err();
        assert_eq!(
            message,
            "Runtime \"Cobol85\" is not known: use Python3.11, or Python3 for the newest Python"
        );
    }
}
