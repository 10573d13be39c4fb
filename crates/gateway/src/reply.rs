//! How an outcome is answered.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Response, StatusCode as HttpStatus};
use http_body_util::Full;
use skiff_domain::limits::LOG_TAIL_BYTES_MAX;
use skiff_domain::{Outcome, RequestId, StatusCode};

use crate::refusal::Refusal;

pub(crate) const APPLICATION_JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const X_SCF_REQUEST_ID: HeaderName = HeaderName::from_static("x-scf-request-id");
const X_SCF_STATUS: HeaderName = HeaderName::from_static("x-scf-status");
const X_SCF_ERROR: HeaderName = HeaderName::from_static("x-scf-error");
const X_SCF_DURATION_MS: HeaderName = HeaderName::from_static("x-scf-duration-ms");
const X_SCF_INIT_MS: HeaderName = HeaderName::from_static("x-scf-init-ms");
const X_SCF_BILLED_MS: HeaderName = HeaderName::from_static("x-scf-billed-ms");
const X_SCF_MEMORY_BYTES: HeaderName = HeaderName::from_static("x-scf-memory-bytes");
const X_SCF_LOG: HeaderName = HeaderName::from_static("x-scf-log");

/// Whether the end of the log comes with the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogType {
    None,
    Tail,
}

impl LogType {
    /// Reads `X-Scf-Log-Type`, in any letter case (CONTRACT 4.1).
    pub(crate) fn read(header: Option<&HeaderValue>) -> Result<Self, Refusal> {
        match header.map_or(&b""[..], HeaderValue::as_bytes) {
            b"" => Ok(Self::None),
            none if none.eq_ignore_ascii_case(b"none") => Ok(Self::None),
            tail if tail.eq_ignore_ascii_case(b"tail") => Ok(Self::Tail),
            _ => Err(Refusal::new(
                HttpStatus::BAD_REQUEST,
                "InvalidParameterValue",
                "X-Scf-Log-Type is not valid: use None or Tail",
            )),
        }
    }
}

/// The response to an invocation.
pub(crate) fn respond(outcome: Outcome, log_type: LogType) -> Response<Full<Bytes>> {
    let mut response = match refused_with(outcome.status) {
        None => {
            let mut response = Response::new(Full::new(outcome.ret_msg));
            response.headers_mut().insert(CONTENT_TYPE, APPLICATION_JSON);
            response
                .headers_mut()
                .insert(X_SCF_REQUEST_ID, id_value(outcome.request_id));
            response
        }
        Some((status, code)) => Refusal::new(status, code, outcome.err_msg).into_response(outcome.request_id),
    };
    let headers = response.headers_mut();
    headers.insert(X_SCF_STATUS, outcome.status.code().into());
    if outcome.status != StatusCode::Success {
        headers.insert(X_SCF_ERROR, HeaderValue::from_static(outcome.status.name()));
    }
    insert_text(headers, X_SCF_DURATION_MS, &ms(outcome.duration));
    if let Some(init) = &outcome.init {
        insert_text(headers, X_SCF_INIT_MS, &ms(init.total));
    }
    headers.insert(X_SCF_BILLED_MS, outcome.billed_ms.into());
    headers.insert(X_SCF_MEMORY_BYTES, outcome.memory_peak_bytes.into());
    if log_type == LogType::Tail {
        insert_text(&mut *headers, X_SCF_LOG, &STANDARD.encode(tail(&outcome.log)));
    }
    response
}

