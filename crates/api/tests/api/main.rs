//! The control API as its clients meet it: signed requests in, envelopes out, over a store in memory.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod aliases;
mod concurrency;
mod envelope;
mod fields;
mod functions;
mod invoke;
mod layers;
mod logs;
mod namespaces;
mod roles;
mod server;
mod versions;
