//! `skiff.toml`: where it is, whether it can be trusted, and what it says.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::setting::{ConfigError, NAMES};

const FILE_NAME: &str = "skiff.toml";

/// Where a file is looked for that nobody named.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// The working folder.
    pub(super) here: PathBuf,
    /// The data dir when no flag or variable names one.
    pub(super) data_dir: PathBuf,
    /// The folder of the machine's configuration.
    pub(super) etc: PathBuf,
}

impl Places {
    pub(super) fn of_this_process() -> Self {
        Self {
            here: PathBuf::new(),
            data_dir: skiff_cli::default_data_dir(),
            etc: PathBuf::from("/etc/skiff"),
        }
    }
}

/// A file as it was read.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) path: PathBuf,
    text: String,
    /// It was found in the data dir, which it therefore cannot name.
    in_data_dir: bool,
}

impl File {
    /// The file that was named, or the first there is of the usual places.
    pub(super) fn find(
        named: Option<PathBuf>,
        data_dir: Option<PathBuf>,
        places: &Places,
    ) -> Result<Option<Self>, ConfigError> {
        let read = |path: PathBuf, in_data_dir| match fs::read_to_string(&path) {
            Ok(text) => Ok(Self {
                path,
                text,
                in_data_dir,
            }),
            Err(source) => Err(ConfigError::Read { path, source }),
        };
        if let Some(path) = named {
            return read(path, false).map(Some);
        }
        let data_dir = data_dir.unwrap_or_else(|| places.data_dir.clone());
        for (folder, in_data_dir) in [(&places.here, false), (&data_dir, true), (&places.etc, false)] {
            let path = folder.join(FILE_NAME);
            if path.exists() {
                if !is_ours(&path) {
                    return Err(ConfigError::Foreign { path });
                }
                return read(path, in_data_dir).map(Some);
            }
        }
        Ok(None)
    }

    /// The settings in it, as texts.
    pub(super) fn settings(&self) -> Result<Vec<(&'static str, String)>, ConfigError> {
        let table: toml::Table = self.text.parse().map_err(|error: toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start);
            self.wrong(self.line_of(start), error.message(), String::new())
        })?;
        let mut settings = Vec::new();
        for (key, value) in table {
            let line = self
                .text
                .lines()
                .position(|line| line.trim_start().trim_start_matches('"').starts_with(&key));
            let line = line.map_or(1, |line| line + 1);
            let Some(name) = NAMES.into_iter().find(|name| *name == key && *name != "config") else {
                let near =
                    skiff_cli::nearest(&key, NAMES).map_or_else(String::new, |near| format!(": did you mean {near}?"));
                return Err(self.wrong(line, &format!("no setting is called {key:?}"), near));
            };
            if name == "data-dir" && self.in_data_dir {
                return Err(ConfigError::OwnDataDir {
                    path: self.path.clone(),
                });
            }
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                other => {
                    let message = format!("{name} is {}: give a text or a whole number", other.type_str());
                    return Err(self.wrong(line, &message, String::new()));
                }
            };
            settings.push((name, text));
        }
        Ok(settings)
    }

    fn wrong(&self, line: usize, message: &str, hint: String) -> ConfigError {
        ConfigError::File {
            path: self.path.clone(),
            line,
            message: message.replace('\n', " "),
            hint,
        }
    }

    fn line_of(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }
}

/// True when nobody but root and this user could have written the file: a server that runs as root must not take its
/// credential from a folder it happens to be started in.
fn is_ours(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| {
        let owner = metadata.uid();
        (owner == 0 || owner == rustix::process::geteuid().as_raw()) && metadata.mode() & 0o022 == 0
    })
}
