//! Brings runtimes into the data dir: from npm, a folder, a Debian suite, an OCI image.
//!
//! Owns how a runtime gets there and goes again; what it is then is [`skiff_runtimes::Installed`]'s to say. Works on the
//! data dir whether or not a server runs on it. Invariant: what has its name in the store is whole.
#![forbid(unsafe_code)]

mod add;
mod archive;
mod debian;
mod error;
mod folder;
mod node_release;
mod oci;
mod probe;
mod registry;
mod source;
mod store;
mod trim;

pub use add::{Added, add, remove};
pub use error::{AddError, RemoveError};
pub use source::{Image, InvalidSource, Source};
pub use store::{StoreError, tidy};
