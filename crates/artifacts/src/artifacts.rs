//! The handle: take a package in, hand its folder or its zip out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path as BlobPath;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use skiff_domain::limits::ZIP_BYTES_MAX;
use skiff_domain::{CodeDigest, LayerStack};

use crate::error::{AdmitError, FolderError, StorageError};
use crate::lay::lay;
use crate::package::Package;
use crate::slot::{Slot, Slots};
use crate::unpack::{UnpackError, unpack, unpacked_bytes};
use crate::{inside, open};

/// The packages of this machine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Artifacts {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    /// Whole packages, each under its digest.
    pub(crate) packages: PathBuf,
    /// Packages laid over each other, each whole under the identity of its stack.
    pub(crate) stacks: PathBuf,
    /// Packages being unpacked and packages being removed. Emptied when opened.
    pub(crate) staging: PathBuf,
    pub(crate) blobs: Arc<dyn ObjectStore>,
    pub(crate) slots: Slots,
    pub(crate) stack_slots: Slots,
}

impl Artifacts {
    /// Opens the packages under `root`, which nobody else may use. What a crash left half done is removed.
    ///
    /// `blobs` must be durable when a put returns: for the local disk that is `LocalFileSystem::with_fsync(true)`.
    pub async fn open(root: &Path, blobs: Arc<dyn ObjectStore>) -> Result<Self, crate::OpenError> {
        open::open(root, blobs, open::boot_id()).await
    }

    /// Takes a package in: checked, unpacked, its blob durable. On error nothing of it is kept. A package that is
    /// here already is only looked up.
    ///
    /// # Cancel safety
    /// Dropping the future leaves at most an unused blob, which the next collection removes.
    pub async fn admit(&self, zip: Bytes) -> Result<Package, AdmitError> {
        if zip.len() > ZIP_BYTES_MAX {
            return Err(AdmitError::TooLarge(zip.len()));
        }
        let bytes = zip.clone();
        let digest = blocking(move || CodeDigest::of(&bytes)).await?;
        let slot = self.inner.slots.of(digest);
        let admitted = self.inner.admit(digest, &slot, zip.clone()).await;
        if admitted.is_err() {
            self.inner.slots.forget(&digest, &slot);
        }
        let folder = admitted?;
        let zip_bytes = zip.len() as u64;
        Ok(Package {
            digest,
            zip_bytes,
            unpacked_bytes: blocking(move || unpacked_bytes(&zip)).await??,
            folder,
        })
    }

