//! The folder of installed runtimes, one writer at a time: what is made is renamed into place, what goes is renamed away.
//!
//! Instances that run have the files of their runtime mounted, so what goes stays on the disk, out of sight, until the
//! next start of a server, when no instance can have it.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use skiff_domain::RuntimeName;
use skiff_runtimes::{Installed, Record};

/// What is being made begins so.
const NEW: &str = ".new-";
/// What is on its way out begins so.
const OLD: &str = ".old-";
const LOCK: &str = ".lock";

/// Why the store cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else is at it.
    #[error("{0} is being changed by another command: try again when that has ended")]
    Busy(PathBuf),
    /// It cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { path, source }
}

/// The store, while nobody else changes it.
#[derive(Debug)]
pub(crate) struct Store {
    installed: Installed,
    _lock: File,
}

impl Store {
    /// Takes the store of this data dir, and clears away what a command left that was killed.
    pub(crate) fn take(data_dir: &Path) -> Result<Self, StoreError> {
        let installed = Installed::of(data_dir);
        let folder = installed.folder().to_owned();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(failed(&folder))?;
        let path = folder.join(LOCK);
        let lock = File::create(&path).map_err(failed(&path))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(StoreError::Busy(folder)),
            Err(error) => return Err(failed(&path)(error.into())),
        }
        let this = Self { installed, _lock: lock };
        this.clear(NEW)?;
        Ok(this)
    }

    /// An empty folder for a runtime in the making.
    pub(crate) fn begin(&self, name: &RuntimeName) -> Result<PathBuf, StoreError> {
        let place = self.installed.folder().join(format!("{NEW}{name}"));
        let root = Record::root_path(&place);
        fs::create_dir_all(&root).map_err(failed(&root))?;
        // Functions run as other users: what they see of it, they may read.
        for folder in [&place, &root] {
            fs::set_permissions(folder, Permissions::from_mode(0o755)).map_err(failed(folder))?;
        }
        Ok(place)
    }

    /// Puts a runtime into its place, instead of the one that may be there.
    pub(crate) fn finish(&self, place: &Path, record: &Record) -> Result<PathBuf, StoreError> {
        let path = Record::path(place);
        let write = || {
            let mut file = File::create(&path)?;
            serde_json::to_writer_pretty(&mut file, record)?;
            file.write_all(b"\n")?;
            rustix::fs::syncfs(&file)?;
            Ok(())
        };
        write().map_err(failed(&path))?;
        let target = self.installed.place(&record.name);
        self.replace(&record.name, place, &target)?;
        self.sync()?;
        Ok(target)
    }

    /// Puts a folder into a runtime's place. Where that fails, the one that was there is there again.
    fn replace(&self, name: &RuntimeName, place: &Path, target: &Path) -> Result<(), StoreError> {
        let away = self.move_away(name)?;
        fs::rename(place, target).or_else(|error| {
            if let Some(away) = away {
                fs::rename(&away, target).map_err(failed(&away))?;
            }
            Err(failed(target)(error))
        })
    }

    /// Takes a runtime out of its place. False when there is none.
    pub(crate) fn put_away(&self, name: &RuntimeName) -> Result<bool, StoreError> {
        let away = self.move_away(name)?;
        self.sync()?;
        Ok(away.is_some())
    }

    /// Where it is then.
    fn move_away(&self, name: &RuntimeName) -> Result<Option<PathBuf>, StoreError> {
        let place = self.installed.place(name);
        let folder = self.installed.folder();
        let away = (0..)
            .map(|number| folder.join(format!("{OLD}{name}-{number}")))
            .find(|path| !path.exists());
        let away = away.unwrap_or_else(|| folder.join(OLD));
        match fs::rename(&place, &away) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            renamed => renamed.map_err(failed(&place)).map(|()| Some(away)),
        }
    }

    /// Where a runtime's place is.
    pub(crate) fn place(&self, name: &RuntimeName) -> PathBuf {
        self.installed.place(name)
    }

    fn sync(&self) -> Result<(), StoreError> {
        let folder = self.installed.folder();
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed(folder))
    }

    fn clear(&self, prefix: &str) -> Result<(), StoreError> {
        let folder = self.installed.folder();
        for entry in fs::read_dir(folder).map_err(failed(folder))? {
            let entry = entry.map_err(failed(folder))?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix)) {
                fs::remove_dir_all(entry.path()).map_err(failed(&entry.path()))?;
            }
        }
        Ok(())
    }
}

