//! A code folder as a zip: the same folder always gives the same bytes, so the server knows a package it has.
//!
//! Owns what goes in and under which mode: regular files, executable or not; symbolic links as links; folders that are
//! empty. Times and owners are left out.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Cursor};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use skiff_domain::limits::{UNPACKED_BYTES_MAX, ZIP_BYTES_MAX};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::console::bytes;

/// The file whose patterns, as in `.gitignore`, stay out of the package.
const IGNORE_FILE: &str = ".skiffignore";
/// What stays out unless a pattern with `!` lets it in: how the folder is deployed, and what tools leave behind.
const IGNORED_ALWAYS: [&str; 9] = [
    "/skiff.yaml",
    "/template.yaml",
    "/template.yml",
    "/serverless.yml",
    "/serverless.yaml",
    "/.skiffignore",
    ".git",
    "__pycache__",
    "*.pyc",
];
/// How many of the largest files an error names.
const LARGEST_SHOWN: usize = 3;

/// A zip to upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) zip: Vec<u8>,
    /// Files and links in it; none known of a zip that came as one.
    pub(crate) files: Option<usize>,
    /// The paths in it.
    pub(crate) names: Vec<String>,
    /// Those of files that cannot be executed.
    pub(crate) inert: Vec<String>,
}

/// Why a folder cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// A file that cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file name the API cannot carry.
    #[error("the name of {path:?} is not UTF-8: rename it, or leave it out in {IGNORE_FILE}")]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// A socket, a pipe or a device.
    #[error("{path} is neither a file nor a folder nor a link: leave it out in {IGNORE_FILE}")]
    Special {
        /// The file.
        path: PathBuf,
    },
    /// A pattern that is none.
    #[error("ignore pattern: {source}")]
    Pattern {
        /// What is wrong with it.
        source: ignore::Error,
    },
    /// A file that is no zip.
    #[error("{path} is neither a folder nor a zip: give the folder it is in, or a zip")]
    NoZip {
        /// The file.
        path: PathBuf,
    },
    /// Nothing in it.
    #[error("{path} has no files to deploy")]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// More than the API takes.
    #[error("the package of {path} is too large: {size} {what}, at most {max}")]
    TooLarge {
        /// The folder.
        path: PathBuf,
        /// How large.
        size: String,
        /// Of what: zipped, or unpacked.
        what: &'static str,
        /// How large it may be.
        max: String,
        /// The largest files in it, if known.
        largest: Vec<String>,
    },
    /// The zip cannot be written.
    #[error("cannot make the zip: {0}")]
    Zip(#[from] zip::result::ZipError),
}

impl PackageError {
    /// What to try next.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::TooLarge { largest, .. } if !largest.is_empty() => Some(format!(
                "leave out in {IGNORE_FILE} what does not have to run; largest: {}",
                largest.join(", ")
            )),
            _ => None,
        }
    }
}

/// What one path in the folder becomes in the zip.
struct Entry {
    name: String,
    path: PathBuf,
    kind: Kind,
}

enum Kind {
    File { executable: bool, bytes: u64 },
    Link,
    EmptyFolder,
}

/// Packs a folder, or takes a zip as it is.
pub(crate) fn load(path: &Path, ignore: &[String]) -> Result<Package, PackageError> {
    load_over(path, ignore, None)
}

