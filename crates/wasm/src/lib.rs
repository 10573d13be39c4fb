//! The runtime of WebAssembly functions, as it runs in a sandbox: a fork of the zygote, behind all walls, that speaks the
//! frames of every runtime.
//!
//! Owns how a module or component is compiled, linked and called. Invariant: machine code is made here or taken from a file
//! that only the server writes. It must not know a server.

mod code;
mod engine;
mod fault;
mod output;
mod places;
mod program;
mod serve;

use skiff_sandbox::Waiting;

use crate::places::Places;

/// Serves one sandbox until the server is gone: a [`skiff_sandbox::Waiter`].
pub fn run(waiting: Waiting) {
    // Whoever waits at the other end sees the pipe close when something is wrong with it.
    let _ = serve::serve(waiting, &Places::of_the_sandbox());
}
