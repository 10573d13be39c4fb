//! How an invocation ended, as the contract numbers it (CONTRACT 4.2).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A function status code: in logs, metrics and the error JSON's `statusCode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
#[repr(u16)]
pub enum StatusCode {
    /// The handler returned.
    Success = 200,
    /// The event is not JSON.
    InvalidEvent = 400,
    /// The package's program cannot be executed.
    ContainerExited = 405,
    /// The event is larger than the limit.
    RequestTooLarge = 406,
    /// The result is larger than the limit.
    ResponseTooLarge = 407,
    /// Calls, or events in memory, wait faster than they are served: as many as may.
    ScaleUpLimit = 429,
    /// The handler raised.
    UserException = 430,
    /// A concurrency quota is used up.
    ConcurrencyExceeded = 432,
    /// The handler ran longer than its timeout; the instance is gone.
    TimeLimitReached = 433,
    /// The instance used more memory than its limit and is gone.
    MemoryLimitReached = 434,
    /// The function was deleted meanwhile.
    FunctionNotFound = 435,
    /// The handler's file or function is not in the package.
    HandlerNotFound = 437,
    /// The function is not active.
    FunctionStatusError = 438,
    /// The user's process ended while running; the instance is gone.
    ProcessExited = 439,
    /// The code does not load: a syntax or import error.
    UserCodeError = 443,
    /// The instance could not be initialised.
    InitFailed = 445,
    /// A web function did not listen within the time for its initialisation.
    PortBindingFailed = 446,
    /// The machine has no room for another instance.
    InsufficientResources = 449,
    /// Initialisation took longer than its limit.
    InitTimeout = 450,
    /// A WebSocket was silent for too long.
    SocketIdle = 455,
    /// A WebSocket's client went away without closing it.
    SocketAborted = 456,
    /// The caller or an operator gave the call up.
    Canceled = 499,
    /// A fault of the platform.
    InternalError = 500,
}

impl StatusCode {
    /// Every code, in order.
    pub const ALL: [Self; 23] = [
        Self::Success,
        Self::InvalidEvent,
        Self::ContainerExited,
        Self::RequestTooLarge,
        Self::ResponseTooLarge,
        Self::ScaleUpLimit,
        Self::UserException,
        Self::ConcurrencyExceeded,
        Self::TimeLimitReached,
        Self::MemoryLimitReached,
        Self::FunctionNotFound,
        Self::HandlerNotFound,
        Self::FunctionStatusError,
        Self::ProcessExited,
        Self::UserCodeError,
        Self::InitFailed,
        Self::PortBindingFailed,
        Self::InsufficientResources,
        Self::InitTimeout,
        Self::SocketIdle,
        Self::SocketAborted,
        Self::Canceled,
        Self::InternalError,
    ];

    /// The number.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The contract's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::InvalidEvent => "InvalidParameterValue",
            Self::ContainerExited => "ContainerStateExited",
            Self::RequestTooLarge => "RequestTooLarge",
            Self::ResponseTooLarge => "ResponseTooLarge",
            Self::ScaleUpLimit => "ResourceLimit",
            Self::UserException => "UserCodeException",
            Self::ConcurrencyExceeded => "ResourceLimitReached",
            Self::TimeLimitReached => "TimeLimitReached",
            Self::MemoryLimitReached => "MemoryLimitReached",
            Self::FunctionNotFound => "FunctionNotFound",
            Self::HandlerNotFound => "HandlerNotFound",
            Self::FunctionStatusError => "FunctionStatusError",
            Self::ProcessExited => "UserProcessExit",
            Self::UserCodeError => "UserCodeError",
            Self::InitFailed => "ContainerInitError",
            Self::PortBindingFailed => "PortBindingFailed",
            Self::InsufficientResources => "InsufficientResources",
            Self::InitTimeout => "InitContainerTimeout",
            Self::SocketIdle => "WebsocketIdleTimeout",
            Self::SocketAborted => "WebsocketAbnormalClose",
            Self::Canceled => "RequestCanceled",
            Self::InternalError => "InternalError",
        }
    }

    /// `Result.InvokeResult`: 0 fine, 1 the user's code is at fault, -1 the platform or a limit
    /// (CONTRACT 4.1).
    #[must_use]
    pub const fn invoke_result(self) -> i32 {
        match self {
            Self::Success => 0,
            Self::UserException | Self::UserCodeError | Self::HandlerNotFound | Self::ContainerExited => 1,
            _ => -1,
        }
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code(), self.name())
    }
}

impl From<StatusCode> for u16 {
    fn from(status: StatusCode) -> u16 {
        status.code()
    }
}

/// A number that is no status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a function status code")]
pub struct UnknownStatus(pub u16);

impl TryFrom<u16> for StatusCode {
    type Error = UnknownStatus;
    fn try_from(code: u16) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.code() == code)
            .ok_or(UnknownStatus(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_reads_back_from_its_number() {
        for status in StatusCode::ALL {
            assert_eq!(StatusCode::try_from(status.code()), Ok(status));
        }
        assert_eq!(StatusCode::try_from(201), Err(UnknownStatus(201)));
    }
}
