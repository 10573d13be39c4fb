//! What a call is and what comes of it: events, results, statuses, logs, instances and their environment.

mod common;
mod drain;
mod environment;
mod events;
mod gateway;
mod imports;
mod instances;
mod limits;
mod logs;
mod runtime;
mod statuses;
mod updates;