/// Removes what was replaced or removed while a server ran. Only for a server that starts: no instance may run that has
/// it mounted. What another command is at is left to that.
pub fn tidy(data_dir: &Path) -> Result<(), StoreError> {
    if !Installed::of(data_dir).folder().exists() {
        return Ok(());
    }
    match Store::take(data_dir) {
        Ok(store) => store.clear(OLD),
        Err(StoreError::Busy(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use skiff_runtimes::Root;

    use super::*;

    fn record(source: &str) -> Record {
        Record {
            name: name(),
            source: source.to_owned(),
            version: "18.15.0".to_owned(),
            root: Root::Interpreter,
            program: None,
            bytes: 1,
        }
    }

    fn name() -> RuntimeName {
        "Nodejs18.15".parse().expect("known")
    }

    fn put(store: &Store, source: &str) -> PathBuf {
        let place = store.begin(&name()).expect("a folder");
        let bin = Record::root_path(&place).join("bin");
        fs::create_dir_all(&bin).expect("a folder");
        fs::write(bin.join("node"), source).expect("a file");
        store.finish(&place, &record(source)).expect("in place")
    }

    #[test]
    fn one_changes_the_store_at_a_time() {
        let data = tempfile::tempdir().expect("a folder");
        let first = Store::take(data.path()).expect("free");
        assert!(matches!(Store::take(data.path()), Err(StoreError::Busy(_))));
        drop(first);
        Store::take(data.path()).expect("free again");
    }

    #[test]
    fn a_runtime_in_its_place_is_whole_and_what_was_killed_half_way_is_cleared_away() {
        let data = tempfile::tempdir().expect("a folder");
        let store = Store::take(data.path()).expect("free");
        let half = store.begin(&name()).expect("a folder");
        drop(store);
        let store = Store::take(data.path()).expect("free");
        assert!(!half.exists());
        put(&store, "npm:18.15.0");
        let (usable, unusable) = Installed::of(data.path()).read().expect("readable");
        assert!(unusable.is_empty(), "{unusable:?}");
        assert_eq!(usable[0].source, "npm:18.15.0");
    }

    #[test]
    fn what_is_replaced_or_removed_stays_for_those_who_run_it_until_a_server_starts() {
        let data = tempfile::tempdir().expect("a folder");
        let store = Store::take(data.path()).expect("free");
        let place = put(&store, "npm:18.15.0");
        let program = File::open(place.join("root/bin/node")).expect("there");
        put(&store, "dir:/opt/node");
        assert!(store.put_away(&name()).expect("removed"));
        assert!(!store.put_away(&name()).expect("readable"));
        let kept = || {
            let entries = fs::read_dir(store.installed.folder()).expect("a folder").flatten();
            entries
                .filter(|entry| entry.file_name().to_string_lossy().starts_with(OLD))
                .count()
        };
        assert_eq!(kept(), 2);
        drop(program);
        tidy(data.path()).expect("left to whoever has the store");
        assert_eq!(kept(), 2);
        let folder = store.installed.folder().to_owned();
        drop(store);
        tidy(data.path()).expect("cleared");
        let left: Vec<_> = fs::read_dir(folder).expect("a folder").flatten().collect();
        assert_eq!(left.len(), 1, "the lock alone: {left:?}");
    }

    #[test]
    fn one_that_cannot_be_put_into_its_place_leaves_the_one_that_was_there() {
        let data = tempfile::tempdir().expect("a folder");
        let store = Store::take(data.path()).expect("free");
        let place = put(&store, "npm:18.15.0");
        let absent = data.path().join("absent");
        store
            .replace(&name(), &absent, &place)
            .expect_err("nothing to put there");
        let program = fs::read_to_string(place.join("root/bin/node"));
        assert_eq!(program.expect("there"), "npm:18.15.0");
    }
}
