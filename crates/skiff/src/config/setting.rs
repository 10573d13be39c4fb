//! One setting as it was written, where it was written, and what is wrong with it.

use std::collections::HashMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::parser::ValueSource;

use super::file::File;

/// Every setting, as it is written in the file. Those every command takes come first.
pub(super) const NAMES: [&str; 21] = [
    "data-dir",
    "secret-id",
    "secret-key",
    "config",
    "api-listen",
    "gateway-listen",
    "region",
    "app-id",
    "log",
    "idle-timeout",
    "pool-min",
    "pool-max",
    "sandboxes-max",
    "memory-reserve",
    "concurrency-memory",
    "event-memory",
    "function-concurrency",
    "functions-max",
    "namespaces-max",
    "log-retention-days",
    "log-retention-size",
];

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// On the command line.
    Flag,
    /// In a `SKIFF_…` variable.
    Environment,
    /// In this file.
    File(PathBuf),
}

/// A value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) source: Source,
}

/// Why a configuration is refused: exit code 64, before a port opens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A value outside its rule.
    #[error("{place}: {given:?} is not valid: {rule}")]
    Value { place: String, given: String, rule: String },
    /// A secret value outside its rule.
    #[error("{place} is not valid: {rule}")]
    Secret { place: String, rule: String },
    /// Half a credential.
    #[error("{have} comes with {lack}: give both or none")]
    Half { have: &'static str, lack: &'static str },
    /// Two numbers the wrong way round.
    #[error("{low_name} {low} is more than {high_name} {high}: give at most as much")]
    Order {
        low_name: &'static str,
        high_name: &'static str,
        low: usize,
        high: usize,
    },
    /// The file named is not there or cannot be read.
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    /// The file is no TOML, or has what no setting is called.
    #[error("{path}:{line}: {message}{hint}")]
    File {
        path: PathBuf,
        line: usize,
        message: String,
        hint: String,
    },
    /// A file nobody asked for that someone else could have put there.
    #[error(
        "{path} can be written by other users, so it is not read unasked: \
         name it with --config {path} if it is yours, or remove it"
    )]
    Foreign { path: PathBuf },
    /// The file of a data dir that names another one.
    #[error(
        "{path} sets data-dir, and it lies in a data dir: remove the key, or move the file to /etc/skiff/skiff.toml"
    )]
    OwnDataDir { path: PathBuf },
}

impl ConfigError {
    pub(super) fn value(name: &str, written: &Written, rule: impl Into<String>) -> Self {
        let given = written.text.chars().take(80).collect();
        Self::Value {
            place: place(name, &written.source),
            given,
            rule: rule.into(),
        }
    }

    pub(super) fn secret(name: &str, written: &Written, rule: impl Into<String>) -> Self {
        Self::Secret {
            place: place(name, &written.source),
            rule: rule.into(),
        }
    }

    pub(super) fn half(have: &'static str, lack: &'static str) -> Self {
        Self::Half { have, lack }
    }

    pub(super) fn order(low_name: &'static str, high_name: &'static str, low: usize, high: usize) -> Self {
        Self::Order {
            low_name,
            high_name,
            low,
            high,
        }
    }
}

/// A setting's name the way its source writes it.
fn place(name: &str, source: &Source) -> String {
    match source {
        Source::Flag => format!("--{name}"),
        Source::Environment => format!("SKIFF_{}", name.replace('-', "_").to_uppercase()),
        Source::File(path) => format!("{name} in {}", path.display()),
    }
}

/// Everything that was written. A first writer wins over later ones.
#[derive(Debug, Default)]
pub(super) struct Settings(HashMap<&'static str, Written>);

impl Settings {
    /// What flags and environment say. An empty value is none: `SKIFF_REGION= skiff serve` switches it off.
    pub(super) fn from_matches(matches: &clap::ArgMatches) -> Self {
        let mut settings = Self::default();
        for name in NAMES {
            let id = name.replace('-', "_");
            let source = match matches.value_source(&id) {
                Some(ValueSource::CommandLine) => Source::Flag,
                Some(ValueSource::EnvVariable) => Source::Environment,
                _ => continue,
            };
            let text = match name {
                "data-dir" => matches
                    .get_one::<PathBuf>(&id)
                    .map(|path| path.to_string_lossy().into_owned()),
                _ => matches.get_one::<String>(&id).cloned(),
            };
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                settings.0.insert(name, Written { text, source });
            }
        }
        settings
    }

    /// Adds what the file says and nobody said before.
    pub(super) fn add_file(&mut self, file: &File) -> Result<(), ConfigError> {
        for (name, text) in file.settings()? {
            let written = Written {
                text,
                source: Source::File(file.path.clone()),
            };
            self.0.entry(name).or_insert(written);
        }
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Written> {
        self.0.get(name)
    }

    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(|written| PathBuf::from(&written.text))
    }
}

/// A setting that is a text of some kind. `read` gives `None` where it is not.
pub(super) fn text<T>(
    settings: &Settings,
    name: &'static str,
    default: &str,
    rule: impl fmt::Display,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, ConfigError> {
    let default = Written {
        text: default.to_owned(),
        source: Source::Flag,
    };
    let written = settings.get(name).unwrap_or(&default);
    read(&written.text).ok_or_else(|| ConfigError::value(name, written, rule.to_string()))
}

/// A setting that is a whole number within limits.
pub(super) fn number(
    settings: &Settings,
    name: &'static str,
    range: RangeInclusive<u64>,
    default: u64,
) -> Result<u64, ConfigError> {
    let rule = format!("use a whole number from {} to {}", range.start(), range.end());
    text(settings, name, &default.to_string(), rule, |text| {
        text.parse().ok().filter(|number| range.contains(number))
    })
}
