//! Opening files inside a package, and only there, whatever its links say.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bytes::Bytes;
use rustix::fs::{CWD, Dir, Mode, OFlags, ResolveFlags, openat, openat2};

/// The folder itself, to resolve paths beneath.
pub(crate) fn open_root(folder: &Path) -> io::Result<OwnedFd> {
    Ok(openat(
        CWD,
        folder,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}

/// A regular file of a package. Links are followed while they stay beneath the folder.
pub(crate) fn open_file(folder: &Path, path: &str) -> io::Result<File> {
    let file = openat2(
        open_root(folder)?,
        path,
        // Not blocking, should it be a pipe.
        OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS,
    )?;
    let file = File::from(file);
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(file)
}

/// Whether a regular file of a package may be executed.
pub(crate) fn is_executable(folder: &Path, path: &str) -> io::Result<bool> {
    Ok(open_file(folder, path)?.metadata()?.permissions().mode() & 0o111 != 0)
}

/// The first regular file of a folder of the package, `.` for its own, whose name ends so; by name.
pub(crate) fn first_file(folder: &Path, within: &str, ending: &str) -> io::Result<Option<String>> {
    let inner = openat2(
        open_root(folder)?,
        within,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS,
    )?;
    let mut names = Vec::new();
    for entry in Dir::new(inner)? {
        let entry = entry?;
        names.extend(
            entry
                .file_name()
                .to_str()
                .ok()
                .filter(|name| name.ends_with(ending))
                .map(str::to_owned),
        );
    }
    names.sort_unstable();
    let paths = names.into_iter().map(|name| match within {
        "." => name,
        within => format!("{within}/{name}"),
    });
    Ok(paths.into_iter().find(|path| open_file(folder, path).is_ok()))
}

/// The bytes of a regular file, if they are at most `bytes_max`.
pub(crate) fn read_file(folder: &Path, path: &str, bytes_max: u64) -> io::Result<Bytes> {
    let file = open_file(folder, path)?;
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes.into())
}
