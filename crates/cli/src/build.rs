//! `skiff deploy --build`: a function's Python or Node.js dependencies, installed beside its folder and never into it.
//!
//! Owns the recipes, one a language, and the cache: what the same requirement files gave for the same interpreter is taken
//! from there. Tools of the user's machine do the work, in a copy of the folder.

mod cache;
mod node;
mod python;
mod tool;

use std::io;
use std::path::{Path, PathBuf};

use crate::console::Console;
use crate::error::CliError;

pub(crate) use cache::Cache;

/// How many lines of a tool's last words are shown.
const LINES_SHOWN: usize = 15;

/// Dependencies to be packed with a folder.
#[derive(Debug)]
pub(crate) struct Built {
    /// What to lay under the folder's own files.
    pub(crate) folder: PathBuf,
    /// What of the folder they stand for: a pattern as in `.gitignore`.
    pub(crate) instead_of: Option<&'static str>,
    /// A folder that is kept no longer than this.
    _once: Option<tempfile::TempDir>,
}

/// Why dependencies were not installed.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no folder to build in.
    #[error("--build installs dependencies of a folder, and {path} is a file: give the folder")]
    NotAFolder {
        /// The code.
        path: PathBuf,
    },
    /// A program that is not on this machine.
    #[error("{file} needs {tool} on this machine, and it is not there")]
    Missing {
        /// The requirement file.
        file: PathBuf,
        /// The program.
        tool: String,
        /// How to get it.
        how: String,
    },
    /// The program failed.
    #[error("{tool} could not install what {file} names:\n{said}")]
    Failed {
        /// The program.
        tool: String,
        /// The requirement file.
        file: PathBuf,
        /// Its last words.
        said: String,
    },
    /// A file that cannot be read or written.
    #[error("cannot build in {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl BuildError {
    /// What to try next.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { how, .. } => Some(how.clone()),
            Self::NotAFolder { .. } | Self::Failed { .. } | Self::File { .. } => None,
        }
    }
}

/// How dependencies of one kind are installed.
struct Recipe {
    /// The file that names them.
    file: PathBuf,
    /// Everything they depend on: the same gives the same.
    key: Vec<u8>,
    /// They name files of this machine, whose content the key does not know.
    local: bool,
    /// The program, for people.
    tool: String,
    /// Its command line, run in a copy of the folder.
    command: Vec<std::ffi::OsString>,
    /// Where in the copy it leaves them.
    output: &'static str,
    /// Where in the package they belong.
    inside: &'static str,
    instead_of: Option<&'static str>,
}

/// Installs what the folder's requirement file names for this runtime; nothing where there is no such file.
pub(crate) fn dependencies(
    folder: &Path,
    runtime: &str,
    cache: &Cache,
    console: &mut Console,
) -> Result<Option<Built>, CliError> {
    if !folder.is_dir() {
        let path = folder.to_owned();
        return Err(BuildError::NotAFolder { path }.into());
    }
    let lower = runtime.to_lowercase();
    let recipe = if let Some(version) = lower.strip_prefix("python") {
        python::recipe(folder, version)?
    } else if lower.starts_with("nodejs") {
        node::recipe(folder, runtime)?
    } else {
        console.say(format_args!(
            "nothing to build: {runtime} functions are packed as they are"
        ))?;
        return Ok(None);
    };
    let Some(recipe) = recipe else {
        let name = if lower.starts_with("python") {
            python::FILE
        } else {
            node::FILE
        };
        console.say(format_args!(
            "nothing to build: there is no {}",
            folder.join(name).display()
        ))?;
        return Ok(None);
    };
    if let Some(known) = cache.get(&recipe.key).filter(|_| !recipe.local) {
        return Ok(Some(Built {
            folder: known,
            instead_of: recipe.instead_of,
            _once: None,
        }));
    }
    console.say(format_args!(
        "installing what {} names with {}",
        recipe.file.display(),
        recipe.tool
    ))?;
    let (folder, once) = install(folder, &recipe, cache)?;
    Ok(Some(Built {
        folder,
        instead_of: recipe.instead_of,
        _once: once,
    }))
}

/// Runs the recipe in a copy of the folder and keeps what it gave.
fn install(folder: &Path, recipe: &Recipe, cache: &Cache) -> Result<(PathBuf, Option<tempfile::TempDir>), BuildError> {
    let work = cache.scratch()?;
    let copy = work.path().join("copy");
    cache::copy(folder, &copy)?;
    let said = tool::run(&recipe.command, &copy).map_err(|said| BuildError::Failed {
        tool: recipe.tool.clone(),
        file: recipe.file.clone(),
        said: last(&said),
    });
    said?;
    let failed = |source| BuildError::File {
        path: work.path().to_owned(),
        source,
    };
    let result = work.path().join("result");
    std::fs::create_dir(&result).map_err(failed)?;
    let made = copy.join(recipe.output);
    // A file that names nothing gives nothing.
    if made.exists() {
        let place = result.join(recipe.inside);
        if !recipe.inside.is_empty() {
            std::fs::rename(&made, &place).map_err(failed)?;
        } else {
            std::fs::remove_dir(&result).map_err(failed)?;
            std::fs::rename(&made, &result).map_err(failed)?;
        }
    }
    std::fs::remove_dir_all(&copy).map_err(failed)?;
    if recipe.local {
        return Ok((result, Some(work)));
    }
    match cache.keep(&recipe.key, &result)? {
        Some(kept) => Ok((kept, None)),
        None => Ok((result, Some(work))),
    }
}

/// The end of a text, which is where tools say what went wrong.
fn last(said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n")
}

#[cfg(test)]
mod tests;
