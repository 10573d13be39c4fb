//! What a process wrote, as it goes into the log: lines of bounded length, and of a flood the beginning and the end.
//!
//! Nothing is looked at twice and nothing over the limits is held, so a flood costs what reading it costs.

use std::collections::VecDeque;

use bytes::Bytes;
use skiff_domain::limits::{LOG_BYTES_MAX, LOG_LINE_BYTES_MAX, LOG_LINES_MAX};
use skiff_domain::text::cut;

/// How much of a flood is its beginning: half. The rest is its end.
const HEAD_BYTES_MAX: usize = LOG_BYTES_MAX / 2;
const HEAD_LINES_MAX: usize = LOG_LINES_MAX / 2;

/// Collects output. What is over the limits is read, counted and let go, so that a flood stops nobody.
#[derive(Debug, Default)]
pub(crate) struct Output {
    line: Line,
    /// The first lines.
    head: Vec<u8>,
    head_lines: usize,
    /// The latest lines, once there was one that the beginning had no room for.
    tail: VecDeque<u8>,
    tail_lines: VecDeque<LineSize>,
    /// What was between the two.
    missing: Missing,
}

/// The line that has not ended.
#[derive(Debug, Default)]
struct Line {
    /// Its beginning: one byte more than is kept tells where a character ends.
    kept: Vec<u8>,
    written: u64,
}

/// One line of the tail.
#[derive(Debug)]
struct LineSize {
    /// Its bytes there.
    kept: usize,
    /// Its bytes as it was written.
    written: u64,
}

#[derive(Debug, Default)]
struct Missing {
    lines: u64,
    bytes: u64,
}

impl Output {
    /// Takes in what was read. Where reads begin and end makes no difference.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.line.push(&bytes[..end]);
            self.end_line(1);
            bytes = &bytes[end + 1..];
        }
        self.line.push(bytes);
    }

    /// The log text since the last time: whole lines, each with its line feed.
    pub(crate) fn take(&mut self) -> Bytes {
        if self.line.written > 0 {
            self.end_line(0);
        }
        let Self {
            mut head,
            tail,
            missing,
            ..
        } = std::mem::take(self);
        if missing.lines > 0 {
            head.extend_from_slice(missing.to_string().as_bytes());
        }
        let (first, second) = tail.as_slices();
        head.extend_from_slice(first);
        head.extend_from_slice(second);
        head.into()
    }

    fn end_line(&mut self, line_feed: u64) {
        let line = &mut self.line;
        let marker = line.close();
        let size = LineSize {
            kept: line.kept.len() + marker.len() + 1,
            written: line.written + line_feed,
        };
        if self.tail_lines.is_empty()
            && self.head_lines < HEAD_LINES_MAX
            && self.head.len() + size.kept <= HEAD_BYTES_MAX
        {
            self.head.extend_from_slice(&line.kept);
            self.head.extend_from_slice(marker.as_bytes());
            self.head.push(b'\n');
            self.head_lines += 1;
        } else {
            self.tail.extend(&line.kept);
            self.tail.extend(marker.as_bytes());
            self.tail.push_back(b'\n');
            self.tail_lines.push_back(size);
        }
        line.kept.clear();
        line.written = 0;
        self.let_go();
    }

    /// Lets the oldest lines of the tail go while head and tail are over the limits together.
    fn let_go(&mut self) {
        while self.head.len() + self.tail.len() > LOG_BYTES_MAX
            || self.head_lines + self.tail_lines.len() > LOG_LINES_MAX
        {
            let Some(oldest) = self.tail_lines.pop_front() else {
                return;
            };
            self.tail.drain(..oldest.kept);
            self.missing.lines += 1;
            self.missing.bytes += oldest.written;
        }
    }
}

impl Line {
    fn push(&mut self, bytes: &[u8]) {
        let room = (LOG_LINE_BYTES_MAX + 1).saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.written += bytes.len() as u64;
    }

    /// Cuts the line to its limit, between characters. What is to be said about it, or nothing.
    fn close(&mut self) -> String {
        if self.kept.len() <= LOG_LINE_BYTES_MAX {
            return String::new();
        }
        let end = cut(&self.kept, LOG_LINE_BYTES_MAX).len();
        self.kept.truncate(end);
        format!(" [skiff: line cut, it was {} bytes long]", self.written)
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { lines, bytes } = self;
        writeln!(
            f,
            "[skiff] {bytes} bytes of output in {lines} lines were not kept here: the limits are {LOG_LINES_MAX} lines \
             and {LOG_BYTES_MAX} bytes, half from the beginning and half from the end"
        )
    }
}

#[cfg(test)]
mod tests;
