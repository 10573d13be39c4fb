//! The calls that an instance is running: whose answer, output, memory and time is whose.
//!
//! Output that cannot be told apart is the oldest call's. What is collected of the oldest call is therefore kept where the
//! line puts such output, and that of the others here.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::time::Duration;

use skiff_domain::{AttemptEnd, AttemptReport};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::output::Output;
use crate::talk::LOAD_SEQUENCE;

/// Those that run, by the sequence of their request, and so by their age.
#[derive(Debug)]
pub(super) struct Calls {
    running: BTreeMap<u32, Running>,
    /// Whose answers nobody waits for any more.
    given_up: BTreeSet<u32>,
    latest: u32,
}

#[derive(Debug)]
struct Running {
    report: oneshot::Sender<AttemptReport>,
    begun: Instant,
    timeout: Duration,
    memory_peak_bytes: u64,
    /// Empty for the oldest.
    output: Output,
    visit: Option<AbortHandle>,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            running: BTreeMap::new(),
            given_up: BTreeSet::new(),
            latest: LOAD_SEQUENCE,
        }
    }
}

impl Calls {
    /// Begins one. Gives back the sequence of its request.
    pub(super) fn begin(&mut self, report: oneshot::Sender<AttemptReport>, begun: Instant, timeout: Duration) -> u32 {
        self.latest = self.latest.wrapping_add(1);
        let running = Running {
            report,
            begun,
            timeout,
            memory_peak_bytes: 0,
            output: Output::default(),
            visit: None,
        };
        self.running.insert(self.latest, running);
        self.latest
    }

    /// What is to be ended with a call.
    pub(super) fn visited(&mut self, sequence: u32, visit: AbortHandle) {
        if let Some(call) = self.running.get_mut(&sequence) {
            call.visit = Some(visit);
        }
    }

    /// True while an answer to this request is due.
    pub(super) fn expects(&self, sequence: u32) -> bool {
        self.running.contains_key(&sequence) || self.given_up.contains(&sequence)
    }

    /// True for the one that has been running longest.
    pub(super) fn is_oldest(&self, sequence: u32) -> bool {
        self.oldest() == Some(sequence)
    }

    fn oldest(&self) -> Option<u32> {
        self.running.first_key_value().map(|(sequence, _)| *sequence)
    }

    /// When the next one's time is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.running.values().map(|call| call.begun + call.timeout).min()
    }

    /// Those whose time is over.
    pub(super) fn over_at(&self, now: Instant) -> Vec<u32> {
        self.select(|call| call.begun + call.timeout <= now)
    }

    /// Those that nobody waits for.
    pub(super) fn unwanted(&self) -> Vec<u32> {
        self.select(|call| call.report.is_closed())
    }

    fn select(&self, chosen: impl Fn(&Running) -> bool) -> Vec<u32> {
        let running = self.running.iter().filter(|(_, call)| chosen(call));
        running.map(|(sequence, _)| *sequence).collect()
    }

    /// Counts memory for all that run: so much was in use at one time while they did.
    pub(super) fn used(&mut self, memory_peak_bytes: u64) {
        for call in self.running.values_mut() {
            call.memory_peak_bytes = call.memory_peak_bytes.max(memory_peak_bytes);
        }
    }

    /// Takes in what a call wrote.
    pub(super) fn wrote(&mut self, sequence: u32, text: &[u8], of_oldest: &mut Output) {
        if self.is_oldest(sequence) {
            of_oldest.push(text);
        } else if let Some(call) = self.running.get_mut(&sequence) {
            call.output.push(text);
        }
    }

    /// Ends one that its answer is not to be waited for.
    pub(super) fn give_up(&mut self, sequence: u32, end: AttemptEnd, of_oldest: &mut Output) {
        self.given_up.insert(sequence);
        self.end(sequence, end, of_oldest);
    }

    /// Ends one.
    pub(super) fn end(&mut self, sequence: u32, end: AttemptEnd, of_oldest: &mut Output) {
        let was_oldest = self.is_oldest(sequence);
        let Some(mut call) = self.running.remove(&sequence) else {
            self.given_up.remove(&sequence);
            return;
        };
        if let Some(visit) = call.visit {
            visit.abort();
        }
        let output = if was_oldest {
            let output = of_oldest.take();
            if let Some(mut next) = self.running.first_entry() {
                *of_oldest = mem::take(&mut next.get_mut().output);
            }
            output
        } else {
            call.output.take()
        };
        let duration = if end == AttemptEnd::TimedOut {
            call.timeout
        } else {
            call.begun.elapsed()
        };
        // Who has gone away hears nothing.
        drop(call.report.send(AttemptReport {
            end,
            duration,
            memory_peak_bytes: call.memory_peak_bytes,
            output,
        }));
    }

    /// Ends all.
    pub(super) fn end_all(&mut self, end: &AttemptEnd, of_oldest: &mut Output) {
        while let Some(sequence) = self.oldest() {
            self.end(sequence, end.clone(), of_oldest);
        }
    }
}

#[cfg(test)]
mod tests;
