//! The folder of blobs, and what a killed server left half written in it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;

/// Opens the folder. Only the holder of the data dir may: nobody else must be writing there.
pub(super) fn open(folder: &Path) -> anyhow::Result<Arc<dyn ObjectStore>> {
    fs::create_dir_all(folder).with_context(|| format!("cannot use {}", folder.display()))?;
    remove_staged(folder).with_context(|| format!("cannot tidy {}", folder.display()))?;
    let blobs = LocalFileSystem::new_with_prefix(folder).context("open the blobs")?;
    // A put is on disk when it returns: code is not acknowledged before.
    Ok(Arc::new(blobs.with_fsync(true)))
}

/// Removes what was being written when its writer died. `LocalFileSystem` writes into a file beside the one it is to
/// become, its name followed by `#` and a number, never lists such files and never removes them.
fn remove_staged(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_staged(&entry.path())?;
        } else if is_staged(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn is_staged(name: &str) -> bool {
    name.rsplit_once('#')
        .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_being_written_goes_and_what_was_written_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("code/deep")).expect("folders");
        for name in [
            "code/a.zip",
            "code/a.zip#1",
            "code/deep/b#27",
            "code/deep/b",
            "c#d",
            "e#",
        ] {
            fs::write(folder.path().join(name), "x").expect("a file");
        }
        open(folder.path()).expect("the blobs");
        let there = |name: &str| folder.path().join(name).exists();
        assert!(["code/a.zip", "code/deep/b", "c#d", "e#"].into_iter().all(there));
        assert!(!["code/a.zip#1", "code/deep/b#27"].into_iter().any(there));
    }
}
