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
    /// There are several, and none is Skiff's own.
    #[error("there are {one} and {other}: name the one to deploy")]
    Ambiguous {
        /// One of them.
        one: PathBuf,
        /// Another.
        other: PathBuf,
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

    /// The same error with the field under the name it has in another tool's file: pairs of Skiff's and that.
    pub(super) fn renamed(mut self, names: &[(&str, &str)]) -> Self {
        if let Self::Invalid { place, .. } = &mut self
            && let Some((_, theirs)) = names.iter().find(|(ours, _)| place.field.as_deref() == Some(ours))
        {
            place.field = Some((*theirs).to_owned());
        }
        self
    }

    /// What the YAML reader found.
    pub(super) fn yaml(file: &Path, text: &str, error: &YamlError) -> Self {
        let error = error.without_snippet();
        let mut at = error.location().map(|location| (location.line(), location.column()));
        let line = at.and_then(|(line, _)| text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?));
        let mut field = at.and_then(|at| key_at(text, at)).map(str::to_owned);
        let mut hint = None;
        let message = match error {
            YamlError::SerdeUnknownField { field: given, .. } if given == "functions" => {
                field = Some(given.clone());
                "the list is empty: give at least one function".to_owned()
            }
            YamlError::SerdeUnknownField {
                field: given, expected, ..
            } => {
                field = None;
                hint = meant(given, expected).map(|near| format!("did you mean {near}?"));
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
            YamlError::Eof { .. } => {
                field = None;
                "the file says nothing: give at least `name:` and `runtime:`".to_owned()
            }
            YamlError::MultipleDocuments { .. } => {
                field = None;
                "the file has more than one document: list the functions under `functions:`".to_owned()
            }
            YamlError::DuplicateMappingKey { .. } => "it is given twice: give it once".to_owned(),
            YamlError::NullIntoString { .. } => "the value is missing".to_owned(),
            YamlError::InvalidScalar { ty: "u32", .. } => {
                let given = line
                    .and_then(|line| line.split_once(':'))
                    .map_or("", |(_, value)| value.trim());
                no_number(given, field.as_deref().unwrap_or_default())
            }
            YamlError::Unexpected { expected, .. } if expected.starts_with("mapping") => {
                "give names with values, e.g. `KEY: VALUE`".to_owned()
            }
            YamlError::Unexpected { expected, .. } if expected.starts_with("sequence") => {
                "give a list, e.g. `[one, two]`".to_owned()
            }
            YamlError::Unexpected { expected, .. } if expected.starts_with("string") => {
                "give one value, neither a list nor names with values".to_owned()
            }
            other => match tabbed(text) {
                // What a tab makes of the lines is told of another place, in other words.
                Some(line) => {
                    (at, field) = (Some((line, 0)), None);
                    "a tab indents nothing in YAML: use spaces".to_owned()
                }
                None => DefaultMessageFormatter.format_message(other).into_owned(),
            },
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
            Self::NotFound { path } if path.with_extension("yml").is_file() => Some(format!(
                "there is a {}: rename it to {FILE_NAME}",
                path.with_extension("yml").display()
            )),
            Self::NotFound { .. } => Some(format!(
                "skiff deploy wants a folder with a {FILE_NAME}, in the simplest case two lines: `name: hello` and \
                 `runtime: Python3`; or with SCF's template.yaml or serverless.yml"
            )),
            Self::Read { .. } | Self::Ambiguous { .. } => None,
            Self::Invalid { hint, .. } => hint.clone(),
        }
    }
}

/// The field that was meant: the near one, or the one that a longer word begins with, as `memorySize` does.
fn meant<'a>(given: &str, expected: &[&'a str]) -> Option<&'a str> {
    let given = given.to_lowercase();
    let begins = |name: &&&str| name.len() >= 4 && given.starts_with(&name.to_lowercase());
    nearest(&given, expected.iter().copied()).or_else(|| expected.iter().find(begins).copied())
}

/// Why a text is no number of this field, with one that is.
pub(super) fn no_number(given: &str, field: &str) -> String {
    let example = if field.to_ascii_lowercase().contains("memory") {
        128
    } else {
        10
    };
    format!("{given:?} is no whole number: write it without a unit, e.g. {example}")
}

/// The first line that a tab indents.
fn tabbed(text: &str) -> Option<u64> {
    let has_tab = |line: &str| line[..indent(line)].contains('\t');
    text.lines().zip(1..).find(|(line, _)| has_tab(line)).map(|(_, at)| at)
}

/// The key that what is at a place belongs to: its line's, or that of the line it is indented under.
fn key_at(text: &str, (line, column): (u64, u64)) -> Option<&str> {
    let until = usize::try_from(line).ok()?;
    let mut lines = text.lines().take(until).collect::<Vec<_>>().into_iter().rev();
    let own = lines.next()?;
    // A list is where its first item is.
    let is_list = own.trim_start().starts_with("- ") && column <= (indent(own) + "- ".len()) as u64 + 1;
    key(own).filter(|_| !is_list).or_else(|| {
        // And may stand as far left as its key.
        let is_above = |line: &&str| indent(line) < indent(own) || (is_list && indent(line) == indent(own));
        lines.filter(is_above).find_map(key)
    })
}

/// Bytes of blanks that a line begins with.
fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
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