    /// The folder of packages laid over each other; made when this machine does not have it. One package alone is its
    /// own folder. Answered from memory when it is there. While the path is held, it stays.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    pub async fn stack(&self, stack: &LayerStack) -> Result<Option<Arc<Path>>, FolderError> {
        let Some(whole) = stack.whole() else {
            return Ok(None);
        };
        if let [alone] = stack.layers() {
            return self.folder(*alone).await.map(Some);
        }
        if let Some(folder) = self.inner.stack_slots.folder(&whole) {
            return Ok(Some(folder));
        }
        let slot = self.inner.stack_slots.of(whole);
        let made = self.make_stack(whole, &slot, stack).await;
        if made.is_err() {
            self.inner.stack_slots.forget(&whole, &slot);
        }
        made.map(Some)
    }

    /// Has packages laid over each other anew by whoever needs them next, as something was added to one of them. Those
    /// that are held stay as they are until nobody holds them and they are collected.
    ///
    /// # Cancel safety
    /// Dropping the future leaves them for the next collection.
    pub async fn renew_stack(&self, stack: &LayerStack) {
        if let Some(whole) = stack.whole().filter(|_| stack.layers().len() > 1) {
            let slot = self.inner.stack_slots.of(whole);
            let _gate = slot.gate.lock().await;
            slot.outdate();
            self.remove_outdated_stack(whole, &slot).await;
        }
    }

    async fn make_stack(&self, whole: CodeDigest, slot: &Slot, stack: &LayerStack) -> Result<Arc<Path>, FolderError> {
        let _gate = slot.gate.lock().await;
        if let Some(folder) = slot.folder() {
            return Ok(folder);
        }
        let mut layers = Vec::with_capacity(stack.layers().len());
        for layer in stack.layers() {
            layers.push(self.folder(*layer).await?);
        }
        // Nothing is added to them meanwhile. In an order all have, each once.
        let mut gates = Vec::new();
        for layer in stack.layers().iter().collect::<BTreeSet<_>>() {
            gates.push(Arc::clone(&self.inner.slots.of(*layer).gate).lock_owned().await);
        }
        let staging = self.inner.staging.clone();
        let staged = blocking(move || {
            // Kept by the thread that reads: a caller may go away meanwhile.
            let _gates = gates;
            let staged = tempfile::tempdir_in(staging)?;
            lay(&layers, staged.path())?;
            Ok::<_, std::io::Error>(staged)
        });
        let staged = staged.await?.map_err(StorageError::from)?;
        let place = self.inner.stacks.join(whole.to_string());
        Ok(publish(place, slot, staged).await?)
    }

    /// The folder of a package; unpacked again from the blob when this machine does not have it. A package that is
    /// unpacked is answered from memory. While the path is held, the package stays.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    pub async fn folder(&self, digest: CodeDigest) -> Result<Arc<Path>, FolderError> {
        if let Some(folder) = self.inner.slots.folder(&digest) {
            return Ok(folder);
        }
        let slot = self.inner.slots.of(digest);
        let folder = self.inner.restore(digest, &slot).await;
        if folder.is_err() {
            self.inner.slots.forget(&digest, &slot);
        }
        folder
    }

    /// The package as it was uploaded.
    pub async fn zip(&self, digest: CodeDigest) -> Result<Bytes, FolderError> {
        self.inner.zip(digest).await
    }

    /// True when this machine has the package unpacked.
    #[must_use]
    pub fn is_unpacked(&self, digest: &CodeDigest) -> bool {
        self.inner.slots.folder(digest).is_some()
    }

    /// True when the unpacked package has a regular file at this path. Links are followed inside the package only.
    #[must_use]
    pub fn contains(&self, digest: &CodeDigest, path: &str) -> bool {
        self.inner
            .slots
            .folder(digest)
            .is_some_and(|folder| inside::open_file(&folder, path).is_ok())
    }

    /// True when the unpacked package has a regular file at this path that may be executed.
    #[must_use]
    pub fn is_executable(&self, digest: &CodeDigest, path: &str) -> bool {
        let folder = self.inner.slots.folder(digest);
        folder.is_some_and(|folder| inside::is_executable(&folder, path).unwrap_or(false))
    }

    /// The first file of the unpacked package that a path means, whose last part may begin with `*` for whatever there is:
    /// `lib/*.jar`.
    #[must_use]
    pub fn find(&self, digest: &CodeDigest, path: &str) -> Option<String> {
        let (within, name) = path.rsplit_once('/').unwrap_or((".", path));
        match name.strip_prefix('*') {
            None => self.contains(digest, path).then(|| path.to_owned()),
            Some(ending) => inside::first_file(&self.inner.slots.folder(digest)?, within, ending).ok()?,
        }
    }

    /// A file of the unpacked package, if it is a regular one of at most `bytes_max` bytes.
    #[must_use]
    pub fn read(&self, digest: &CodeDigest, path: &str, bytes_max: u64) -> Option<Bytes> {
        let folder = self.inner.slots.folder(digest)?;
        inside::read_file(&folder, path, bytes_max).ok()
    }
}

