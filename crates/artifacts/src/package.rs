//! What is known of an admitted package.

use std::path::Path;
use std::sync::Arc;

use skiff_domain::CodeDigest;

/// An admitted package. To hold one keeps it from being collected, so that a function can be written that uses it.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name: the digest of its zip.
    pub digest: CodeDigest,
    /// Size of the zip, in bytes.
    pub zip_bytes: u64,
    /// Size of what is in it, in bytes.
    pub unpacked_bytes: u64,
    /// Its folder; the hold on the package.
    pub folder: Arc<Path>,
}
