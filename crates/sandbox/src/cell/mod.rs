//! The birth of a cell, seen from inside: what a zygote and its children do between an order and a
//! locked-down runtime.
//!
//! Compiled twice from this source: into the server's binary, for runtimes that are executed, and into a
//! freestanding shared object that an interpreter loads to be a zygote itself. So it uses `core` alone,
//! allocates nothing and panics nowhere.
//!
//! Invariant: a runtime runs only after every wall stands. Whatever fails on the way is reported and ends the
//! child; there is no lesser cell.

pub mod abi;
mod birth;
pub mod counts;
pub mod raw;
pub mod sharing;
pub mod slim;
pub mod snapshot;
mod zygote;

pub use zygote::{Next, Zygote};
