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

/// Refuses to begin with an empty database where there are blobs of an earlier one: it would know none of their
/// functions, and the first collection would remove all their code.
pub(super) fn refuse_orphans(folder: &Path, database: &Path) -> anyhow::Result<()> {
    let is_new = fs::metadata(database).map_or(true, |found| found.len() == 0);
    if is_new && holds_a_file(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        anyhow::bail!(
            "{database} is missing or empty, but {folder} has packages or logs of an earlier one: put the database back \
             from a backup, or remove {folder} to begin anew",
            database = database.display(),
            folder = folder.display(),
        );
    }
    Ok(())
}

fn holds_a_file(folder: &Path) -> io::Result<bool> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if !entry.file_type()?.is_dir() || holds_a_file(&entry.path())? {
            return Ok(true);
        }
    }
    Ok(false)
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
    fn an_empty_database_beside_packages_of_an_earlier_one_is_refused() {
        let data = tempfile::tempdir().expect("a folder");
        let (blobs, database) = (data.path().join("blobs"), data.path().join("skiff.db"));
        let check = || refuse_orphans(&blobs, &database).is_ok();
        assert!(check(), "a first start");
        fs::create_dir_all(blobs.join("code")).expect("folders");
        assert!(check(), "folders alone are no packages");
        fs::write(blobs.join("code/a.zip"), "x").expect("a file");
        assert!(!check(), "lost");
        fs::write(&database, "").expect("a file");
        assert!(!check(), "emptied");
        fs::write(&database, "SQLite").expect("a file");
        assert!(check(), "there: SQLite judges it");
    }

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
