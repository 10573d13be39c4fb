//! Where records wait for the writer: bounded, and never waited at.
//!
//! Two bounds, because a record has a small part that counts calls and bills, and texts up to a megabyte. When the
//! texts that wait are too many, a record goes in without its texts; when the records are, it does not go in at all.
//! Both are counted, and the keeper tells the operator.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;
use skiff_domain::AttemptRecord;
use tokio::sync::{mpsc, oneshot};

/// Records that may wait.
const RECORDS_MAX: usize = 65_536;
/// Bytes of their texts that may wait: 64 MiB.
const TEXT_BYTES_MAX: u64 = 64 << 20;
/// How long the writer lets records gather after the first. Waking it is a good part of what a call costs, and where
/// there are many calls it is woken for all of them once. A killed server loses no more than this.
const GATHER: Duration = Duration::from_millis(5);
/// What stands in place of a log that was dropped.
const DROPPED_LOG: &[u8] = b"[Skiff dropped this call's log: more was logged than could be written]\n";

/// What the writer is told.
#[derive(Debug)]
pub(crate) enum Letter {
    /// Keep this.
    Record(Box<AttemptRecord>),
    /// Answer when everything before is appended.
    Appended(oneshot::Sender<()>),
    /// Answer when everything before is on disk.
    Synced(oneshot::Sender<()>),
    /// Close the segment if it is still this one.
    Rotate(u64),
    /// Finish.
    Stop,
}

/// What could not be kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dropped {
    pub(crate) records: Counter,
    pub(crate) texts: Counter,
}

/// The way in.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox {
    letters: mpsc::Sender<Letter>,
    text_bytes: Arc<AtomicU64>,
    text_bytes_max: u64,
    dropped: Dropped,
}

/// The writer's end.
#[derive(Debug)]
pub(crate) struct Letters {
    letters: mpsc::Receiver<Letter>,
    text_bytes: Arc<AtomicU64>,
    /// More wait than were taken last time.
    is_behind: bool,
}

pub(crate) fn new(dropped: Dropped) -> (Mailbox, Letters) {
    with_bounds(dropped, RECORDS_MAX, TEXT_BYTES_MAX)
}

fn with_bounds(dropped: Dropped, records_max: usize, text_bytes_max: u64) -> (Mailbox, Letters) {
    let (sender, receiver) = mpsc::channel(records_max);
    let text_bytes = Arc::new(AtomicU64::new(0));
    let mailbox = Mailbox {
        letters: sender,
        text_bytes: Arc::clone(&text_bytes),
        text_bytes_max,
        dropped,
    };
    let letters = Letters {
        letters: receiver,
        text_bytes,
        is_behind: false,
    };
    (mailbox, letters)
}

fn text_bytes(record: &AttemptRecord) -> u64 {
    (record.ret_msg.len() + record.log.len()) as u64
}

impl Mailbox {
    /// Takes a record. Never waits.
    pub(crate) fn post(&self, mut record: AttemptRecord) {
        let wanted = text_bytes(&record);
        let waiting = self.text_bytes.fetch_add(wanted, Ordering::Relaxed);
        if waiting + wanted > self.text_bytes_max {
            self.text_bytes.fetch_sub(wanted, Ordering::Relaxed);
            self.dropped.texts.inc();
            record.ret_msg = Bytes::new();
            record.log = Bytes::from_static(DROPPED_LOG);
            self.text_bytes.fetch_add(text_bytes(&record), Ordering::Relaxed);
        }
        let counted = text_bytes(&record);
        if self.letters.try_send(Letter::Record(Box::new(record))).is_err() {
            self.text_bytes.fetch_sub(counted, Ordering::Relaxed);
            self.dropped.records.inc();
        }
    }

    /// Sends another letter, after those before it. False when nobody reads any more.
    pub(crate) async fn send(&self, letter: Letter) -> bool {
        self.letters.send(letter).await.is_ok()
    }

    /// Sends a letter if there is room; who sends it will send it again.
    pub(crate) fn offer(&self, letter: Letter) {
        let _ = self.letters.try_send(letter);
    }

    /// What could not be kept so far.
    pub(crate) fn dropped(&self) -> &Dropped {
        &self.dropped
    }
}

impl Letters {
    /// The next letters, in order; waits for the first. Empty when there will be none.
    pub(crate) fn next(&mut self, max: usize) -> Vec<Letter> {
        let mut letters = Vec::new();
        letters.extend(self.letters.blocking_recv());
        if matches!(letters.first(), Some(Letter::Record(_))) && !self.is_behind {
            thread::sleep(GATHER);
        }
        while letters.len() < max
            && let Ok(letter) = self.letters.try_recv()
        {
            letters.push(letter);
        }
        self.is_behind = letters.len() == max;
        for letter in &letters {
            if let Letter::Record(record) = letter {
                self.text_bytes.fetch_sub(text_bytes(record), Ordering::Relaxed);
            }
        }
        letters
    }

    /// Takes no further letter; those that are there can still be read.
    pub(crate) fn close(&mut self) {
        self.letters.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::fixtures::record;

    fn texts(letters: &[Letter]) -> Vec<&[u8]> {
        let log = |letter: &'_ Letter| match letter {
            Letter::Record(record) => Some(record.log.clone()),
            _ => None,
        };
        letters
            .iter()
            .filter_map(log)
            .map(|log| if log == DROPPED_LOG { &b"dropped"[..] } else { b"kept" })
            .collect()
    }

    #[test]
    fn a_full_mailbox_drops_texts_first_and_then_records_and_counts_both() {
        let dropped = Dropped::default();
        let size = text_bytes(&record(0));
        let (mailbox, mut letters) = with_bounds(dropped.clone(), 4, size * 2);
        (0..6).for_each(|_| mailbox.post(record(0)));
        assert_eq!((dropped.texts.get(), dropped.records.get()), (4, 2));
        assert_eq!(
            texts(&letters.next(10)),
            [&b"kept"[..], b"kept", b"dropped", b"dropped"]
        );
        // There is room again.
        mailbox.post(record(0));
        assert_eq!(texts(&letters.next(10)), [b"kept"]);
        letters.close();
        mailbox.post(record(0));
        assert_eq!(dropped.records.get(), 3);
        assert_eq!(mailbox.text_bytes.load(Ordering::Relaxed), 0);
    }
}
