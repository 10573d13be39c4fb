//! One attempt: from accepted to its one record, whatever happens on the way.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use skiff_domain::limits::LOG_LINE_BYTES_MAX;
use skiff_domain::text::cut;
use skiff_domain::{
    AttemptEnd, AttemptRecord, AttemptReport, InitOutput, InitReport, Invocation, Outcome, StartError, StatusCode,
};

use crate::log::{LogParts, billed_ms, compose};
use crate::port::Recorder;
use crate::running::RunningCall;
use crate::span::{Span, Time};
use crate::verdict::{Canceler, Verdict};

/// An attempt that has no outcome yet. Dropping it says that the caller went away.
pub(crate) struct Attempt<'a> {
    recorder: &'a dyn Recorder,
    invocation: Invocation,
    started_at: jiff::Timestamp,
    /// What loading wrote, for the log.
    init_output: Bytes,
    /// What the platform has to say about that, for the log.
    init_notes: Vec<String>,
    /// What starting the instance took, when it was started for this call.
    init: Option<InitReport>,
    /// True when an instance was started for this call, even if in vain.
    cold: bool,
    /// Since the event was handed over.
    span: Option<Span>,
    /// False once it is recorded.
    open: bool,
}

/// What an attempt used and said.
#[derive(Default)]
struct Usage {
    time: Time,
    memory_peak_bytes: u64,
    output: Bytes,
}

impl<'a> Attempt<'a> {
    /// Accepts an invocation. The wall clock is read here and nowhere else in this crate.
    pub(crate) fn accept(recorder: &'a dyn Recorder, invocation: Invocation) -> Self {
        Self {
            recorder,
            invocation,
            started_at: jiff::Timestamp::now(),
            init_output: Bytes::new(),
            init_notes: Vec::new(),
            init: None,
            cold: false,
            span: None,
            open: true,
        }
    }

    /// What is said of it while it runs.
    pub(crate) fn running(&self) -> RunningCall {
        RunningCall {
            version: Arc::clone(&self.invocation.version),
            started_at: self.started_at,
        }
    }

    pub(crate) fn invocation(&self) -> &Invocation {
        &self.invocation
    }

    /// Notes what loading the instance took and wrote; the first call of an instance tells it.
    pub(crate) fn note_init(&mut self, mut init: InitReport, cold: bool) {
        self.add_to_log(&init.output, init.note.take());
        self.init = cold.then_some(init);
        self.cold = cold;
    }

    /// Notes that an instance ended before it had read anything of the event: it is with no handler, and costs nothing yet.
    pub(crate) fn note_unread(&mut self, how: &str, output: &Bytes) {
        let note = format!("an instance ended before it had read the event, which was given to another one: {how}");
        self.add_to_log(output, Some(note));
        self.span = None;
    }

    /// Adds to what is said in the log before the handler runs.
    fn add_to_log(&mut self, output: &Bytes, note: Option<String>) {
        self.init_notes.extend(note);
        self.init_output = if self.init_output.is_empty() {
            output.clone()
        } else {
            [&self.init_output[..], output].concat().into()
        };
    }

    /// Notes that the event is with the handler from now on.
    pub(crate) fn note_hand_over(&mut self, span: Span) {
        self.span = Some(span);
    }

    /// Ends with what the worker reports.
    pub(crate) fn end_run(mut self, report: AttemptReport) -> Outcome {
        let limit = self.invocation.version.timeout;
        let time = match report.end {
            AttemptEnd::TimedOut => self.end_span(Some(limit)).at_most(limit),
            _ => self.end_span(Some(report.duration)),
        };
        let Invocation { id, version, .. } = &self.invocation;
        let usage = Usage {
            time,
            memory_peak_bytes: report.memory_peak_bytes,
            output: report.output,
        };
        let verdict = Verdict::of_run(report.end, *id, version);
        self.conclude(verdict, &usage)
    }

    /// Ends because no instance could be started. No handler ran, so nothing is billed.
    pub(crate) fn end_failed_start(mut self, error: StartError) -> Outcome {
        self.cold = true;
        let mut usage = Usage::default();
        if let Some(InitOutput {
            output,
            memory_peak_bytes,
            ..
        }) = error.init_output()
        {
            self.init_output = output.clone();
            usage.memory_peak_bytes = *memory_peak_bytes;
        }
        let verdict = Verdict::of_failed_start(error, self.invocation.id, &self.invocation.version);
        self.conclude(verdict, &usage)
    }

    /// Ends without a report of the worker's, billed for as long as it ran.
    pub(crate) fn end_without_report(mut self, verdict: Verdict) -> Outcome {
        let usage = self.usage_so_far();
        self.conclude(verdict, &usage)
    }

    fn usage_so_far(&mut self) -> Usage {
        // The worker ends a run at its timeout; whatever went wrong with that is not the user's to pay.
        let limit = self.invocation.version.timeout;
        Usage {
            time: self.end_span(None).at_most(limit),
            ..Usage::default()
        }
    }

    /// How long it ran, if it did.
    fn end_span(&mut self, told: Option<Duration>) -> Time {
        self.span.as_mut().map_or_else(Time::default, |span| span.end(told))
    }

    fn conclude(mut self, verdict: Verdict, usage: &Usage) -> Outcome {
        let log = self.record(&verdict, usage);
        Outcome {
            request_id: self.invocation.id,
            status: verdict.status,
            ret_msg: verdict.ret_msg,
            err_msg: verdict.err_msg,
            duration: usage.time.duration,
            billed_ms: usage.time.billed_ms,
            memory_peak_bytes: usage.memory_peak_bytes,
            init: self.init.take(),
            log,
        }
    }

    /// Writes the attempt's log and hands in its record.
    fn record(&mut self, verdict: &Verdict, usage: &Usage) -> Bytes {
        self.open = false;
        let Invocation {
            id,
            version,
            qualifier,
            origin,
            ..
        } = &self.invocation;
        let log = compose(
            *id,
            &LogParts {
                init_notes: &self.init_notes,
                init_output: &self.init_output,
                event: self.span.is_some(),
                output: &usage.output,
                note: verdict.note.as_deref(),
                error: (verdict.status != StatusCode::Success).then_some(&verdict.ret_msg),
                duration_ms: billed_ms(usage.time.duration),
                memory_mb: version.memory_mb,
                memory_peak_bytes: usage.memory_peak_bytes,
            },
        );
        let kept = cut(&verdict.ret_msg, LOG_LINE_BYTES_MAX).len();
        self.recorder.record(AttemptRecord {
            request_id: *id,
            uid: version.uid.clone(),
            key: version.key.clone(),
            label: version.label.clone(),
            qualifier: qualifier.clone(),
            started_at: self.started_at,
            status: verdict.status,
            duration: usage.time.duration,
            billed_ms: usage.time.billed_ms,
            memory_mb: version.memory_mb,
            memory_peak_bytes: usage.memory_peak_bytes,
            retry_num: 0,
            origin: *origin,
            cold_start: self.cold,
            // A copy: a slice would keep all of the result for as long as the record lives.
            ret_msg: Bytes::copy_from_slice(&verdict.ret_msg[..kept]),
            log: log.clone(),
        });
        log
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.open {
            let verdict = Verdict::of_canceled(Canceler::Caller, self.invocation.id);
            let usage = self.usage_so_far();
            self.record(&verdict, &usage);
        }
    }
}