/// The same, with what is in another folder laid under the first one's files.
pub(crate) fn load_over(path: &Path, ignore: &[String], under: Option<&Path>) -> Result<Package, PackageError> {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    let metadata = fs::metadata(path).map_err(|source| PackageError::Read {
        path: path.to_owned(),
        source,
    })?;
    let package = if metadata.is_dir() {
        zip(path, all_entries(path, ignore, under)?)?
    } else {
        let zip = fs::read(path).map_err(|source| PackageError::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut archive =
            ZipArchive::new(Cursor::new(&zip)).map_err(|_| PackageError::NoZip { path: path.to_owned() })?;
        let names = archive
            .file_names()
            .filter_map(Result::ok)
            .map(Cow::into_owned)
            .collect();
        let inert = inert(&mut archive);
        Package {
            zip,
            files: None,
            names,
            inert,
        }
    };
    let (size, max) = (package.zip.len(), ZIP_BYTES_MAX);
    if size > max {
        let largest = if metadata.is_dir() {
            largest(&all_entries(path, ignore, under)?)
        } else {
            Vec::new()
        };
        return Err(too_large(path, size as u64, "zipped", max as u64, largest));
    }
    Ok(package)
}

/// The files of a zip that cannot be executed. What cannot be read here is the server's to refuse.
fn inert(archive: &mut ZipArchive<Cursor<&Vec<u8>>>) -> Vec<String> {
    /// What is neither a link nor executable.
    fn is_inert(mode: u32) -> bool {
        mode & 0o170_000 != 0o120_000 && mode & 0o111 == 0
    }
    let mut found = Vec::new();
    for i in 0..archive.len() {
        if let Ok(file) = archive.by_index_raw(i)
            && !file.is_dir()
            && is_inert(file.unix_mode().unwrap_or(0))
            && let Ok(name) = file.name()
        {
            found.push(name.into_owned());
        }
    }
    found
}

/// Packs one file.
pub(crate) fn lone(file: &Path) -> Result<Package, PackageError> {
    let failed = |source| PackageError::Read {
        path: file.to_owned(),
        source,
    };
    let metadata = fs::metadata(file).map_err(failed)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let entry = Entry {
        name: name(folder, file)?,
        path: file.to_owned(),
        kind: Kind::File {
            executable: metadata.permissions().mode() & 0o111 != 0,
            bytes: metadata.len(),
        },
    };
    let package = zip(file, vec![entry])?;
    match package.zip.len() {
        size if size > ZIP_BYTES_MAX => Err(too_large(file, size as u64, "zipped", ZIP_BYTES_MAX as u64, Vec::new())),
        _ => Ok(package),
    }
}

/// The entries of a folder, and those of the one under it that it has nothing in place of.
fn all_entries(folder: &Path, ignore: &[String], under: Option<&Path>) -> Result<Vec<Entry>, PackageError> {
    let mut all = entries(folder, ignore)?;
    let Some(under) = under else { return Ok(all) };
    let kept = all.iter().filter(|entry| !matches!(entry.kind, Kind::EmptyFolder));
    let own: BTreeSet<String> = kept.map(|entry| entry.name.clone()).collect();
    let hidden = |name: &str| {
        let above = name.match_indices('/').map(|(end, _)| &name[..end]);
        let below = own.range(format!("{name}/")..).next();
        own.contains(name)
            || above.into_iter().any(|above| own.contains(above))
            || below.is_some_and(|below| below.starts_with(&format!("{name}/")))
    };
    all.extend(entries(under, &[])?.into_iter().filter(|entry| !hidden(&entry.name)));
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

fn zip(folder: &Path, entries: Vec<Entry>) -> Result<Package, PackageError> {
    let files = entries
        .iter()
        .filter(|entry| !matches!(entry.kind, Kind::EmptyFolder))
        .count();
    if files == 0 {
        return Err(PackageError::Empty {
            path: folder.to_owned(),
        });
    }
    let unpacked = entries.iter().map(|entry| entry.kind.bytes()).sum();
    if unpacked > UNPACKED_BYTES_MAX {
        return Err(too_large(
            folder,
            unpacked,
            "unpacked",
            UNPACKED_BYTES_MAX,
            largest(&entries),
        ));
    }
    let names = entries.iter().map(|entry| entry.name.clone()).collect();
    let is_inert = |entry: &&Entry| matches!(entry.kind, Kind::File { executable: false, .. });
    let inert = entries
        .iter()
        .filter(is_inert)
        .map(|entry| entry.name.clone())
        .collect();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    for Entry { name, path, kind } in entries {
        let failed = |source| PackageError::Read {
            path: path.clone(),
            source,
        };
        match kind {
            Kind::File { executable, .. } => {
                zip.start_file(name, options.unix_permissions(if executable { 0o755 } else { 0o644 }))?;
                io::copy(&mut File::open(&path).map_err(failed)?, &mut zip).map_err(failed)?;
            }
            Kind::Link => {
                let target = fs::read_link(&path).map_err(failed)?;
                let target = target
                    .to_str()
                    .ok_or_else(|| PackageError::Name { path: path.clone() })?;
                zip.add_symlink(name, target, options)?;
            }
            Kind::EmptyFolder => zip.add_directory(name, options.unix_permissions(0o755))?,
        }
    }
    Ok(Package {
        zip: zip.finish()?.into_inner(),
        files: Some(files),
        names,
        inert,
    })
}

impl Kind {
    fn bytes(&self) -> u64 {
        match self {
            Self::File { bytes, .. } => *bytes,
            Self::Link | Self::EmptyFolder => 0,
        }
    }
}

fn too_large(path: &Path, size: u64, what: &'static str, max: u64, largest: Vec<String>) -> PackageError {
    PackageError::TooLarge {
        path: path.to_owned(),
        size: bytes(size),
        what,
        max: bytes(max),
        largest,
    }
}

fn largest(entries: &[Entry]) -> Vec<String> {
    let mut entries: Vec<&Entry> = entries.iter().collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.kind.bytes()));
    let shown = entries.iter().take(LARGEST_SHOWN);
    shown
        .map(|entry| format!("{} ({})", entry.name, bytes(entry.kind.bytes())))
        .collect()
}

