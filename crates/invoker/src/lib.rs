//! One invocation from accepted to recorded: concurrency, warm choice, waiting, outcome.
//!
//! `schedule` decides and touches nothing, `invoker` does what it says, `attempt` sees to it that every invocation
//! ends in exactly one record, `event_memory` bounds what their events take, `verdict`, `log`, `context` and `event` are the contract's texts.
//! Invariant: an instance is offered one event at a time, and only once its runtime has initialised; no lock is held
//! while anything waits, and nothing here touches a disk.

mod attempt;
mod context;
mod event;
mod event_memory;
mod invoker;
mod log;
mod meter;
mod port;
mod running;
mod schedule;
mod seat;
mod seldom;
mod settings;
mod span;
mod upkeep;
mod verdict;

#[cfg(test)]
mod fakes;

pub use invoker::Invoker;
pub use port::{Departure, FunctionLoad, Instance, Instances, Invoke, Recorder, Visit};
pub use running::RunningCall;
pub use settings::{Identity, Limits};
