//! What runs inside: manifests, bootstraps, the wire protocol between worker and runtime.
//!
//! Owns what a runtime is made of and what is said to it. Starts no process, and reads no pipe but inside a sandbox.
//! Invariant: nothing outside this crate knows a language.

mod family;
pub mod go;
mod handler;
pub mod host;
pub mod inside;
mod installed;
mod java;
mod load;
mod manifest;
pub mod native;
mod node;
mod php;
mod python;
pub mod wasm;
pub mod wire;

pub use family::Family;
pub use handler::{InvalidHandler, entry_files, entry_is_program};
pub use installed::{Installed, Record, Root, Unusable, available, interpreter, usual_source};
pub use load::{Load, Platform};
pub use manifest::{Manifest, Speech};
pub use native::WEB_PROGRAM;
pub use python::of_the_host as host_pythons;
