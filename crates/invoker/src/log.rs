//! The log text of one attempt (CONTRACT 5.1) and what is cut from it.

use std::time::Duration;

use bytes::Bytes;
use skiff_domain::RequestId;
use skiff_domain::limits::{LOG_BYTES_MAX, LOG_LINE_BYTES_MAX, LOG_LINES_MAX};

/// What one attempt's log is made of.
#[derive(Debug, Default)]
pub(crate) struct LogParts<'a> {
    /// What the user's module wrote while loading.
    pub init_output: &'a [u8],
    /// True once the event was handed to the handler.
    pub event: bool,
    /// What the handler wrote.
    pub output: &'a [u8],
    /// Bytes of output the worker did not keep.
    pub output_dropped: u64,
    /// What the platform has to say about the end, for lack of a documented place.
    pub note: Option<&'a str>,
    /// The error JSON, on failure.
    pub error: Option<&'a [u8]>,
    /// Billed time in ms.
    pub billed_ms: u64,
    /// The memory limit in MB.
    pub memory_mb: u32,
    /// Peak memory in bytes.
    pub memory_peak_bytes: u64,
}

/// Writes the log of the attempt of `id`.
pub(crate) fn compose(id: RequestId, parts: &LogParts<'_>) -> Bytes {
    let mut buffer = [0; 36];
    let id = id.0.hyphenated().encode_lower(&mut buffer).as_bytes();
    let output_bytes = (parts.init_output.len() + parts.output.len()).min(LOG_BYTES_MAX);
    let error_bytes = parts.error.map_or(0, |error| error.len().min(LOG_LINE_BYTES_MAX));
    let mut log = Vec::with_capacity(384 + output_bytes + error_bytes);

    put_line(&mut log, &[b"START RequestId: ", id]);
    let mut room = Room::default();
    room.put_output(&mut log, parts.init_output);
    if parts.event {
        put_line(&mut log, &[b"Event RequestId: ", id]);
    }
    room.put_output(&mut log, parts.output);
    room.bytes_dropped += parts.output_dropped;
    if let Some(text) = room.overflow() {
        put_line(&mut log, &[text.as_bytes()]);
    }
    if let Some(note) = parts.note {
        put_line(&mut log, &[b"[skiff] ", cut(note.as_bytes(), LOG_LINE_BYTES_MAX)]);
    }
    if let Some(error) = parts.error {
        let kept = cut(error, LOG_LINE_BYTES_MAX);
        put_line(&mut log, &[b"ERROR RequestId:", id, b" Result:", kept]);
    }
    put_line(&mut log, &[b"END RequestId: ", id]);
    let report = format!(
        " Duration:{}ms Memory:{}MB MemUsage:{:.6}MB",
        parts.billed_ms,
        parts.memory_mb,
        megabytes(parts.memory_peak_bytes)
    );
    put_line(&mut log, &[b"Report RequestId: ", id, report.as_bytes()]);
    log.into()
}

/// Whole milliseconds, rounded up: what is billed and reported.
pub(crate) fn billed_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// The longest beginning of `text` of at most `bytes_max` bytes that does not end inside a UTF-8 character.
pub(crate) fn cut(text: &[u8], bytes_max: usize) -> &[u8] {
    if text.len() <= bytes_max {
        return text;
    }
    let is_continuation = |byte: u8| byte & 0b1100_0000 == 0b1000_0000;
    // A character is at most four bytes long: what goes back further is not UTF-8 and is cut where it is.
    let end = (bytes_max.saturating_sub(3)..=bytes_max)
        .rev()
        .find(|end| !is_continuation(text[*end]));
    &text[..end.unwrap_or(bytes_max)]
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

/// What is left of the limits on a user's output, and what went over.
struct Room {
    bytes: usize,
    lines: usize,
    bytes_dropped: u64,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            bytes: LOG_BYTES_MAX,
            lines: LOG_LINES_MAX,
            bytes_dropped: 0,
        }
    }
}

impl Room {
    /// Writes the lines of `output` that fit. Ends what it wrote with a line feed.
    fn put_output(&mut self, log: &mut Vec<u8>, output: &[u8]) {
        for line in output.split_inclusive(|byte| *byte == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let kept = cut(text, LOG_LINE_BYTES_MAX);
            if self.lines == 0 || kept.len() > self.bytes {
                // What is kept is a beginning without holes.
                self.lines = 0;
                self.bytes_dropped += line.len() as u64;
                continue;
            }
            self.lines -= 1;
            self.bytes -= kept.len();
            if kept.len() == text.len() {
                put_line(log, &[text]);
            } else {
                let marker = format!(" [skiff: line cut, it was {} bytes long]", text.len());
                put_line(log, &[kept, marker.as_bytes()]);
            }
        }
    }

    /// The line that says what is missing.
    fn overflow(&self) -> Option<String> {
        (self.bytes_dropped > 0).then(|| {
            format!(
                "[skiff] {} bytes of output were not kept: the limits are {LOG_LINES_MAX} lines and {LOG_BYTES_MAX} bytes per call",
                self.bytes_dropped
            )
        })
    }
}

#[cfg(test)]
mod tests;
