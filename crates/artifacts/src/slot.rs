//! One package's place: its folder if it has one, and the gate before whatever makes or removes it.
//!
//! A package is in use while anybody but its slot holds the folder's path. That is all the counting there is.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use skiff_domain::CodeDigest;

/// What is known of one digest.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    folder: Mutex<Option<Arc<Path>>>,
    /// What it was made of has changed since.
    outdated: AtomicBool,
    /// Held by the one who unpacks or removes this package. An async lock: others wait for the result.
    pub(crate) gate: Arc<tokio::sync::Mutex<()>>,
}

impl Slot {
    /// The folder, if it is there. To hold it is to keep it.
    pub(crate) fn folder(&self) -> Option<Arc<Path>> {
        self.folder.lock().clone()
    }

    /// Names the folder, now that it is whole. For the holder of the gate.
    pub(crate) fn fill(&self, folder: Arc<Path>) {
        *self.folder.lock() = Some(folder);
        self.outdated.store(false, Ordering::Relaxed);
    }

    /// Has it made anew once nobody holds it. For the holder of the gate.
    pub(crate) fn outdate(&self) {
        self.outdated.store(true, Ordering::Relaxed);
    }

    /// True when it is to go though it is used.
    pub(crate) fn is_outdated(&self) -> bool {
        self.outdated.load(Ordering::Relaxed)
    }

    /// Takes the folder away if nobody holds it and `may_go` agrees. Afterwards nobody can come to hold it.
    /// For the holder of the gate. True when the package may be removed.
    pub(crate) fn give_up(&self, may_go: impl FnOnce() -> bool) -> bool {
        let mut folder = self.folder.lock();
        // New holders come only through this lock, and a holder lets go only after whatever refers to the package is
        // written: to ask `may_go` after the count is what makes the two safe together.
        if folder.as_ref().is_some_and(|folder| Arc::strong_count(folder) > 1) || !may_go() {
            return false;
        }
        *folder = None;
        true
    }
}

/// Every digest that has, had or is about to have a package here.
#[derive(Debug, Default)]
pub(crate) struct Slots(RwLock<HashMap<CodeDigest, Arc<Slot>>>);

impl Slots {
    /// The folder of a package, without touching the disk.
    pub(crate) fn folder(&self, digest: &CodeDigest) -> Option<Arc<Path>> {
        self.0.read().get(digest)?.folder()
    }

    /// The slot of a digest, made when it is new.
    pub(crate) fn of(&self, digest: CodeDigest) -> Arc<Slot> {
        Arc::clone(self.0.write().entry(digest).or_default())
    }

    /// Every digest.
    pub(crate) fn digests(&self) -> Vec<CodeDigest> {
        self.0.read().keys().copied().collect()
    }

    /// Forgets an empty slot, unless somebody else is about to fill it.
    pub(crate) fn forget(&self, digest: &CodeDigest, slot: &Arc<Slot>) {
        let mut slots = self.0.write();
        // The map's and the caller's: others get theirs through this lock only.
        if Arc::strong_count(slot) == 2 && slot.folder().is_none() {
            slots.remove(digest);
        }
    }
}
