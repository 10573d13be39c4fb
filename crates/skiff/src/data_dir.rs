//! The data dir: one server's alone, and where that server says it listens.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::Serialize;

const LOCK_FILE: &str = "lock";
const LISTEN_FILE: &str = "listen.json";

/// Why a server cannot have a data dir.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    /// Another server has it.
    #[error("{path} is in use by the server with process id {holder}: stop that one first, or give another --data-dir")]
    InUse { path: PathBuf, holder: String },
    /// Others can look into it, and it may be theirs to look into.
    #[error(
        "{path} can be entered by other users, and code, variables and keys are kept in it: \
         run `chmod 700 {path}` if it is for Skiff alone, or give another --data-dir"
    )]
    Open { path: PathBuf },
    /// It cannot be made, read or written.
    #[error("cannot use {path}")]
    Io { path: PathBuf, source: io::Error },
}

/// Where the server listens, as `listen.json` says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Listening {
    pub(crate) api: SocketAddr,
    pub(crate) gateway: SocketAddr,
    /// Of the credential it goes by: clients see whether `credentials.json` is of use.
    pub(crate) secret_id: String,
}

/// A data dir that no other server has. Dropping it takes `listen.json` away and lets the dir go.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// Open, and with it the lock: the kernel lets go of it however this process ends.
    _lock: File,
}

impl DataDir {
    /// Makes the folder if it is not there, and closes it to everybody but its owner.
    pub(crate) fn prepare(path: &Path) -> Result<(), DataDirError> {
        let failed = |source| DataDirError::Io {
            path: path.to_owned(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(failed)?;
        close(path)
            .map_err(failed)?
            .then_some(())
            .ok_or_else(|| DataDirError::Open { path: path.to_owned() })
    }

    /// Prepares the folder and takes it.
    pub(crate) fn take(path: &Path) -> Result<Self, DataDirError> {
        let failed = |source| DataDirError::Io {
            path: path.to_owned(),
            source,
        };
        Self::prepare(path)?;
        let mut lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join(LOCK_FILE))
            .map_err(failed)?;
        if let Err(error) = flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK {
                return Err(failed(error.into()));
            }
            let mut holder = String::new();
            drop(lock.read_to_string(&mut holder));
            let holder = if holder.is_empty() {
                "unknown".to_owned()
            } else {
                holder.trim().to_owned()
            };
            return Err(DataDirError::InUse {
                path: path.to_owned(),
                holder,
            });
        }
        lock.set_len(0)
            .and_then(|()| write!(lock, "{}", std::process::id()))
            .map_err(failed)?;
        let this = Self {
            path: path.to_owned(),
            _lock: lock,
        };
        this.remove_listening().map_err(failed)?;
        Ok(this)
    }

    /// The process id of the server that has this data dir, if one has.
    pub(crate) fn holder(path: &Path) -> Option<i32> {
        let mut lock = File::open(path.join(LOCK_FILE)).ok()?;
        match flock(&lock, FlockOperation::NonBlockingLockShared) {
            Err(rustix::io::Errno::WOULDBLOCK) => {}
            // Nobody has it: what the file says is of a server that has ended.
            _ => return None,
        }
        let mut holder = String::new();
        lock.read_to_string(&mut holder).ok()?;
        holder.trim().parse().ok()
    }

    /// Says where the server listens: whole or not at all, and only once it is ready.
    pub(crate) fn announce(&self, listening: &Listening) -> Result<(), DataDirError> {
        let path = self.path.join(LISTEN_FILE);
        let failed = |source| DataDirError::Io {
            path: path.clone(),
            source,
        };
        let draft = self.path.join(format!("{LISTEN_FILE}.new"));
        let text = serde_json::to_vec(listening).map_err(|error| failed(error.into()))?;
        fs::write(&draft, text)
            .and_then(|()| fs::rename(&draft, &path))
            .map_err(failed)
    }