impl Inner {
    async fn admit(&self, digest: CodeDigest, slot: &Slot, zip: Bytes) -> Result<Arc<Path>, AdmitError> {
        let _gate = slot.gate.lock().await;
        if let Some(folder) = slot.folder() {
            return Ok(folder);
        }
        let staged = self.stage(zip.clone()).await.map_err(|error| match error {
            StageError::Unpack(UnpackError::Bad(bad)) => AdmitError::Bad(bad),
            StageError::Unpack(UnpackError::Disk(error)) => StorageError::Disk(error).into(),
            StageError::Storage(error) => error.into(),
        })?;
        self.blobs
            .put(&blob_path(&digest), PutPayload::from_bytes(zip))
            .await
            .map_err(StorageError::Blobs)?;
        let place = self.packages.join(digest.to_string());
        Ok(publish(place, slot, staged).await?)
    }

    async fn restore(&self, digest: CodeDigest, slot: &Slot) -> Result<Arc<Path>, FolderError> {
        let _gate = slot.gate.lock().await;
        if let Some(folder) = slot.folder() {
            return Ok(folder);
        }
        let zip = self.zip(digest).await?;
        let bytes = zip.clone();
        if blocking(move || CodeDigest::of(&bytes)).await? != digest {
            return Err(FolderError::Damaged(digest));
        }
        let staged = self.stage(zip).await.map_err(|error| match error {
            StageError::Unpack(UnpackError::Bad(_)) => FolderError::Damaged(digest),
            StageError::Unpack(UnpackError::Disk(error)) => StorageError::Disk(error).into(),
            StageError::Storage(error) => error.into(),
        })?;
        let place = self.packages.join(digest.to_string());
        Ok(publish(place, slot, staged).await?)
    }

    async fn zip(&self, digest: CodeDigest) -> Result<Bytes, FolderError> {
        let found = self.blobs.get(&blob_path(&digest)).await;
        let blob = found.map_err(|error| match error {
            object_store::Error::NotFound { .. } => FolderError::Missing(digest),
            error => StorageError::Blobs(error).into(),
        })?;
        Ok(blob.bytes().await.map_err(StorageError::Blobs)?)
    }

    /// Unpacks into a new folder under `staging/`, which goes with the answer when that is dropped.
    async fn stage(&self, zip: Bytes) -> Result<tempfile::TempDir, StageError> {
        let staging = self.staging.clone();
        let staged = blocking(move || {
            let staged = tempfile::tempdir_in(staging).map_err(UnpackError::Disk)?;
            unpack(&zip, staged.path())?;
            Ok(staged)
        });
        staged.await.map_err(StageError::Storage)?.map_err(StageError::Unpack)
    }
}

/// Moves a whole folder to where it belongs.
async fn publish(place: PathBuf, slot: &Slot, staged: tempfile::TempDir) -> Result<Arc<Path>, StorageError> {
    let folder: Arc<Path> = Arc::from(place.as_path());
    blocking(move || {
        if let Err(error) = std::fs::rename(staged.path(), &place) {
            if !matches!(
                error.kind(),
                std::io::ErrorKind::DirectoryNotEmpty | std::io::ErrorKind::AlreadyExists
            ) {
                return Err(error);
            }
            // Left by a caller that was dropped between moving a folder and saying so.
            std::fs::remove_dir_all(&place)?;
            std::fs::rename(staged.path(), &place)?;
        }
        let _moved = staged.keep();
        Ok::<_, std::io::Error>(())
    })
    .await??;
    slot.fill(Arc::clone(&folder));
    Ok(folder)
}

/// Why a package could not be staged.
enum StageError {
    Unpack(UnpackError),
    Storage(StorageError),
}

/// Where the zip is kept.
pub(crate) fn blob_path(digest: &CodeDigest) -> BlobPath {
    BlobPath::from(format!("{BLOB_FOLDER}/{digest}{BLOB_SUFFIX}"))
}

/// The folder of the blob store that holds packages.
pub(crate) const BLOB_FOLDER: &str = "code";
/// How a package's blob ends.
pub(crate) const BLOB_SUFFIX: &str = ".zip";

/// Runs on a blocking thread. A dropped caller does not stop it; what it made goes with its answer.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StorageError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| StorageError::Interrupted)
}

#[cfg(test)]
mod tests;
