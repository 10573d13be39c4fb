//! Node.js functions on real interpreters of every line from 6 to 22, installed by the product itself.

mod endings;
mod environment;
mod event_loop;
mod events;
mod install;
mod layers;
mod memory;
mod modules;
mod output;
mod together;
mod walls;
mod world;
