//! What is known of an admitted package.

use std::path::Path;
use std::sync::Arc;

use skiff_domain::CodeDigest;

/// An admitted package. To hold one keeps it from being collected, so that a function can be written that uses it.
///
/// What it says is asked for, not read from its fields: a task that needs its digest then takes the whole of it along, the
/// hold included, and not a copy of a field.
#[derive(Debug, Clone)]
pub struct Package {
    pub(crate) digest: CodeDigest,
    pub(crate) zip_bytes: u64,
    pub(crate) unpacked_bytes: u64,
    pub(crate) folder: Arc<Path>,
}

impl Package {
    /// Its name: the digest of its zip.
    #[must_use]
    pub fn digest(&self) -> CodeDigest {
        self.digest
    }

    /// Size of the zip, in bytes.
    #[must_use]
    pub fn zip_bytes(&self) -> u64 {
        self.zip_bytes
    }

    /// Size of what is in it, in bytes.
    #[must_use]
    pub fn unpacked_bytes(&self) -> u64 {
        self.unpacked_bytes
    }

    /// Its folder; the hold on the package.
    #[must_use]
    pub fn folder(&self) -> &Arc<Path> {
        &self.folder
    }
}
