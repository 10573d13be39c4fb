//! The thread that appends records to the local log, in the order they come.

use std::io;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use skiff_store::Clock;

use super::frame::{self, Frames};
use super::mailbox::{Dropped, Letter, Letters};
use super::meter::{Meter, Place};
use super::segment::Segment;
use super::shelf::Shelf;
use super::syncer::Syncer;

/// Letters read at a time.
const LETTERS_MAX: usize = 256;
/// Bytes appended at a time.
const APPEND_BYTES: u64 = 1 << 20;

/// The thread's state.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) dir: PathBuf,
    pub(crate) segment: Segment,
    pub(crate) segment_bytes: u64,
    pub(crate) clock: Clock,
    pub(crate) shelf: Shelf,
    pub(crate) meter: Meter,
    pub(crate) dropped: Dropped,
    pub(crate) syncer: Syncer,
}

impl Writer {
    /// Starts the thread. It ends, with everything on disk, after it was told to stop.
    pub(crate) fn start(mut self, mut letters: Letters) -> io::Result<JoinHandle<()>> {
        thread::Builder::new().name("log-writer".to_owned()).spawn(move || {
            loop {
                let batch = letters.next(LETTERS_MAX);
                if batch.is_empty() {
                    break;
                }
                self.serve(batch, &mut letters);
            }
            self.syncer.closed(&self.segment.file);
        })
    }

    fn serve(&mut self, batch: Vec<Letter>, letters: &mut Letters) {
        let mut frames = Vec::new();
        let mut records = 0;
        for letter in batch {
            if let Letter::Record(record) = letter {
                frame::write(&record, &mut frames);
                records += 1;
                if frames.len() as u64 >= self.room() {
                    self.append(std::mem::take(&mut frames), std::mem::take(&mut records));
                }
                continue;
            }
            // Every other letter is about all that came before it.
            self.append(std::mem::take(&mut frames), std::mem::take(&mut records));
            match letter {
                Letter::Record(_) => {}
                Letter::Appended(done) => {
                    let _ = done.send(());
                }
                Letter::Synced(done) => self.syncer.now(&self.segment.file, done),
                Letter::Rotate(seq) if seq == self.segment.seq => self.rotate(),
                Letter::Rotate(_) => {}
                Letter::Stop => letters.close(),
            }
        }
        self.append(frames, records);
    }

    fn append(&mut self, frames: Vec<u8>, records: u64) {
        if records == 0 {
            return;
        }
        if let Err(error) = self.segment.append(&frames) {
            self.dropped.records.inc_by(records);
            tracing::error!(%error, records, path = %self.segment.path.display(), "logs could not be written and are lost");
            return;
        }
        let place = Place {
            segment: self.segment.seq,
            offset: self.segment.size,
        };
        self.meter.add(Frames::from(&frames, 0).map(|(_, view)| view), place);
        self.shelf.appended(Bytes::from(frames), self.clock.now());
        self.syncer.grown(&self.segment.file);
        if self.segment.size >= self.segment_bytes {
            self.rotate();
        }
    }

    /// How many bytes to append at once: no more than fill the segment.
    fn room(&self) -> u64 {
        self.segment_bytes.saturating_sub(self.segment.size).min(APPEND_BYTES)
    }

    /// Closes the segment and begins the next. When that cannot be made, the segment goes on and grows.
    fn rotate(&mut self) {
        if self.segment.is_empty() {
            return;
        }
        match Segment::create(&self.dir, self.segment.seq + 1) {
            Ok(next) => {
                let closed = std::mem::replace(&mut self.segment, next);
                self.syncer.closed(&closed.file);
                self.shelf.rotated(closed, self.segment.seq);
            }
            Err(error) => tracing::error!(%error, dir = %self.dir.display(), "a log segment could not be made"),
        }
    }
}