/// The HTTP status and code of what was refused; nothing where the function was run or is itself at fault.
const fn refused_with(status: StatusCode) -> Option<(HttpStatus, &'static str)> {
    match status {
        StatusCode::Success
        | StatusCode::ContainerExited
        | StatusCode::ResponseTooLarge
        | StatusCode::UserException
        | StatusCode::TimeLimitReached
        | StatusCode::MemoryLimitReached
        | StatusCode::HandlerNotFound
        | StatusCode::ProcessExited
        | StatusCode::UserCodeError
        | StatusCode::InitFailed
        | StatusCode::PortBindingFailed
        | StatusCode::SocketIdle
        | StatusCode::SocketAborted
        | StatusCode::InitTimeout => None,
        StatusCode::InvalidEvent => Some((HttpStatus::BAD_REQUEST, "InvalidParameterValue.Param")),
        StatusCode::RequestTooLarge => Some((HttpStatus::PAYLOAD_TOO_LARGE, "InvalidParameter.RequestTooLarge")),
        StatusCode::ScaleUpLimit | StatusCode::ConcurrencyExceeded => {
            Some((HttpStatus::TOO_MANY_REQUESTS, status.name()))
        }
        StatusCode::FunctionNotFound => Some((HttpStatus::NOT_FOUND, "ResourceNotFound.Function")),
        StatusCode::FunctionStatusError => Some((HttpStatus::CONFLICT, "FailedOperation.FunctionStatusError")),
        StatusCode::InsufficientResources => {
            Some((HttpStatus::SERVICE_UNAVAILABLE, "FailedOperation.InsufficientResources"))
        }
        StatusCode::Canceled => Some((HttpStatus::SERVICE_UNAVAILABLE, status.name())),
        StatusCode::InternalError => Some((HttpStatus::INTERNAL_SERVER_ERROR, status.name())),
    }
}

pub(crate) fn id_value(id: RequestId) -> HeaderValue {
    // A UUID's text is always a legal value.
    HeaderValue::from_str(&id.to_string()).unwrap_or(HeaderValue::from_static(""))
}

fn ms(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64() * 1000.0)
}

fn insert_text(headers: &mut http::HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

/// The last 4 KB of a log, beginning with a whole character.
fn tail(log: &[u8]) -> &[u8] {
    let start = log.len().saturating_sub(LOG_TAIL_BYTES_MAX);
    let tail = &log[start..];
    // Only what was cut can begin inside a character, which has at most three bytes that are no beginning.
    let is_continuation = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
    let skip = if start == 0 {
        0
    } else {
        tail.iter().take(3).take_while(|byte| is_continuation(byte)).count()
    };
    &tail[skip..]
}

#[cfg(test)]
mod tests {
    use skiff_domain::InitReport;

    use super::*;

    #[test]
    fn a_tail_is_the_last_4_kb_in_whole_characters() {
        assert_eq!(tail(b"short\n"), b"short\n");
        let log = format!("{}{}", "x".repeat(100), "y".repeat(LOG_TAIL_BYTES_MAX));
        assert_eq!(tail(log.as_bytes()), "y".repeat(LOG_TAIL_BYTES_MAX).as_bytes());
        let log = "说".repeat(2000);
        let cut = std::str::from_utf8(tail(log.as_bytes())).unwrap();
        assert!(cut.len() > LOG_TAIL_BYTES_MAX - 3 && cut.chars().all(|char| char == '说'));
    }

    #[test]
    fn a_cold_start_tells_what_starting_took() {
        let outcome = |init| Outcome {
            request_id: RequestId::random(),
            status: StatusCode::Success,
            ret_msg: Bytes::from_static(b"1"),
            err_msg: String::new(),
            duration: Duration::from_micros(70),
            billed_ms: 1,
            memory_peak_bytes: 1,
            init,
            log: Bytes::new(),
        };
        let cold = InitReport {
            total: Duration::from_micros(612),
            user_code: Duration::from_micros(90),
            output: Bytes::new(),
            note: None,
        };
        for (init, expected) in [(None, None), (Some(cold), Some("0.612"))] {
            let response = respond(outcome(init), LogType::None);
            let header = response.headers().get(X_SCF_INIT_MS);
            assert_eq!(header.map(|value| value.to_str().unwrap()), expected);
        }
    }

    #[test]
    fn what_a_function_did_is_http_200_and_what_was_refused_is_not() {
        for status in StatusCode::ALL {
            let refused = refused_with(status).map_or(200, |(http, _)| http.as_u16());
            let expected = match status.code() {
                400 => 400,
                406 => 413,
                429 | 432 => 429,
                435 => 404,
                438 => 409,
                449 | 499 => 503,
                500 => 500,
                _ => 200,
            };
            assert_eq!(refused, expected, "{status}");
        }
    }
}
