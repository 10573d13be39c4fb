//! Adding what a runtime compiled to a package's folder, so that instances need not compile it again.
//!
//! The compiler reads code of strangers: its answer is not trusted. Files go into `__pycache__` folders of the package, or
//! beside a source of their name as Python 2 and WebAssembly have it, and nowhere else, and never through a link.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path};
use std::sync::Arc;

use bytes::Bytes;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, mkdirat, openat, openat2, renameat, statat, unlinkat};
use skiff_domain::{COMPILED_SUFFIX, CodeDigest};

use crate::artifacts::{Artifacts, blocking};
use crate::inside::open_root;

/// The only folders compiled files may be in.
const CACHE_FOLDER: &str = "__pycache__";
/// How byte code of Python ends.
const BYTE_CODE_SUFFIX: &str = ".pyc";

impl Artifacts {
    /// Adds compiled files to an unpacked package, each `folder/__pycache__/name.pyc`, or with `.skiff-compiled` in its place,
    /// `folder/name.pyc` beside `name.py`, or `folder/name.skiff-compiled` beside `name`, replaced when it is there.
    /// Stops at the first that cannot be written; instances do without.
    pub async fn add_compiled(&self, digest: CodeDigest, files: Vec<(String, Bytes)>) -> io::Result<()> {
        let folder = self.inner.slots.folder(&digest).ok_or(io::ErrorKind::NotFound)?;
        // Two deploys of one package would write into the same unfinished file. Kept by the thread that writes: a caller
        // may go away meanwhile.
        let gate = Arc::clone(&self.inner.slots.of(digest).gate).lock_owned().await;
        blocking(move || {
            let _gate = gate;
            let root = open_root(&folder)?;
            files.iter().try_for_each(|(path, bytes)| add(&root, path, bytes))
        })
        .await
        .map_err(io::Error::other)?
    }
}

fn add(root: &OwnedFd, path: &str, bytes: &[u8]) -> io::Result<()> {
    let wrong = || {
        let text = format!("{path:?} is no compiled file's path");
        io::Error::new(io::ErrorKind::InvalidInput, text)
    };
    let (folder, name) = split(path).ok_or_else(wrong)?;
    let cache = if folder.ends_with(CACHE_FOLDER) {
        let above = beneath(root, folder.parent().unwrap_or(Path::new("")))?;
        match mkdirat(above, CACHE_FOLDER, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        beneath(root, folder)?
    } else {
        let beside = beneath(root, folder)?;
        let source = name.strip_suffix(COMPILED_SUFFIX).or_else(|| name.strip_suffix('c'));
        let source = statat(&beside, source.ok_or_else(wrong)?, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(source.st_mode) != FileType::RegularFile {
            return Err(wrong());
        }
        beside
    };
    let unfinished = format!(".{name}.new");
    let written = write(cache.as_fd(), &unfinished, bytes)
        .and_then(|()| Ok(renameat(&cache, unfinished.as_str(), &cache, name)?));
    if written.is_err() {
        // Already failing: a leftover that cannot be removed either is a hidden file nobody imports.
        let _ = unlinkat(&cache, unfinished.as_str(), AtFlags::empty());
    }
    written
}

/// The folder and the file's name in it.
fn split(path: &str) -> Option<(&Path, &str)> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut suffixes = [BYTE_CODE_SUFFIX, COMPILED_SUFFIX].iter();
    let stem = suffixes.find_map(|suffix| name.strip_suffix(suffix))?;
    let plain = Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    (plain && !stem.is_empty()).then_some((Path::new(folder), name))
}

/// A folder of the package, reached without any link.
fn beneath(root: &OwnedFd, folder: &Path) -> io::Result<OwnedFd> {
    let here = folder.as_os_str().is_empty();
    let folder = if here { Path::new(".") } else { folder };
    Ok(openat2(
        root,
        folder,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS,
    )?)
}

fn write(folder: std::os::fd::BorrowedFd<'_>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let file = openat(
        folder,
        name,
        OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::from_raw_mode(0o644),
    )?;
    let mut file = std::fs::File::from(file);
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    io::Write::write_all(&mut file, bytes)
}
