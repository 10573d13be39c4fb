//! API 3.0 on the wire: envelope, parameters, actions, errors (CONTRACT 2).
//!
//! Owns how requests and answers are written. What may be done is the control plane's, how it runs the invoker's.
//! Invariant: every parameter of the documented actions has an effect or is refused with a documented code; every
//! answer is HTTP 200 with a `RequestId`.

mod actions;
mod body;
mod context;
mod download;
mod error;
mod guard;
mod handler;
mod parameters;
mod reply;
mod time;

pub use context::ApiContext;
pub use error::ApiError;
pub use handler::router;
