//! What is wrong with a `skiff.yaml`, with its file, line and field.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde_saphyr::{DefaultMessageFormatter, Error as YamlError, MessageFormatter};

use super::FILE_NAME;
use crate::suggest::nearest;

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// There is none.
    #[error("there is no {path}")]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Something in it is wrong.
    #[error("{place}{message}")]
    Invalid {
        /// Where.
        place: Place,
        /// What.
        message: String,
        /// What was probably meant.
        hint: Option<String>,
    },
}

/// A place in a manifest: shown as `file:line:column: field: `.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    file: PathBuf,
    /// Line and column, from 1; the column is 0 where only the line is known.
    at: Option<(u64, u64)>,
    field: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        match self.at {
            Some((line, 0)) => write!(f, "{line}:")?,
            Some((line, column)) => write!(f, "{line}:{column}:")?,
            None => {}
        }
        if let Some(field) = &self.field {
            write!(f, " {field}:")?;
        }
        f.write_str(" ")
    }
}

impl ManifestError {
    /// A field that is fine YAML and means nothing possible.
    pub(super) fn invalid(file: &Path, line: u64, field: &str, message: impl Into<String>) -> Self {
        let place = Place {
            file: file.to_owned(),
            at: Some((line, 0)),
            field: Some(field.to_owned()),
        };
        Self::Invalid {
            place,
            message: message.into(),
            hint: None,
        }
    }

    /// What the YAML reader found.
    pub(super) fn yaml(file: &Path, text: &str, error: &YamlError) -> Self {
        let error = error.without_snippet();
        let at = error.location().map(|location| (location.line(), location.column()));
        let line = at.and_then(|(line, _)| text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?));
        let mut field = line.and_then(key).map(str::to_owned);
        let mut hint = None;
        let message = match error {
            YamlError::SerdeUnknownField {
                field: given, expected, ..
            } => {
                field = None;
                hint = nearest(given, expected.iter().copied()).map(|near| format!("did you mean {near}?"));
                format!("unknown field {given:?}: use {}", expected.join(", "))
            }
            YamlError::SerdeUnknownVariant { variant, expected, .. } => {
                hint = nearest(variant, expected.iter().copied()).map(|near| format!("did you mean {near}?"));
                format!("{variant:?} is none of {}", expected.join(", "))
            }
            YamlError::SerdeMissingField { field: missing, .. } => {
                field = Some((*missing).to_owned());
                "the field is missing".to_owned()
            }
            other => DefaultMessageFormatter.format_message(other).into_owned(),
        };
        Self::Invalid {
            place: Place {
                file: file.to_owned(),
                at,
                field,
            },
            message,
            hint,
        }
    }

    /// What to try next.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { .. } => Some(format!(
                "skiff deploy wants a folder with a {FILE_NAME}, in the simplest case two lines: `name: hello` and \
                 `runtime: Python3`"
            )),
            Self::Read { .. } => None,
            Self::Invalid { hint, .. } => hint.clone(),
        }
    }
}

/// The key a line of YAML begins with.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.trim_start().trim_start_matches("- ").split_once(':')?;
    let key = key.trim();
    (!key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'))
    .then_some(key)
}
