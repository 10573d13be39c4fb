//! Functions that bring their own runtime, by the contract's runtime API and by those of others.

mod bootstrap;
mod ends;
mod go;
mod lambda;
mod php;
mod walls;
mod web;
mod web_together;
mod world;
