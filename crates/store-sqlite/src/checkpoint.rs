//! Folds the write-ahead log into the file, on a connection and a thread of its own, so that no commit pays for it.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;

/// Pages in the log after which folding does not wait for the next tick.
pub(crate) const PAGES_MAX: u32 = 1000;
/// How long commits wait to be folded at most.
const TICK: Duration = Duration::from_secs(1);
/// Ticks without a commit after which the log's file is cut to nothing.
const IDLE_TICKS: u32 = 5;

/// Tells the thread that the log grew. Never waits.
#[derive(Debug, Clone)]
pub(crate) struct Nudge(SyncSender<Grown>);

/// How far the log has grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grown {
    ALittle,
    Much,
}

impl Nudge {
    /// After each commit, with the pages the log holds.
    pub(crate) fn grown(&self, pages: u32) {
        let grown = if pages >= PAGES_MAX {
            Grown::Much
        } else {
            Grown::ALittle
        };
        // When both places are taken the thread is about to look anyway.
        let _ = self.0.try_send(grown);
    }
}

/// Starts the thread. It ends, after a last round, when the nudge is dropped.
pub(crate) fn start(conn: Connection) -> io::Result<(Nudge, JoinHandle<()>)> {
    let (sender, receiver) = sync_channel(2);
    let thread = thread::Builder::new()
        .name("store-checkpoint".to_owned())
        .spawn(move || run(&conn, &receiver))?;
    Ok((Nudge(sender), thread))
}

fn run(conn: &Connection, grown: &Receiver<Grown>) {
    let mut is_behind = false;
    let mut idle_ticks = 0;
    let mut next_tick = Instant::now() + TICK;
    loop {
        match grown.recv_timeout(next_tick.saturating_duration_since(Instant::now())) {
            Ok(grown) => {
                idle_ticks = 0;
                is_behind = grown == Grown::ALittle || !fold(conn, "PASSIVE");
            }
            Err(RecvTimeoutError::Timeout) => {
                next_tick = Instant::now() + TICK;
                if is_behind {
                    is_behind = !fold(conn, "PASSIVE");
                }
                idle_ticks += 1;
                if idle_ticks == IDLE_TICKS {
                    fold(conn, "TRUNCATE");
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                fold(conn, "TRUNCATE");
                return;
            }
        }
    }
}

/// One round. True when the whole log is in the file now.
fn fold(conn: &Connection, mode: &str) -> bool {
    let round = conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    });
    match round {
        Ok((busy, in_log, folded)) => busy == 0 && in_log == folded,
        // Nothing is lost: the log keeps what is not folded, and the next round tries again.
        Err(error) => {
            tracing::warn!(%error, mode, "the store's log could not be folded into its file");
            false
        }
    }
}
