//! Removing packages that nobody uses any more.

use object_store::ObjectStoreExt;
use skiff_domain::CodeDigest;

use crate::artifacts::{Artifacts, Inner, blob_path, blocking};
use crate::error::StorageError;

/// What a collection did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collected {
    /// Packages removed.
    pub removed: usize,
    /// Packages that could not be removed; the next collection tries again.
    pub failed: usize,
}

impl Artifacts {
    /// Removes every package that nobody holds and for which `is_used` is false. `is_used` is asked about each
    /// package at the moment it would go, so it must answer from what is written by then; it must not block.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the rest for the next collection.
    pub async fn collect(&self, is_used: impl Fn(&CodeDigest) -> bool + Send + Sync) -> Collected {
        let mut collected = Collected::default();
        for digest in self.inner.slots.digests() {
            let slot = self.inner.slots.of(digest);
            // Whoever holds the gate is taking the package in.
            let Ok(_gate) = std::sync::Arc::clone(&slot.gate).try_lock_owned() else {
                continue;
            };
            if !slot.give_up(|| !is_used(&digest)) {
                continue;
            }
            match self.inner.remove(digest).await {
                Ok(()) => {
                    collected.removed += 1;
                    self.inner.slots.forget(&digest, &slot);
                }
                Err(error) => {
                    collected.failed += 1;
                    tracing::warn!(%digest, error = &error as &dyn std::error::Error, "package not removed");
                }
            }
        }
        collected
    }
}

impl Inner {
    async fn remove(&self, digest: CodeDigest) -> Result<(), StorageError> {
        let place = self.packages.join(digest.to_string());
        let staging = self.staging.clone();
        blocking(move || {
            // Moved away first: a folder under its digest is always whole.
            let grave = tempfile::tempdir_in(staging)?;
            match std::fs::rename(&place, grave.path().join("package")) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            grave.close()
        })
        .await??;
        match self.blobs.delete(&blob_path(&digest)).await {
            Err(error) if !matches!(error, object_store::Error::NotFound { .. }) => Err(error.into()),
            _ => Ok(()),
        }
    }
}
