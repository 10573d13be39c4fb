//! Functions that are WebAssembly: commands, in both versions of WASI, and components that are kept.

mod commands;
mod kept;
mod packages;
mod walls;
mod world;
