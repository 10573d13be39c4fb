//! How far an upload is: a bar on a terminal, nothing elsewhere.

use std::io::Read;

use indicatif::{ProgressBar, ProgressStyle};

/// Smallest upload worth a bar, in bytes.
const BAR_BYTES_MIN: usize = 256 * 1024;

/// The progress of one upload.
pub(crate) struct Upload(ProgressBar);

impl Upload {
    /// No bar.
    pub(crate) fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// A bar under this name where a person watches and there is time to see it.
    pub(crate) fn shown(name: &str, bytes: usize, watched: bool) -> Self {
        if !watched || bytes < BAR_BYTES_MIN {
            return Self::hidden();
        }
        let template = "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(
            ProgressBar::new(bytes as u64)
                .with_style(style)
                .with_message(format!("uploading {name}")),
        )
    }

    /// Counts what is read of this many bytes: the request is larger than the package in it.
    pub(crate) fn wrap<R: Read>(&self, reader: R, bytes: usize) -> impl Read + use<R> {
        self.0.set_length(bytes as u64);
        self.0.wrap_read(reader)
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
