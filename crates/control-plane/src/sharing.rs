//! Which functions' instances may take several events at once (CONTRACT 1.11).

use skiff_domain::{InstanceConcurrency, RuntimeName, Web};

/// What the names of the runtimes begin with that take several events at once.
const RUNTIMES: [&str; 2] = ["Nodejs", "Java"];

/// Why a function's instances take one event at a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotShareable {
    /// A runtime of one event at a time.
    #[error(
        "InstanceConcurrencyConfig.MaxConcurrency {0} is not for {1}: an instance takes several events at once of web \
         functions and of functions for Node.js and Java; use 1"
    )]
    Runtime(u32, RuntimeName),
    /// A connection has its instance for itself.
    #[error(
        "InstanceConcurrencyConfig.MaxConcurrency {0} is not for ProtocolType WS: a WebSocket has its instance for \
         itself; use 1"
    )]
    WebSocket(u32),
}

impl NotShareable {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Runtime(..) | Self::WebSocket(_) => "InvalidParameterValue.InstanceConcurrencyConfig",
        }
    }
}

/// Whether instances of a function in this runtime, serving so, may take so many events at once.
pub(crate) fn check(
    concurrency: InstanceConcurrency,
    runtime: &RuntimeName,
    web: Option<Web>,
) -> Result<(), NotShareable> {
    let events = concurrency.get();
    match web {
        _ if !concurrency.is_shared() => Ok(()),
        Some(Web { socket_idle: Some(_) }) => Err(NotShareable::WebSocket(events)),
        Some(Web { socket_idle: None }) => Ok(()),
        None if RUNTIMES.iter().any(|begin| runtime.as_str().starts_with(begin)) => Ok(()),
        None => Err(NotShareable::Runtime(events, runtime.clone())),
    }
}
