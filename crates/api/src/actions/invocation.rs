//! What Invoke and InvokeFunction have in common: one synchronous call and its `Result` (CONTRACT 4.1).

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use skiff_control_plane::{Draw, RoutingKey};
use skiff_domain::limits::LOG_TAIL_BYTES_MAX;
use skiff_domain::{FunctionKey, Invocation, Origin, Outcome, Qualifier, RequestId, StatusCode};

use super::Call;
use crate::error::ApiError;
use crate::time;

/// `LogType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogType {
    None,
    /// The end of the log comes with the result.
    Tail,
}

impl LogType {
    /// Any letter case: the CLI sends `tail` (CONTRACT 0.6).
    pub(super) fn read(given: Option<&str>) -> Result<Self, ApiError> {
        match given.unwrap_or_default() {
            "" => Ok(Self::None),
            none if none.eq_ignore_ascii_case("None") => Ok(Self::None),
            tail if tail.eq_ignore_ascii_case("Tail") => Ok(Self::Tail),
            _ => Err(ApiError::new(
                "InvalidParameterValue",
                "LogType is not valid: use None or Tail",
            )),
        }
    }
}

/// The answer of both actions.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    result: CallResult,
}

/// `Result`. A failed run is one too.
struct CallResult {
    outcome: Outcome,
    log_type: LogType,
}

/// `Result` as it is written.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResultFields<'a> {
    log: Cow<'a, str>,
    ret_msg: Cow<'a, str>,
    err_msg: &'a str,
    mem_usage: u64,
    /// Milliseconds.
    duration: f64,
    /// Milliseconds.
    bill_duration: u64,
    function_request_id: RequestId,
    invoke_result: i32,
}

/// What is to be run.
pub(super) struct Asked {
    pub(super) function: FunctionKey,
    pub(super) qualifier: Qualifier,
    /// The parameter the event is in.
    pub(super) event_field: &'static str,
    pub(super) event: Option<String>,
    pub(super) log_type: LogType,
    /// What an alias with rules routes the call by.
    pub(super) routing_key: Option<String>,
}

/// Runs the call to its end.
pub(super) async fn run(mut call: Call<'_>, asked: Asked) -> Result<Answer, ApiError> {
    let Asked {
        function,
        qualifier,
        event_field,
        event,
        log_type,
        routing_key,
    } = asked;
    let routing_key = routing_key.filter(|text| !text.is_empty());
    let routing_key = routing_key.map(|text| RoutingKey::parse(&text)).transpose();
    let routing_key = routing_key.map_err(|error| ApiError::refused(error.code(), &error))?;
    // A call may run for minutes; of its body only the event is left.
    drop(call.place.take());
    let draw = Draw::of(call.request_id, routing_key.as_ref());
    let version = call.context.control.resolve(&function, &qualifier, &draw);
    let version = version.map_err(|error| ApiError::refused(error.code(), &error))?;
    if version.web.is_some() {
        let message = "the function serves HTTP and takes no events: send requests to its path at the gateway";
        return Err(ApiError::new("InvalidParameterValue.FunctionType", message));
    }
    let invocation = Invocation {
        id: call.request_id,
        version,
        qualifier,
        event: event.unwrap_or_default().into(),
        origin: Origin::Api,
    };
    let outcome = call.context.invoker.invoke(invocation).await;
    // What is wrong with the request is the request's error; what is wrong with the run is a result.
    let refused = |code| {
        Err(ApiError::new(
            code,
            format!("{event_field} is not valid: {}", outcome.err_msg),
        ))
    };
    match outcome.status {
        StatusCode::InvalidEvent => refused("InvalidParameterValue.Param"),
        StatusCode::RequestTooLarge => refused("InvalidParameter.RequestTooLarge"),
        _ => Ok(Answer {
            result: CallResult { outcome, log_type },
        }),
    }
}

impl Serialize for CallResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let outcome = &self.outcome;
        let log = match self.log_type {
            LogType::None => Cow::Borrowed(""),
            LogType::Tail => tail(&outcome.log),
        };
        let fields = ResultFields {
            log,
            ret_msg: String::from_utf8_lossy(&outcome.ret_msg),
            err_msg: &outcome.err_msg,
            mem_usage: outcome.memory_peak_bytes,
            duration: time::milliseconds(outcome.duration),
            bill_duration: outcome.billed_ms,
            function_request_id: outcome.request_id,
            invoke_result: outcome.status.invoke_result(),
        };
        fields.serialize(serializer)
    }
}

/// The last 4 KB of a log, beginning with a whole character. Bytes that are no text become replacement characters, which
/// are longer than they: the limit is on what is sent.
fn tail(log: &[u8]) -> Cow<'_, str> {
    let mut start = log.len().saturating_sub(LOG_TAIL_BYTES_MAX);
    // A character has at most three bytes that are no beginning.
    let end = (start + 3).min(log.len());
    while start > 0 && start < end && log[start] & 0xC0 == 0x80 {
        start += 1;
    }
    let text = String::from_utf8_lossy(&log[start..]);
    let excess = text.len().saturating_sub(LOG_TAIL_BYTES_MAX);
    if excess == 0 {
        text
    } else {
        text[text.ceil_char_boundary(excess)..].to_owned().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_the_last_4_kb_in_whole_characters() {
        assert_eq!(tail(b""), "");
        assert_eq!(tail(b"short\n"), "short\n");
        let log = format!("{}{}", "x".repeat(100), "y".repeat(LOG_TAIL_BYTES_MAX));
        assert_eq!(tail(log.as_bytes()), "y".repeat(LOG_TAIL_BYTES_MAX));
        let log = "说".repeat(2000);
        let cut = tail(log.as_bytes());
        assert!(
            cut.len() <= LOG_TAIL_BYTES_MAX && cut.chars().all(|c| c == '说') && cut.len() > LOG_TAIL_BYTES_MAX - 3
        );
    }

    #[test]
    fn a_tail_of_bytes_that_are_no_text_is_not_longer_as_it_is_sent() {
        let cut = tail(&[0xFF; 10_000]).into_owned();
        assert!(cut.len() <= LOG_TAIL_BYTES_MAX && cut.chars().all(|c| c == '\u{FFFD}'));
    }

    #[test]
    fn a_log_type_is_none_or_tail_in_any_letter_case() {
        for (given, read) in [
            (None, Some(LogType::None)),
            (Some(""), Some(LogType::None)),
            (Some("none"), Some(LogType::None)),
            (Some("tail"), Some(LogType::Tail)),
            (Some("Tail"), Some(LogType::Tail)),
            (Some("Full"), None),
        ] {
            assert_eq!(LogType::read(given).ok(), read, "{given:?}");
        }
    }
}
