//! What it means that an instance answered so.

use std::time::Duration;

use bytes::Bytes;
use skiff_domain::limits::RESULT_BYTES_MAX;
use skiff_domain::{AttemptEnd, AttemptReport};
use skiff_invoker::{Departure, Visit};
use skiff_runtimes::wire::Response;

use crate::exchange::NoAnswer;
use crate::fault;

/// How long a process that closed its pipes may take to be reported dead.
pub(crate) const END_MAX: Duration = Duration::from_secs(1);

const DEAD_ALREADY: &str = "ended before the event came";

/// What an answer means, before anybody looks at the memory.
pub(crate) fn read(answer: Result<(Response, Bytes), NoAnswer>) -> AttemptEnd {
    match answer {
        Ok((Response::Returned | Response::Wrote, body)) if body.len() > RESULT_BYTES_MAX => {
            AttemptEnd::ResponseTooLarge {
                bytes: body.len() as u64,
            }
        }
        Ok((Response::Wrote, body)) => AttemptEnd::Returned(body),
        Ok((Response::Returned, body)) => {
            // The runtime wrote JSON; whatever else writes here may not have. serde_json skips over the inside of a
            // string it ignores without looking at its encoding.
            let is_json = std::str::from_utf8(&body)
                .is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
            if is_json {
                AttemptEnd::Returned(body)
            } else {
                AttemptEnd::Garbage("the result is not JSON".to_owned())
            }
        }
        Ok((Response::Raised, body)) => AttemptEnd::Raised(fault::read(&body)),
        Ok((Response::TooLarge, body)) => {
            let bytes = std::str::from_utf8(&body)
                .ok()
                .and_then(|text| text.parse().ok())
                .unwrap_or(0);
            AttemptEnd::ResponseTooLarge { bytes }
        }
        Ok((other, _)) => AttemptEnd::Garbage(format!("{other:?} instead of a result")),
        Err(NoAnswer::TimedOut) => AttemptEnd::TimedOut,
        Err(NoAnswer::TooLarge(bytes)) => AttemptEnd::ResponseTooLarge { bytes },
        Err(NoAnswer::Garbage(what)) => AttemptEnd::Garbage(what),
        Err(NoAnswer::Closed) => AttemptEnd::Exited(String::new()),
    }
}

/// What the end of a visit means, where nothing else has ended meanwhile.
pub(crate) fn departed(departure: Departure) -> AttemptEnd {
    match departure {
        Departure::Answered(status) => AttemptEnd::Returned(format!("{{\"statusCode\":{status}}}").into()),
        Departure::TooLarge { bytes } => AttemptEnd::ResponseTooLarge { bytes },
        Departure::Gone => AttemptEnd::Left,
        Departure::Idle => AttemptEnd::SocketIdle,
        Departure::Aborted => AttemptEnd::SocketAborted,
        Departure::Broken(how) => AttemptEnd::Garbage(how),
    }
}

/// The report of an instance that was offered an event, or a visit, after its end.
pub(crate) fn dead_already(event: Bytes, visit: Option<&Visit>) -> AttemptReport {
    let how = DEAD_ALREADY.to_owned();
    not_begun(match visit {
        None => AttemptEnd::Unread { event, how },
        Some(_) => AttemptEnd::Exited(how),
    })
}

/// The report of an instance that ended with a call of which nobody knows how far it had come.
pub(crate) fn lost() -> AttemptReport {
    not_begun(AttemptEnd::Exited(DEAD_ALREADY.to_owned()))
}

fn not_begun(end: AttemptEnd) -> AttemptReport {
    AttemptReport {
        end,
        duration: Duration::ZERO,
        memory_peak_bytes: 0,
        output: Bytes::new(),
    }
}
