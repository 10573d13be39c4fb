//! Which runtime a user asked for, and which of the installed ones that means.

use std::fmt::Write as _;
use std::str::FromStr;

use skiff_domain::{InvalidName, RuntimeName};

/// How users ask for whatever CPython is newest, in any letter case.
const NEWEST_PYTHON: &str = "Python3";
/// What the runtimes it may mean begin with.
const PYTHON_PREFIX: &str = "Python3.";

/// A runtime as users write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuntimeChoice {
    /// This one.
    Named(RuntimeName),
    /// The newest CPython 3 that is installed when the function is written; the function keeps that one.
    NewestPython3,
}

impl FromStr for RuntimeChoice {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if text.eq_ignore_ascii_case(NEWEST_PYTHON) {
            return Ok(Self::NewestPython3);
        }
        text.parse().map(Self::Named)
    }
}

/// A runtime that is known and not installed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Runtime {wanted} is not installed: {}", use_one_of(.installed))]
pub struct RuntimeUnavailable {
    /// What was asked for.
    pub wanted: String,
    /// What is installed.
    pub installed: Vec<RuntimeName>,
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

impl RuntimeChoice {
    /// The installed runtime this means.
    pub(crate) fn resolve(&self, mut installed: Vec<RuntimeName>) -> Result<RuntimeName, RuntimeUnavailable> {
        let found = match self {
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
                wanted: match self {
                    Self::Named(name) => name.to_string(),
                    Self::NewestPython3 => NEWEST_PYTHON.to_owned(),
                },
                installed,
            }
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

    fn check(wanted: &str, installed: &[&str]) -> Result<String, String> {
        let installed = installed.iter().map(|name| name.parse().expect("known")).collect();
        let choice: RuntimeChoice = wanted.parse().map_err(|error: InvalidName| error.to_string())?;
        choice
            .resolve(installed)
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
        let message = check("Python3", &[]).unwrap_err();
        assert!(message.contains("no runtime is installed"), "{message}");
    }

    #[test]
    fn an_unknown_runtime_is_no_choice() {
        assert!(check("Cobol85", &["Python3.11"]).is_err());
    }
}
