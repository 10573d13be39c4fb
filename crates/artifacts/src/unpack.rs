//! Unpacks a zip into an empty folder. Blocking; run it on a blocking thread.
//!
//! The folder is the same for the same zip: modes are 0755 or 0644, times are fixed, owners are the server's.

use std::fs::{File, OpenOptions};
use std::io::{self, Cursor, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use bytes::Bytes;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};
use skiff_domain::limits::{PACKAGE_ENTRIES_MAX, UNPACKED_BYTES_MAX};
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::error::{BadPackage, PathRule};
use crate::tree::{Node, PATH_BYTES_MAX, Tree, shown};

/// A package may unpack to this many times the size of its zip. Source code reaches 10, logs and tables 50.
pub(crate) const RATIO_MAX: u64 = 100;
/// Below this many unpacked bytes the ratio is not looked at: a small file of zeros is no bomb.
const RATIO_FREE_BYTES: u64 = 32 * 1024 * 1024;
/// Bytes read at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// 1980-01-01, the first time a zip can name: older ones break Python's `zipfile`.
const MTIME_SECS: i64 = 315_532_800;

const FILE_KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const LINK: u32 = 0o120_000;

/// Why unpacking stopped: the package, or the disk.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnpackError {
    #[error(transparent)]
    Bad(#[from] BadPackage),
    #[error(transparent)]
    Disk(#[from] io::Error),
}

type Archive = ZipArchive<Cursor<Bytes>>;

/// Checks the whole zip, then writes it into `root`, which exists and is empty. On error `root` may hold a part.
pub(crate) fn unpack(zip: &Bytes, root: &Path) -> Result<(), UnpackError> {
    let mut archive = ZipArchive::new(Cursor::new(zip.clone())).map_err(|error| not_zip(&error))?;
    let mut budget = Budget::of(zip.len() as u64);
    let tree = plan(&mut archive, &budget)?;
    for (path, node) in tree.nodes() {
        let place = root.join(path);
        match node {
            Node::Folder => std::fs::create_dir(place)?,
            Node::File { index, executable } => {
                let file = create(&place, *executable)?;
                write(&mut archive, *index, path, &file, &mut budget)?;
                rustix::fs::futimens(&file, &fixed_times()).map_err(io::Error::from)?;
            }
            Node::Link { .. } => {}
        }
    }
    // Links last, so that nothing was written through one; folders after what is in them, for their times.
    for (path, node) in tree.nodes().rev() {
        let place = root.join(path);
        match node {
            Node::Folder => seal_folder(&place)?,
            Node::Link { target } => {
                std::os::unix::fs::symlink(target, &place)?;
                set_times(&place)?;
            }
            Node::File { .. } => {}
        }
    }
    seal_folder(root)?;
    Ok(())
}

/// Reads the directory of the zip and decides the tree. Writes nothing.
fn plan(archive: &mut Archive, budget: &Budget) -> Result<Tree, BadPackage> {
    if archive.len() > PACKAGE_ENTRIES_MAX {
        return Err(BadPackage::TooManyEntries);
    }
    if archive.has_duplicate_names() {
        return Err(BadPackage::RepeatedName);
    }
    if archive.has_overlapping_entries().map_err(|error| not_zip(&error))? {
        return Err(BadPackage::Overlap);
    }
    let mut tree = Tree::default();
    let mut declared = budget.clone();
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(|error| not_zip(&error))?;
        let name = std::str::from_utf8(entry.name_raw()).map_err(|_| BadPackage::Path {
            path: shown(&String::from_utf8_lossy(entry.name_raw())),
            rule: PathRule::Utf8,
        })?;
        if entry.encrypted() {
            return Err(BadPackage::Encrypted(shown(name)));
        }
        if !matches!(
            entry.compression(),
            CompressionMethod::Stored | CompressionMethod::Deflated
        ) {
            return Err(BadPackage::Method {
                path: shown(name),
                method: entry.compression().to_string(),
            });
        }
        declared.take(entry.size())?;
        let mode = entry.unix_mode().unwrap_or(0);
        let name = name.to_owned();
        let node = match mode & FILE_KIND {
            FOLDER => Node::Folder,
            LINK => Node::Link {
                target: link_target(archive, index, &name)?,
            },
            0 | REGULAR if name.ends_with('/') => Node::Folder,
            0 | REGULAR => Node::File {
                index,
                executable: mode & 0o111 != 0,
            },
            _ => return Err(BadPackage::Special(shown(&name))),
        };
        tree.insert(&name, node)?;
    }
    tree.check()?;
    Ok(tree)
}

