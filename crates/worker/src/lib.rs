//! Owns a machine's instances: pools, birth, assignment, reuse, freezing, death, accounting.
//!
//! A *stem cell* is a booted, warm runtime in its sandbox that waits for code; assignment makes it an *instance* of
//! one version. The invoker decides who runs when; here is how.
//! Invariant: an instance serves one version of one function until it dies, and never another.

mod alone;
mod answer;
mod config;
mod endpoints;
mod exchange;
mod fault;
mod freezer;
mod graveyard;
mod haste;
mod instance;
mod kept;
mod knock;
mod nursery;
mod output;
mod pools;
mod pressure;
mod rpc;
mod runtime_api;
mod seat;
mod snapshots;
mod start;
mod stock;
mod talk;
mod together;
mod walls;
mod web;
mod worker;

pub use config::{PoolConfig, WorkerConfig};
pub use endpoints::Inbound;
pub use instance::WorkerInstance;
pub use worker::{CodeFolders, Finding, OpenError, RuntimeStatus, Worker, WorkerStatus};
