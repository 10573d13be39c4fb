//! How an end becomes what the caller sees: status, `RetMsg`, `ErrMsg` (CONTRACT 4.2, 4.3).

use bytes::Bytes;
use serde_json::{Value, json};
use skiff_domain::{AttemptEnd, RequestId, StartError, StatusCode, UserFault, Version};

use crate::event::InvalidEvent;
use crate::event_memory::NoRoom;
use crate::schedule::Refusal;

/// What the caller is told.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// How it ended.
    pub status: StatusCode,
    /// The result's JSON text, or the error JSON.
    pub ret_msg: Bytes,
    /// The error's text; empty on success.
    pub err_msg: String,
    /// What the documented texts have no place for: a line of the log.
    pub note: Option<String>,
}

/// Who gave a call up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Canceler {
    /// Whoever waited for the answer.
    Caller,
    /// The operator, by stopping the service.
    Operator,
}

/// An error before it is written out.
struct Failure {
    status: StatusCode,
    message: String,
    stack_trace: Option<String>,
    err_msg: Option<String>,
    note: Option<String>,
}

impl Failure {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            stack_trace: None,
            err_msg: None,
            note: None,
        }
    }

    /// An error of the user's code. Without a traceback the one line that is known stands in for it.
    fn of_user(status: StatusCode, message: impl Into<String>, fault: UserFault) -> Self {
        let stack_trace = if fault.stack_trace.is_empty() {
            fault.message.clone()
        } else {
            fault.stack_trace
        };
        Self {
            stack_trace: Some(stack_trace),
            err_msg: Some(fault.message).filter(|text| !text.is_empty()),
            ..Self::new(status, message)
        }
    }

    fn with_note(self, note: String) -> Self {
        Self {
            err_msg: Some(format!("{}: {note}", self.message)),
            note: Some(note),
            ..self
        }
    }

    fn into_verdict(self, id: RequestId) -> Verdict {
        let mut error = json!({
            "errorCode": -1,
            "errorMessage": self.message,
            "requestId": id.to_string(),
        });
        if let Some(stack_trace) = self.stack_trace {
            error["stackTrace"] = Value::from(stack_trace);
        }
        error["statusCode"] = Value::from(self.status.code());
        Verdict {
            status: self.status,
            ret_msg: error.to_string().into(),
            err_msg: self.err_msg.unwrap_or(self.message),
            note: self.note,
        }
    }
}

impl Verdict {
    /// Of a run.
    pub(crate) fn of_run(end: AttemptEnd, id: RequestId, version: &Version) -> Self {
        let failure = match end {
            AttemptEnd::Returned(result) => {
                return Self {
                    status: StatusCode::Success,
                    ret_msg: result,
                    err_msg: String::new(),
                    note: None,
                };
            }
            AttemptEnd::Raised(fault) => {
                Failure::of_user(StatusCode::UserException, "user code exception caught", fault)
            }
            AttemptEnd::TimedOut => Failure::new(
                StatusCode::TimeLimitReached,
                format!("Invoking task timed out after {} seconds", seconds(version.timeout)),
            ),
            AttemptEnd::OutOfMemory => out_of_memory(version),
            AttemptEnd::Exited(how) | AttemptEnd::Unread { how, .. } => {
                Failure::new(StatusCode::ProcessExited, "User process exit when running").with_note(how)
            }
            AttemptEnd::ResponseTooLarge { bytes } => Failure::new(
                StatusCode::ResponseTooLarge,
                "size of response exceeds the upper limit (6MB)",
            )
            .with_note(format!("the result is {bytes} bytes long")),
            AttemptEnd::SocketIdle => Failure::new(
                StatusCode::SocketIdle,
                "The WebSocket was silent for longer than IdleTimeOut",
            ),
            AttemptEnd::SocketAborted => Failure::new(
                StatusCode::SocketAborted,
                "The client of the WebSocket went away without closing it",
            ),
            AttemptEnd::Left => return Self::of_canceled(Canceler::Caller, id),
            // Only the user's process can write to the pipe it came from, and it has been stopped for it.
            AttemptEnd::Garbage(what) => Failure::new(StatusCode::ProcessExited, "User process exit when running")
                .with_note(format!("stopped, as it broke the runtime's protocol: {what}")),
        };
        failure.into_verdict(id)
    }

