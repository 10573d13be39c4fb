//! What Skiff is compared with. Each answers on an address of its own and ends when it is dropped.

pub(crate) mod axum;
pub(crate) mod functions_framework;
pub(crate) mod interpreter;
