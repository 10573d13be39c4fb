//! What a process wrote, up to a limit.

use bytes::{Bytes, BytesMut};
use skiff_domain::limits::LOG_BYTES_MAX;

/// Collects output. What is over the limit is read, counted and let go, so that a flood stops nobody.
#[derive(Debug, Default)]
pub(crate) struct Output {
    kept: BytesMut,
    dropped: u64,
}

impl Output {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = LOG_BYTES_MAX.saturating_sub(self.kept.len());
        let (keep, drop) = bytes.split_at(bytes.len().min(room));
        self.kept.extend_from_slice(keep);
        self.dropped += drop.len() as u64;
    }

    /// What was kept, and how many bytes were not.
    pub(crate) fn take(&mut self) -> (Bytes, u64) {
        (
            std::mem::take(&mut self.kept).freeze(),
            std::mem::take(&mut self.dropped),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_kept_up_to_the_limit_and_counted_beyond_it() {
        let mut output = Output::default();
        let chunk = vec![b'x'; 1 << 16];
        (0..32).for_each(|_| output.push(&chunk));
        let (kept, dropped) = output.take();
        assert_eq!((kept.len(), dropped), (LOG_BYTES_MAX, (1 << 21) - LOG_BYTES_MAX as u64));
        assert_eq!(output.take(), (Bytes::new(), 0));
    }
}