    /// Of a call whose instance could not be started.
    pub(crate) fn of_failed_start(error: StartError, id: RequestId, version: &Version) -> Self {
        let failure = match error {
            StartError::HandlerNotFound(fault, _) => {
                Failure::of_user(StatusCode::HandlerNotFound, fault.message.clone(), fault)
            }
            StartError::UserCode(fault, _) => Failure::of_user(StatusCode::UserCodeError, fault.message.clone(), fault),
            StartError::Unfit(fault, _) => Failure::of_user(StatusCode::ContainerExited, fault.message.clone(), fault),
            StartError::Exited(how, _) => {
                Failure::new(StatusCode::ProcessExited, "User process exit when initialising").with_note(how)
            }
            StartError::OutOfMemory(_) => out_of_memory(version),
            StartError::TimedOut(_) => Failure::new(
                StatusCode::InitTimeout,
                format!(
                    "Initialising function timed out after {} seconds",
                    seconds(version.init_timeout)
                ),
            ),
            StartError::NoPort(_) => Failure::new(
                StatusCode::PortBindingFailed,
                format!(
                    "The request timed out in {}ms. Please confirm your http server have enabled listening on port 9000.",
                    version.init_timeout.as_millis()
                ),
            ),
            StartError::NoRoom(what) => Failure::new(
                StatusCode::InsufficientResources,
                format!("No room for another instance: {what}; try again later"),
            ),
            StartError::Unavailable(what) => Failure::new(StatusCode::InitFailed, what),
            // The cause is in the operator's log and none of the user's business.
            StartError::Platform(_) => Failure::new(StatusCode::InternalError, "Internal error"),
        };
        failure.into_verdict(id)
    }

    /// Of a call that was not accepted.
    pub(crate) fn of_refusal(refusal: &Refusal, id: RequestId, version: &Version) -> Self {
        let name = &version.key.name;
        let (status, message) = match refusal {
            // Not even one call fits, and no pause changes that.
            Refusal::FunctionConcurrency { quota_mb } if (1..u64::from(version.memory_mb)).contains(quota_mb) => (
                StatusCode::ConcurrencyExceeded,
                format!(
                    "Function [{name}] concurrency exceeded reserved quota {quota_mb} MB: a call needs {} MB, raise the \
                     reservation or lower the memory",
                    version.memory_mb
                ),
            ),
            Refusal::FunctionConcurrency { quota_mb } => (
                StatusCode::ConcurrencyExceeded,
                format!("Function [{name}] concurrency exceeded reserved quota {quota_mb} MB"),
            ),
            Refusal::AccountConcurrency { quota_mb } => (
                StatusCode::ConcurrencyExceeded,
                format!("Function [{name}] concurrency exceeded region unreserved quota {quota_mb} MB"),
            ),
            Refusal::WaitingFull { waiting_max } => (
                StatusCode::ScaleUpLimit,
                format!("Function [{name}] has {waiting_max} calls waiting for new instances, which is the limit"),
            ),
            Refusal::Stopping => (
                StatusCode::InternalError,
                "The service is stopping; try again later".to_owned(),
            ),
        };
        Failure::new(status, message).into_verdict(id)
    }

    /// Of a call with an event no function is given.
    pub(crate) fn of_invalid_event(error: &InvalidEvent, id: RequestId) -> Self {
        let status = match error {
            InvalidEvent::TooLarge { .. } => StatusCode::RequestTooLarge,
            InvalidEvent::NotJson(_) => StatusCode::InvalidEvent,
        };
        Failure::new(status, error.to_string()).into_verdict(id)
    }

    /// Of a call whose event there is no memory for.
    pub(crate) fn of_full_memory(NoRoom { bytes, bytes_max }: NoRoom, id: RequestId) -> Self {
        let message = format!(
            "No room for an event of {bytes} bytes: those of the calls under way may take {} MB in all; try again later",
            bytes_max >> 20
        );
        Failure::new(StatusCode::ScaleUpLimit, message).into_verdict(id)
    }

    /// Of a run or start the worker did not end in time, which is the worker's fault.
    pub(crate) fn of_silence(id: RequestId) -> Self {
        Failure::new(StatusCode::InternalError, "Internal error").into_verdict(id)
    }

    /// Of a call that was given up.
    pub(crate) fn of_canceled(by: Canceler, id: RequestId) -> Self {
        let message = match by {
            Canceler::Caller => "Request canceled by the caller",
            Canceler::Operator => "Request canceled: the service is stopping",
        };
        Failure::new(StatusCode::Canceled, message).into_verdict(id)
    }
}

fn out_of_memory(version: &Version) -> Failure {
    Failure::new(
        StatusCode::MemoryLimitReached,
        format!("Memory limit of {} MB reached", version.memory_mb),
    )
}

/// `3` rather than `3.0`; timeouts are whole seconds wherever users set them.
fn seconds(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64()
}

#[cfg(test)]
mod tests;