    /// Takes `listen.json` away: the server listens no more.
    pub(crate) fn retract(&self) {
        if let Err(error) = self.remove_listening() {
            tracing::warn!(%error, "listen.json cannot be removed");
        }
    }

    fn remove_listening(&self) -> io::Result<()> {
        match fs::remove_file(self.path.join(LISTEN_FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Keeps others out of a folder, or says that it may not: `/tmp` or `/var/lib` are not ours to close. A data dir to be has
/// at most plain files in it: settings, logs of who starts the server.
fn close(path: &Path) -> io::Result<bool> {
    let mode = fs::metadata(path)?.mode();
    if mode & 0o077 == 0 {
        return Ok(true);
    }
    if !path.join(LOCK_FILE).exists() {
        for entry in fs::read_dir(path)? {
            if !entry?.file_type()?.is_file() {
                return Ok(false);
            }
        }
    }
    fs::set_permissions(path, Permissions::from_mode(mode & 0o700))?;
    tracing::warn!(path = %path.display(), "other users could enter the data dir: it has mode 0700 now");
    Ok(true)
}

impl Drop for DataDir {
    fn drop(&mut self) {
        self.retract();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening() -> Listening {
        Listening {
            api: "127.0.0.1:4123".parse().expect("valid"),
            gateway: "127.0.0.1:4124".parse().expect("valid"),
            secret_id: "AKIDx".to_owned(),
        }
    }

    #[test]
    fn a_second_server_is_refused_and_told_who_has_it_until_the_first_lets_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("data");
        let first = DataDir::take(&path).expect("free");
        let error = DataDir::take(&path).expect_err("taken").to_string();
        assert!(
            error.contains(&std::process::id().to_string()) && error.contains("--data-dir"),
            "{error}"
        );
        assert_eq!(DataDir::holder(&path), i32::try_from(std::process::id()).ok());
        drop(first);
        assert_eq!(DataDir::holder(&path), None);
        DataDir::take(&path).expect("free again");
    }

    #[test]
    fn a_new_data_dir_is_its_owners_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a/b");
        let _taken = DataDir::take(&path).expect("free");
        assert_eq!(fs::metadata(&path).expect("made").permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_data_dir_that_others_could_enter_is_closed_and_a_folder_of_something_else_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = |name: &str, inside: &[&str]| {
            let path = folder.path().join(name);
            fs::create_dir(&path).expect("a folder");
            for name in inside {
                match name.strip_suffix('/') {
                    Some(name) => fs::create_dir(path.join(name)).expect("a folder"),
                    None => fs::write(path.join(name), "").expect("a file"),
                }
            }
            fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("its owner");
            path
        };
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        for (name, inside) in [
            ("empty", &[][..]),
            ("prepared", &["skiff.toml"]),
            ("old", &[LOCK_FILE, "code/"]),
        ] {
            let path = open(name, inside);
            let _taken = DataDir::take(&path).expect(name);
            assert_eq!(mode(&path), 0o700, "{name}");
        }
        let path = open("of somebody", &["letters/"]);
        let error = DataDir::take(&path).expect_err("refused").to_string();
        assert!(error.contains("chmod 700"), "{error}");
        assert_eq!(mode(&path), 0o755);
        assert!(!path.join(LOCK_FILE).exists(), "nothing is made");
    }

    #[test]
    fn listen_json_is_there_while_the_server_is_and_a_stale_one_goes_at_the_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(LISTEN_FILE);
        drop(DataDir::take(folder.path()).expect("free"));
        fs::write(&file, "of a killed server").expect("a file");
        let taken = DataDir::take(folder.path()).expect("free again");
        assert!(!file.exists());
        taken.announce(&listening()).expect("written");
        assert_eq!(
            fs::read_to_string(&file).expect("a file"),
            r#"{"api":"127.0.0.1:4123","gateway":"127.0.0.1:4124","secret_id":"AKIDx"}"#
        );
        drop(taken);
        assert!(!file.exists());
    }
}