/// Everything in the folder that no pattern leaves out, in the order of the names' bytes.
fn entries(folder: &Path, ignore: &[String]) -> Result<Vec<Entry>, PackageError> {
    let ignored = patterns(folder, ignore)?;
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(current) = open.pop() {
        let failed = |source| PackageError::Read {
            path: current.clone(),
            source,
        };
        let mut kept = 0;
        for child in fs::read_dir(&current).map_err(failed)? {
            let path = child.map_err(failed)?.path();
            let metadata = fs::symlink_metadata(&path).map_err(|source| PackageError::Read {
                path: path.clone(),
                source,
            })?;
            if ignored.matched(&path, metadata.is_dir()).is_ignore() {
                continue;
            }
            kept += 1;
            let kind = metadata.file_type();
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_symlink() {
                found.push(Entry {
                    name: name(folder, &path)?,
                    path,
                    kind: Kind::Link,
                });
            } else if kind.is_file() {
                let executable = metadata.permissions().mode() & 0o111 != 0;
                let kind = Kind::File {
                    executable,
                    bytes: metadata.len(),
                };
                found.push(Entry {
                    name: name(folder, &path)?,
                    path,
                    kind,
                });
            } else {
                return Err(PackageError::Special { path });
            }
        }
        if kept == 0 && current != folder {
            found.push(Entry {
                name: name(folder, &current)?,
                path: current,
                kind: Kind::EmptyFolder,
            });
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

fn name(folder: &Path, path: &Path) -> Result<String, PackageError> {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    inside
        .to_str()
        .map(str::to_owned)
        .ok_or_else(|| PackageError::Name { path: path.to_owned() })
}

/// What always stays out, then the folder's own file, then the manifest's patterns: the last that matches decides.
fn patterns(folder: &Path, ignore: &[String]) -> Result<Gitignore, PackageError> {
    let pattern = |source| PackageError::Pattern { source };
    let mut builder = GitignoreBuilder::new(folder);
    for line in IGNORED_ALWAYS {
        builder.add_line(None, line).map_err(pattern)?;
    }
    let file = folder.join(IGNORE_FILE);
    if file.is_file()
        && let Some(source) = builder.add(&file)
    {
        return Err(PackageError::Pattern { source });
    }
    for line in ignore {
        check_classes(line).map_err(pattern)?;
        builder.add_line(None, line).map_err(pattern)?;
    }
    builder.build().map_err(pattern)
}

/// Refuses a `[` that nothing closes: such a pattern matches nothing.
fn check_classes(pattern: &str) -> Result<(), ignore::Error> {
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        let is_closed = match char {
            '\\' => chars.next().is_some(),
            // What comes first is in the class, a `]` too.
            '[' => {
                let rest = chars.as_str().trim_start_matches(['!', '^']);
                chars = rest.chars();
                chars.next().is_some() && chars.any(|char| char == ']')
            }
            _ => true,
        };
        if !is_closed {
            return Err(ignore::Error::Glob {
                glob: Some(pattern.to_owned()),
                err: "it ends within what it begins: close the [, or write \\[".to_owned(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
