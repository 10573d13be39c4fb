//! One run on one instance: what the invoker asks of a worker, and what it is told.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use crate::ids::RequestId;

/// What an instance is given for one run.
#[derive(Debug, Clone)]
pub struct Call {
    /// The invocation's id.
    pub request_id: RequestId,
    /// The event, as the caller wrote it.
    pub event: Bytes,
    /// The context object's JSON text (CONTRACT 1.2).
    pub context: Bytes,
    /// When to give up, counted from the hand-over.
    pub timeout: Duration,
}

/// An error of the user's code, as the runtime reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserFault {
    /// One line: the exception's type and text.
    pub message: String,
    /// The traceback without the platform's own frames; empty where there is none.
    #[serde(rename = "stackTrace")]
    pub stack_trace: String,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptEnd {
    /// The handler returned; this is its result's JSON text.
    Returned(Bytes),
    /// The handler raised, or its result cannot be JSON.
    Raised(UserFault),
    /// The time was up; the instance was killed.
    TimedOut,
    /// The memory limit was reached; the instance is gone.
    OutOfMemory,
    /// The process ended or closed its pipes. Text for the user, e.g. "exit code 3".
    Exited(String),
    /// The process ended and had read nothing of the event, which is given back: nothing of it ran.
    Unread {
        /// The event.
        event: Bytes,
        /// How it ended, as [`AttemptEnd::Exited`] says it.
        how: String,
    },
    /// The result is larger than the limit.
    ResponseTooLarge {
        /// Its size in bytes, as far as it was announced.
        bytes: u64,
    },
    /// Whoever asked went away; the instance lives on.
    Left,
    /// A WebSocket was silent for too long; the instance lives on.
    SocketIdle,
    /// A WebSocket's client went away without closing it; the instance lives on.
    SocketAborted,
    /// The runtime answered something that is no answer; the instance was killed.
    Garbage(String),
}

/// What one run used and said.
#[derive(Debug, Clone)]
pub struct AttemptReport {
    /// How it ended.
    pub end: AttemptEnd,
    /// From the hand-over to the answer.
    pub duration: Duration,
    /// Peak memory of the instance, in bytes: so far, or while this event ran where it takes several at once.
    pub memory_peak_bytes: u64,
    /// What the process wrote to stdout and stderr meanwhile, as it goes into the log: lines are cut, and of more than
    /// the limits allow there are the beginning and the end, with a line between that says so.
    pub output: Bytes,
}

/// What starting an instance took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitReport {
    /// All of it: from asking for an instance to an initialised one.
    pub total: Duration,
    /// The user's module code alone.
    pub user_code: Duration,
    /// What the process wrote meanwhile, as it goes into the log.
    pub output: Bytes,
    /// What the platform has to say about it: a line of the log.
    pub note: Option<String>,
}

/// Why no instance could be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The handler's file or function is missing (437).
    #[error("{}", .0.message)]
    HandlerNotFound(UserFault, InitOutput),
    /// The module raised while loading: syntax, import or any other error (443).
    #[error("{}", .0.message)]
    UserCode(UserFault, InitOutput),
    /// The package's program cannot be executed (405).
    #[error("{}", .0.message)]
    Unfit(UserFault, InitOutput),
    /// The process ended while loading (439).
    #[error("user process exited during initialisation: {0}")]
    Exited(String, InitOutput),
    /// The memory limit was reached while loading (434).
    #[error("memory limit reached during initialisation")]
    OutOfMemory(InitOutput),
    /// Loading took longer than the init timeout (450).
    #[error("initialisation timed out")]
    TimedOut(InitOutput),
    /// A web function did not listen in time (446).
    #[error("it does not listen at port 9000")]
    NoPort(InitOutput),
    /// The machine has no room (449).
    #[error("no room for another instance: {0}")]
    NoRoom(String),
    /// The host lacks what the function asks for (445). The text is for the user.
    #[error("{0}")]
    Unavailable(String),
    /// The platform failed (500). The text is for the operator's log.
    #[error("instance could not be started: {0}")]
    Platform(String),
}

impl StartError {
    /// What the failed start wrote and used, where the user's code got to run at all.
    #[must_use]
    pub const fn init_output(&self) -> Option<&InitOutput> {
        match self {
            Self::HandlerNotFound(_, output)
            | Self::UserCode(_, output)
            | Self::Unfit(_, output)
            | Self::Exited(_, output)
            | Self::OutOfMemory(output)
            | Self::TimedOut(output)
            | Self::NoPort(output) => Some(output),
            Self::NoRoom(_) | Self::Unavailable(_) | Self::Platform(_) => None,
        }
    }
}

/// What a failed start wrote and used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InitOutput {
    /// stdout and stderr, as they go into the log.
    pub output: Bytes,
    /// Peak memory, in bytes.
    pub memory_peak_bytes: u64,
    /// How long the start took until it failed.
    pub duration: Duration,
}
