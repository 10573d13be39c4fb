//! What a zygote process says on its standard error: every line to the log, the last ones kept for whoever asks why it
//! ended.

use std::collections::VecDeque;
use std::process::ExitStatus;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Take};
use tokio::process::ChildStderr;

/// Lines kept: the end of a traceback, or a sentence of the loader's.
const LINES_MAX: usize = 5;
/// Bytes of a line that are read as one.
const LINE_BYTES_MAX: u64 = 1024;

/// A zygote's standard error.
pub(super) struct Words {
    stream: Option<Take<BufReader<ChildStderr>>>,
    line: Vec<u8>,
    last: VecDeque<String>,
}

impl Words {
    pub(super) fn of(stream: Option<ChildStderr>) -> Self {
        Self {
            stream: stream.map(|stream| BufReader::new(stream).take(LINE_BYTES_MAX)),
            line: Vec::new(),
            last: VecDeque::new(),
        }
    }

    /// Hears until nothing more can come, and then never ends.
    ///
    /// # Cancel safety
    /// What was heard stays.
    pub(super) async fn hear(&mut self) {
        self.hear_out().await;
        std::future::pending().await
    }

    /// Hears until nothing more can come.
    ///
    /// # Cancel safety
    /// What was heard stays.
    pub(super) async fn hear_out(&mut self) {
        while let Some(stream) = &mut self.stream {
            // What a dropped read had of a line is in `line` and is gone on with.
            match stream.read_until(b'\n', &mut self.line).await {
                Ok(0) | Err(_) if self.line.is_empty() => self.stream = None,
                Ok(_) => {
                    stream.set_limit(LINE_BYTES_MAX);
                    self.keep();
                }
                Err(_) => {
                    self.stream = None;
                    self.keep();
                }
            }
        }
    }

    fn keep(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if line.is_empty() {
            return;
        }
        tracing::warn!("a zygote says: {line}");
        if self.last.len() == LINES_MAX {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    /// Its last words, or how it ended where it said nothing.
    pub(super) fn last(self, status: Option<ExitStatus>) -> String {
        if self.last.is_empty() {
            return status.map_or_else(|| "it said nothing".to_owned(), |status| status.to_string());
        }
        Vec::from(self.last).join("\n")
    }
}
