//! Layers over each other in one folder: what they add, replace and take away, all of it below that folder.
//!
//! Links of one layer are followed by the next, as container engines do it, but the kernel resolves every path with the
//! folder as its root: a link that leads to `/etc` leads to the folder's own.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Seek};
use std::ops::ControlFlow;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use flate2::read::MultiGzDecoder;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use tar::{Entry, EntryType};

use crate::archive::{self, Bounded, Room};

/// Most bytes of all layers unpacked.
const UNPACKED_BYTES_MAX: u64 = 8 << 30;
/// How a name begins that takes away what lower layers have.
const WHITEOUT: &[u8] = b".wh.";
/// Takes away all that lower layers have in its folder.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// How a layer is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// By the type of the layer, of the OCI or of Docker. None for what is no layer of files.
    pub(super) fn of(media_type: &str) -> Option<Self> {
        let (_, kind) = media_type.split_once(".tar")?;
        let of_files = media_type.starts_with("application/vnd.oci.image.layer.")
            || media_type.starts_with("application/vnd.docker.image.rootfs.");
        match kind {
            "" if of_files => Some(Self::None),
            "+gzip" | ".gzip" if of_files => Some(Self::Gzip),
            "+zstd" if of_files => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// A folder that layers are unpacked into.
#[derive(Debug)]
pub(super) struct Tree {
    root: OwnedFd,
    room: Room,
}

impl Tree {
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            root: openat(CWD, root, flags, Mode::empty())?,
            room: Room::of(UNPACKED_BYTES_MAX),
        })
    }

    /// Lays one layer over what is there. Twice through it: what it takes away is of lower layers alone, wherever in the
    /// archive it says so.
    pub(super) fn apply(&mut self, layer: &mut File, kind: Compression) -> io::Result<()> {
        // What it takes is taken once.
        let room = self.room;
        self.each(layer, kind, |tree, _, path| {
            match path.file_name().map(OsStr::as_bytes) {
                Some(OPAQUE) => tree.empty(path.parent().unwrap_or(Path::new(""))),
                Some(name) if name.starts_with(WHITEOUT) => tree.take_away(&path, &name[WHITEOUT.len()..]),
                _ => Ok(()),
            }
        })?;
        self.room = room;
        self.each(layer, kind, |tree, entry, path| match path.file_name() {
            Some(name) if !name.as_bytes().starts_with(WHITEOUT) => tree.add(entry, &path),
            _ => Ok(()),
        })
    }

    fn each(
        &mut self,
        layer: &mut File,
        kind: Compression,
        mut act: impl FnMut(&Self, &mut Entry<'_, Bounded<'_, '_>>, PathBuf) -> io::Result<()>,
    ) -> io::Result<()> {
        layer.rewind()?;
        let file = io::BufReader::new(&*layer);
        let archive: Box<dyn Read> = match kind {
            Compression::None => Box::new(file),
            Compression::Gzip => Box::new(MultiGzDecoder::new(file)),
            Compression::Zstd => Box::new(zstd::Decoder::with_buffer(file)?),
        };
        let mut room = self.room;
        archive::each(archive, &mut room, |entry| {
            let path = plain(&entry.path()?)?;
            act(self, entry, path)?;
            Ok(ControlFlow::Continue(()))
        })?;
        self.room = room;
        Ok(())
    }

    /// One entry of an archive. Devices and the like are nothing a function could use.
    fn add(&self, entry: &mut Entry<'_, Bounded<'_, '_>>, path: &Path) -> io::Result<()> {
        let place = self.place(path)?;
        match entry.header().entry_type() {
            EntryType::Directory => {
                if !fs::symlink_metadata(&place).is_ok_and(|there| there.is_dir()) {
                    remove(&place)?;
                    fs::create_dir(&place)?;
                }
                fs::set_permissions(&place, Permissions::from_mode(0o755))
            }
            EntryType::Regular | EntryType::Continuous => {
                remove(&place)?;
                // Owner and other bits are not taken along.
                let runs = entry.header().mode()? & 0o111 != 0;
                let time = UNIX_EPOCH.checked_add(Duration::from_secs(entry.header().mtime()?));
                let mut file = File::options().write(true).create_new(true).open(&place)?;
                io::copy(entry, &mut file)?;
                file.set_permissions(Permissions::from_mode(if runs { 0o755 } else { 0o644 }))?;
                // Byte code is held against it.
                time.map_or(Ok(()), |time| file.set_modified(time))
            }
            EntryType::Symlink => {
                let target = entry.link_name()?.ok_or(io::ErrorKind::InvalidData)?;
                remove(&place)?;
                symlink(target, place)
            }
            EntryType::Link => {
                let target = entry.link_name()?.ok_or(io::ErrorKind::InvalidData)?;
                let source = self.place(&plain(&target)?)?;
                if source != place {
                    remove(&place)?;
                    fs::hard_link(source, place)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Where a path is, its folder made if need be: the folder by its descriptor, so that no link leads elsewhere.
    fn place(&self, path: &Path) -> io::Result<Place> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidData)?;
        let folder = self.folder(path.parent().unwrap_or(Path::new("")))?;
        Ok(Place::of(folder, name))
    }

    fn folder(&self, path: &Path) -> io::Result<OwnedFd> {
        match self.beneath(path, OFlags::DIRECTORY) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && path.file_name().is_some() => {
                let place = self.place(path)?;
                fs::create_dir(&place)?;
                fs::set_permissions(&place, Permissions::from_mode(0o755))?;
                self.beneath(path, OFlags::DIRECTORY)
            }
            opened => opened,
        }
    }

    /// What is at a path, with the folder as the root of all links.
    fn beneath(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let flags = OFlags::PATH | OFlags::CLOEXEC | flags;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        Ok(openat2(&self.root, path, flags, Mode::empty(), resolve)?)
    }

    /// A path of the tree without links in it, from the tree's root.
    pub(super) fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let real = |fd: &OwnedFd| fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()));
        let (root, found) = (real(&self.root)?, real(&self.beneath(path, OFlags::empty())?)?);
        let inside = found.strip_prefix(root).map_err(io::Error::other)?;
        Ok(inside.to_owned())
    }

    fn take_away(&self, marker: &Path, name: &[u8]) -> io::Result<()> {
        if matches!(name, b"" | b"." | b"..") {
            return Err(io::Error::other(format!("{} takes nothing away", marker.display())));
        }
        let folder = match self.beneath(marker.parent().unwrap_or(Path::new("")), OFlags::DIRECTORY) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            folder => folder?,
        };
        remove(&Place::of(folder, OsStr::from_bytes(name)))
    }

    fn empty(&self, folder: &Path) -> io::Result<()> {
        let folder = match self.beneath(folder, OFlags::DIRECTORY) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            folder => folder?,
        };
        let by_descriptor = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
        for entry in fs::read_dir(&by_descriptor)? {
            let path = entry?.path();
            if fs::symlink_metadata(&path)?.is_dir() {
                fs::remove_dir_all(path)?;
            } else {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

/// A name in an open folder.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// Keeps the path's meaning.
    _folder: OwnedFd,
}

impl Place {
    fn of(folder: OwnedFd, name: &OsStr) -> Self {
        Self {
            path: PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name),
            _folder: folder,
        }
    }
}

impl AsRef<Path> for Place {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        let about = |place: &Self| {
            let about = fs::symlink_metadata(place).ok()?;
            Some((
                std::os::unix::fs::MetadataExt::dev(&about),
                std::os::unix::fs::MetadataExt::ino(&about),
            ))
        };
        about(self).is_some_and(|own| about(other) == Some(own))
    }
}

/// Whatever has this name, and nothing when there is none.
fn remove(place: &Place) -> io::Result<()> {
    match fs::symlink_metadata(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(there) if there.is_dir() => fs::remove_dir_all(place),
        Ok(_) => fs::remove_file(place),
    }
}

/// A path of an archive, from the root on. One that climbs is none.
fn plain(path: &Path) -> io::Result<PathBuf> {
    let mut inside = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => inside.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                return Err(io::Error::other(format!("{} climbs out of its folder", path.display())));
            }
        }
    }
    Ok(inside)
}

#[cfg(test)]
mod tests;
