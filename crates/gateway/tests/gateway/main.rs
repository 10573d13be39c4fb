//! The gateway over real TCP connections, with an invoker that does as told.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod answers;
mod client;
mod connections;
mod web;
mod world;
