//! Hostile functions: each attacks the host, the server, its neighbours or its own runtime. After every single call the
//! server is well and another function is answered; at the end nothing is left of them.

mod afterwards;
mod arena;
mod endings;
mod files;
mod floods;
mod kernel;
mod lies;
mod network;
mod processes;
mod resources;
mod results;
mod scarcity;
mod sources;
