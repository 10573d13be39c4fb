//! Java functions on every version of Java that can be had here, installed by the product itself.

mod endings;
mod environment;
mod events;
mod install;
mod memory;
mod output;
mod packages;
mod parameters;
mod together;
mod walls;
mod world;
