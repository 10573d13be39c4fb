//! Where dependencies are kept once they are installed: a folder of the user's, one entry a key.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use skiff_domain::CodeDigest;

use super::BuildError;

/// What is never copied: it is made anew, or of no use.
const NOT_COPIED: [&str; 3] = ["node_modules", ".git", "__pycache__"];

/// The cache; of somebody without a home there is none.
pub(crate) struct Cache {
    root: Option<PathBuf>,
}

impl Cache {
    /// The user's own: `$XDG_CACHE_HOME/skiff/build`, or `~/.cache/skiff/build`.
    pub(crate) fn of_the_user() -> Self {
        let folder = |name| {
            std::env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let caches = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
        Self {
            root: caches.map(|caches| caches.join("skiff/build")),
        }
    }

    /// One in this folder.
    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: Some(root.to_owned()),
        }
    }

    fn place(&self, key: &[u8]) -> Option<PathBuf> {
        Some(self.root.as_ref()?.join(CodeDigest::of(key).to_string()))
    }

    /// What was kept under this key.
    pub(super) fn get(&self, key: &[u8]) -> Option<PathBuf> {
        self.place(key).filter(|place| place.is_dir())
    }

    /// A folder to work in, gone when it is dropped.
    pub(super) fn scratch(&self) -> Result<tempfile::TempDir, BuildError> {
        let root = self.root.clone().unwrap_or_else(std::env::temp_dir);
        let made = fs::create_dir_all(&root).and_then(|()| tempfile::Builder::new().prefix(".work-").tempdir_in(&root));
        made.map_err(|source| BuildError::File { path: root, source })
    }

    /// Keeps a folder under this key. Of two that make the same at once, the first is kept.
    pub(super) fn keep(&self, key: &[u8], result: &Path) -> Result<Option<PathBuf>, BuildError> {
        let Some(place) = self.place(key) else { return Ok(None) };
        match fs::rename(result, &place) {
            Ok(()) => Ok(Some(place)),
            Err(_) if place.is_dir() => Ok(Some(place)),
            Err(source) => Err(BuildError::File { path: place, source }),
        }
    }
}

/// Copies a folder: files with their modes, links as links.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), BuildError> {
    let mut open = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = open.pop() {
        let failed = |source: io::Error| BuildError::File {
            path: from.clone(),
            source,
        };
        fs::create_dir_all(&to).map_err(failed)?;
        for child in fs::read_dir(&from).map_err(failed)? {
            let child = child.map_err(failed)?;
            let (path, copy) = (child.path(), to.join(child.file_name()));
            let kind = child.file_type().map_err(failed)?;
            if NOT_COPIED.iter().any(|name| child.file_name() == *name) {
                continue;
            }
            if kind.is_dir() {
                open.push((path, copy));
            } else if kind.is_symlink() {
                fs::read_link(&path)
                    .and_then(|target| symlink(target, &copy))
                    .map_err(failed)?;
            } else if kind.is_file() {
                fs::copy(&path, &copy).map_err(failed)?;
            }
        }
    }
    Ok(())
}
