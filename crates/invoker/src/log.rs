//! The log text of one attempt (CONTRACT 5.1).

use std::time::Duration;

use bytes::Bytes;
use skiff_domain::RequestId;
use skiff_domain::limits::LOG_LINE_BYTES_MAX;
use skiff_domain::text::cut;

/// What one attempt's log is made of.
#[derive(Debug, Default)]
pub(crate) struct LogParts<'a> {
    /// What the platform has to say about how the instance came to be, in its first call.
    pub init_notes: &'a [String],
    /// What the user's module wrote while loading, cut to the limits.
    pub init_output: &'a [u8],
    /// True once the event was handed to the handler.
    pub event: bool,
    /// What the handler wrote, cut to the limits.
    pub output: &'a [u8],
    /// What the platform has to say about the end, for lack of a documented place.
    pub note: Option<&'a str>,
    /// The error JSON, on failure.
    pub error: Option<&'a [u8]>,
    /// How long it ran, in ms.
    pub duration_ms: u64,
    /// The memory limit in MB.
    pub memory_mb: u32,
    /// Peak memory in bytes.
    pub memory_peak_bytes: u64,
}

/// Writes the log of the attempt of `id`.
pub(crate) fn compose(id: RequestId, parts: &LogParts<'_>) -> Bytes {
    let mut buffer = [0; 36];
    let id = id.0.hyphenated().encode_lower(&mut buffer).as_bytes();
    let output_bytes = parts.init_output.len() + parts.output.len();
    let error_bytes = parts.error.map_or(0, |error| error.len().min(LOG_LINE_BYTES_MAX));
    let mut log = Vec::with_capacity(384 + output_bytes + error_bytes);

    put_line(&mut log, &[b"START RequestId: ", id]);
    for note in parts.init_notes {
        put_note(&mut log, Some(note));
    }
    put_output(&mut log, parts.init_output);
    if parts.event {
        put_line(&mut log, &[b"Event RequestId: ", id]);
    }
    put_output(&mut log, parts.output);
    put_note(&mut log, parts.note);
    if let Some(error) = parts.error {
        let kept = cut(error, LOG_LINE_BYTES_MAX);
        put_line(&mut log, &[b"ERROR RequestId:", id, b" Result:", kept]);
    }
    put_line(&mut log, &[b"END RequestId: ", id]);
    let report = format!(
        " Duration:{}ms Memory:{}MB MemUsage:{:.6}MB",
        parts.duration_ms,
        parts.memory_mb,
        megabytes(parts.memory_peak_bytes)
    );
    put_line(&mut log, &[b"Report RequestId: ", id, report.as_bytes()]);
    log.into()
}

/// Whole milliseconds, rounded up: what is reported, and billed where no other call shares the time.
pub(crate) fn billed_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "memory is far below 2^52 bytes, and six decimals are shown"
)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

fn put_line(log: &mut Vec<u8>, parts: &[&[u8]]) {
    parts.iter().for_each(|part| log.extend_from_slice(part));
    log.push(b'\n');
}

/// Writes what the contract has no place for.
fn put_note(log: &mut Vec<u8>, note: Option<&str>) {
    if let Some(note) = note {
        put_line(log, &[b"[skiff] ", cut(note.as_bytes(), LOG_LINE_BYTES_MAX)]);
    }
}

/// Writes output, which a process may have ended in the middle of a line.
fn put_output(log: &mut Vec<u8>, output: &[u8]) {
    log.extend_from_slice(output);
    if output.last().is_some_and(|last| *last != b'\n') {
        log.push(b'\n');
    }
}

#[cfg(test)]
mod tests;
