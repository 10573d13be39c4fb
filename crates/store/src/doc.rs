//! Documents: named values, each with the revision that wrote it, and the feed of their changes.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::key::Key;

/// Counts commits. Every commit that changes something has a higher one than all before it; 0 is before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rev(pub u64);

/// A document as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doc {
    /// What was put.
    pub value: Bytes,
    /// The commit that put it.
    pub rev: Rev,
}

/// A document of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub key: Key,
    /// The document.
    pub doc: Doc,
}

/// A part of a listing, in the order of the keys' bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The documents.
    pub entries: Vec<Entry>,
    /// True when there are more behind the last one: ask again, after its key.
    pub more: bool,
    /// The store's revision when the page was read. A cache that loads page by page follows
    /// [`crate::Store::changes`] from the *first* page's.
    pub rev: Rev,
}

impl Page {
    /// The key to continue after; `None` at the end.
    #[must_use]
    pub fn next(&self) -> Option<&Key> {
        self.entries.last().filter(|_| self.more).map(|entry| &entry.key)
    }
}

/// A document that changed, as it is now: of several changes of one key only the last is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The commit of the last change.
    pub rev: Rev,
    /// Which document.
    pub key: Key,
    /// Its value; `None` when it was deleted.
    pub value: Option<Bytes>,
}
