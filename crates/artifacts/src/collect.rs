//! Removing packages that nobody uses any more.

use std::sync::Arc;

use object_store::ObjectStoreExt;
use skiff_domain::CodeDigest;

use crate::artifacts::{Artifacts, Inner, blob_path, blocking};
use crate::error::StorageError;
use crate::slot::{Slot, Slots};

/// What a collection did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collected {
    /// Packages removed.
    pub removed: usize,
    /// Packages that could not be removed; the next collection tries again.
    pub failed: usize,
}

impl Artifacts {
    /// Removes every package, and every stack of packages, that nobody holds and for which `is_used` is false. `is_used`
    /// is asked about each at the moment it would go, so it must answer from what is written by then; it must not block.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the rest for the next collection.
    pub async fn collect(&self, is_used: impl Fn(&CodeDigest) -> bool + Send + Sync) -> Collected {
        let mut collected = Collected::default();
        self.sweep(Kind::Stack, &is_used, &mut collected).await;
        self.sweep(Kind::Package, &is_used, &mut collected).await;
        collected
    }

    async fn sweep(&self, kind: Kind, is_used: &(impl Fn(&CodeDigest) -> bool + Send + Sync), so_far: &mut Collected) {
        let slots = self.slots(kind);
        for digest in slots.digests() {
            let slot = slots.of(digest);
            // Whoever holds the gate is taking the package in.
            let Ok(_gate) = Arc::clone(&slot.gate).try_lock_owned() else {
                continue;
            };
            if slot.give_up(|| slot.is_outdated() || !is_used(&digest)) {
                self.remove(kind, digest, &slot, so_far).await;
            }
        }
    }

    /// Removes a stack that is to be made anew, unless somebody holds it. For the holder of its slot's gate.
    pub(crate) async fn remove_outdated_stack(&self, whole: CodeDigest, slot: &Arc<Slot>) {
        if slot.give_up(|| true) {
            self.remove(Kind::Stack, whole, slot, &mut Collected::default()).await;
        }
    }

    /// Removes what was given up.
    async fn remove(&self, kind: Kind, digest: CodeDigest, slot: &Arc<Slot>, so_far: &mut Collected) {
        match self.inner.remove(kind, digest).await {
            Ok(()) => {
                so_far.removed += 1;
                self.slots(kind).forget(&digest, slot);
            }
            Err(error) => {
                so_far.failed += 1;
                tracing::warn!(%digest, error = &error as &dyn std::error::Error, "package not removed");
            }
        }
    }

    fn slots(&self, kind: Kind) -> &Slots {
        match kind {
            Kind::Package => &self.inner.slots,
            Kind::Stack => &self.inner.stack_slots,
        }
    }
}

/// What is swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A package, with its blob.
    Package,
    /// Packages laid over each other: a folder and nothing else.
    Stack,
}

impl Inner {
    async fn remove(&self, kind: Kind, digest: CodeDigest) -> Result<(), StorageError> {
        let place = match kind {
            Kind::Package => self.packages.join(digest.to_string()),
            Kind::Stack => self.stacks.join(digest.to_string()),
        };
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
        if kind == Kind::Stack {
            return Ok(());
        }
        match self.blobs.delete(&blob_path(&digest)).await {
            Err(error) if !matches!(error, object_store::Error::NotFound { .. }) => Err(error.into()),
            _ => Ok(()),
        }
    }
}
