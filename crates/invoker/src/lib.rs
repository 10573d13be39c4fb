//! One invocation from accepted to recorded: concurrency, warm choice, waiting, outcome.

mod port;

pub use port::{FunctionLoad, Instance, Instances, Invoke, Recorder};
