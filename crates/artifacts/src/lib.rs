//! Code packages: checked, unpacked once per content, kept under their digest.
//!
//! Owns what a package may contain and where its bytes are: the zip as a blob, which is the truth, and an unpacked
//! folder, which is a cache of it that instances mount read-only. Knows nothing of functions.
//!
//! Invariants:
//! - A folder under `packages/` is whole: it is unpacked under `staging/` and renamed.
//! - A package that was admitted survives a crash: its blob is durable before [`Artifacts::admit`] returns.
//! - While anybody holds a path returned by [`Artifacts::folder`] or a [`Package`], the package is not collected.

mod artifacts;
mod collect;
mod compiled;
mod error;
mod inside;
mod lay;
mod open;
mod package;
mod slot;
mod tree;
mod unpack;
#[cfg(test)]
mod zips;

pub use artifacts::Artifacts;
pub use collect::Collected;
pub use error::{AdmitError, BadPackage, FolderError, OpenError};
pub use package::Package;