/// Size of what a zip holds, in bytes, as its directory says: when it was unpacked that was found true.
pub(crate) fn unpacked_bytes(zip: &Bytes) -> Result<u64, BadPackage> {
    let archive = ZipArchive::new(Cursor::new(zip.clone())).map_err(|error| not_zip(&error))?;
    let mut bytes = 0;
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(|error| not_zip(&error))?;
        bytes += entry.size();
    }
    Ok(bytes)
}

/// A link's content is its target.
fn link_target(archive: &mut Archive, index: usize, name: &str) -> Result<String, BadPackage> {
    let damaged = || BadPackage::Damaged(shown(name));
    let entry = archive.by_index(index).map_err(|_| damaged())?;
    let mut target = Vec::new();
    entry
        .take(PATH_BYTES_MAX as u64 + 1)
        .read_to_end(&mut target)
        .map_err(|_| damaged())?;
    let target = String::from_utf8(target).map_err(|_| BadPackage::Path {
        path: shown(name),
        rule: PathRule::Utf8,
    })?;
    if target.contains('\0') {
        return Err(BadPackage::Path {
            path: shown(name),
            rule: PathRule::Control,
        });
    }
    Ok(target)
}

/// Copies one entry's bytes, counting what really comes out, whatever its header says.
fn write(
    archive: &mut Archive,
    index: usize,
    path: &str,
    mut file: &File,
    budget: &mut Budget,
) -> Result<(), UnpackError> {
    let damaged = || BadPackage::Damaged(shown(path));
    let mut entry = archive.by_index(index).map_err(|_| damaged())?;
    let declared = entry.size();
    let mut written = 0;
    let mut chunk = vec![0; CHUNK_BYTES.min(usize::try_from(declared).unwrap_or(CHUNK_BYTES).max(512))];
    loop {
        let n = entry.read(&mut chunk).map_err(|_| damaged())?;
        if n == 0 {
            break;
        }
        budget.take(n as u64)?;
        written += n as u64;
        file.write_all(&chunk[..n])?;
    }
    if written != declared {
        return Err(damaged().into());
    }
    Ok(())
}

/// How many bytes may still come out.
#[derive(Debug, Clone)]
struct Budget {
    left: u64,
    error: BadPackage,
}

impl Budget {
    fn of(zip_bytes: u64) -> Self {
        let by_ratio = zip_bytes.saturating_mul(RATIO_MAX).max(RATIO_FREE_BYTES);
        if by_ratio < UNPACKED_BYTES_MAX {
            Self {
                left: by_ratio,
                error: BadPackage::Bomb,
            }
        } else {
            Self {
                left: UNPACKED_BYTES_MAX,
                error: BadPackage::UnpackedTooLarge,
            }
        }
    }

    fn take(&mut self, bytes: u64) -> Result<(), BadPackage> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| self.error.clone())?;
        Ok(())
    }
}

/// A new file. `O_EXCL` also refuses a link in its place.
fn create(place: &Path, executable: bool) -> io::Result<File> {
    let mode = if executable { 0o755 } else { 0o644 };
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(place)?;
    // The umask is the operator's; a package's modes are not.
    file.set_permissions(PermissionsExt::from_mode(mode))?;
    Ok(file)
}

pub(crate) fn seal_folder(place: &Path) -> io::Result<()> {
    std::fs::set_permissions(place, PermissionsExt::from_mode(0o755))?;
    set_times(place)
}

fn set_times(place: &Path) -> io::Result<()> {
    rustix::fs::utimensat(CWD, place, &fixed_times(), AtFlags::SYMLINK_NOFOLLOW).map_err(io::Error::from)
}

fn fixed_times() -> Timestamps {
    let time = Timespec {
        tv_sec: MTIME_SECS,
        tv_nsec: 0,
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}

fn not_zip(error: &ZipError) -> BadPackage {
    BadPackage::NotZip(shown(&error.to_string()))
}

#[cfg(test)]
mod tests;
