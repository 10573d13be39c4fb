//! Python functions on real interpreters of every version, from 2.7 to 3.13, as far as they can be had here.

mod code;
mod endings;
mod environment;
mod events;
mod images;
mod kept;
mod layout;
mod old;
mod packages;
mod walls;
mod world;
