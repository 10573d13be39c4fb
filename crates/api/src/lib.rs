//! API 3.0 on the wire: envelope, parameters, actions, errors.

pub mod actions;
mod context;
mod error;

pub use context::ApiContext;
pub use error::ApiError;
