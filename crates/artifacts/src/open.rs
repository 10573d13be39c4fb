//! Opening: what is kept from the last run, and what is thrown away.
//!
//! Folders are renamed into place without waiting for the disk, so a power cut may leave one with empty files. They are
//! a cache: after a reboot, or with another Skiff, they are all thrown away and unpacked again from their durable blobs. Killing the server
//! harms none of them, because what it wrote is with the kernel.

use std::io;
use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path as BlobPath;
use skiff_domain::CodeDigest;

use crate::artifacts::{Artifacts, BLOB_FOLDER, BLOB_SUFFIX, Inner};
use crate::error::OpenError;
use crate::slot::Slots;

/// Names the boot that the folders were written in.
const BOOT_FILE: &str = "boot";

/// The kernel's name for this boot, a new one when it does not say, and Skiff's version: another one compiles anew. It only
/// costs unpacking again.
pub(crate) fn boot_id() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .unwrap_or_else(|_| format!("unknown, asked by process {}", std::process::id()));
    format!("{} {}", boot.trim_end(), env!("CARGO_PKG_VERSION"))
}

/// Opens the packages under `root` as of this boot.
pub(crate) async fn open(root: &Path, blobs: Arc<dyn ObjectStore>, boot: String) -> Result<Artifacts, OpenError> {
    let inner = Arc::new(Inner {
        packages: root.join("packages"),
        stacks: root.join("stacks"),
        staging: root.join("staging"),
        blobs,
        slots: Slots::default(),
        stack_slots: Slots::default(),
    });
    let this = Arc::clone(&inner);
    let failed = |source| OpenError::Folder {
        path: root.to_owned(),
        source,
    };
    let boot_file = root.join(BOOT_FILE);
    let folders = tokio::task::spawn_blocking(move || settle(&this, &boot_file, &boot))
        .await
        .map_err(|error| failed(io::Error::other(error)))?
        .map_err(failed)?;
    for digest in folders.packages {
        let folder = inner.packages.join(digest.to_string());
        inner.slots.of(digest).fill(Arc::from(folder));
    }
    for whole in folders.stacks {
        let folder = inner.stacks.join(whole.to_string());
        inner.stack_slots.of(whole).fill(Arc::from(folder));
    }
    // Blobs without a folder get their slot too, so that the next collection sees those nobody uses.
    let listed: Vec<_> = inner
        .blobs
        .list(Some(&BlobPath::from(BLOB_FOLDER)))
        .try_collect()
        .await
        .map_err(OpenError::Blobs)?;
    for blob in listed {
        let name = blob.location.filename().unwrap_or_default();
        if let Some(Ok(digest)) = name.strip_suffix(BLOB_SUFFIX).map(str::parse) {
            inner.slots.of(digest);
        }
    }
    Ok(Artifacts { inner })
}

/// What can be trusted of the last run.
struct Folders {
    packages: Vec<CodeDigest>,
    stacks: Vec<CodeDigest>,
}

/// Cleans up after the last run and says which folders can be trusted.
fn settle(inner: &Inner, boot_file: &Path, boot: &str) -> io::Result<Folders> {
    remove_all(&inner.staging)?;
    if std::fs::read_to_string(boot_file).ok().as_deref() != Some(boot) {
        remove_all(&inner.packages)?;
        remove_all(&inner.stacks)?;
    }
    std::fs::create_dir_all(&inner.staging)?;
    std::fs::create_dir_all(&inner.packages)?;
    std::fs::create_dir_all(&inner.stacks)?;
    std::fs::write(boot_file, boot)?;
    Ok(Folders {
        packages: named_by_digest(&inner.packages)?,
        stacks: named_by_digest(&inner.stacks)?,
    })
}

fn named_by_digest(folder: &Path) -> io::Result<Vec<CodeDigest>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        if let Some(Ok(digest)) = entry?.file_name().to_str().map(str::parse) {
            found.push(digest);
        }
    }
    Ok(found)
}

fn remove_all(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
