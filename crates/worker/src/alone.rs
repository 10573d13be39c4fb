//! An instance that runs one event at a time.

use std::sync::Arc;

use skiff_domain::{AttemptEnd, AttemptReport, Call};
use skiff_invoker::{Departure, Visit};
use skiff_runtimes::wire::Response;
use skiff_sandbox::Killer;
use tokio::time::{Instant, timeout};

use crate::answer::{self, END_MAX};
use crate::endpoints::Doors;
use crate::exchange::{Line, NoAnswer};
use crate::freezer::Rest;
use crate::graveyard::Held;
use crate::nursery::StemCell;
use crate::talk::Talk;

/// An instance of one version. Dropping it kills what runs inside.
#[derive(Debug)]
pub(crate) struct Alone {
    // Dropped in this order: when the sandbox is taken apart, nobody else holds its control group.
    rest: Arc<Rest>,
    sandbox: Held,
    line: Line,
    _doors: Doors,
    talk: Talk,
    alive: bool,
    ooms: u64,
}

/// Kills when dropped armed: what a call was doing cannot be taken back.
struct Trigger(Option<Killer>);

impl Drop for Trigger {
    fn drop(&mut self) {
        if let Some(killer) = self.0.take() {
            killer.kill();
        }
    }
}

impl Alone {
    /// An instance out of a stem cell that has taken its code.
    pub(crate) fn new(cell: StemCell, rest: Arc<Rest>) -> Self {
        let StemCell {
            sandbox,
            line,
            doors,
            talk,
        } = cell;
        Self {
            sandbox,
            line,
            _doors: doors,
            talk,
            alive: true,
            ooms: 0,
            rest,
        }
    }
}

/// What an instance made of what it was asked.
enum Made {
    /// An answer, or none.
    Answer(Result<(Response, bytes::Bytes), NoAnswer>),
    /// A visit.
    Visit(Result<Departure, NoAnswer>),
}

impl Alone {
    /// Runs one event, or lets somebody in.
    ///
    /// # Cancel safety
    /// Dropping the future kills the instance.
    pub(crate) async fn run(&mut self, call: Call, visit: Option<Visit>) -> AttemptReport {
        if !self.alive {
            return answer::dead_already(call.event, visit.as_ref());
        }
        // Until the end is known: a future dropped on the way leaves a dead instance.
        self.alive = false;
        let mut trigger = Trigger(Some(self.sandbox.killer()));
        self.rest.end();
        let started = Instant::now();
        let deadline = started + call.timeout;
        let Self {
            talk, line, sandbox, ..
        } = self;
        let is_event = visit.is_none();
        let made = match visit {
            None => Made::Answer(talk.invoke(line, sandbox, &call, deadline).await),
            Some(visit) => Made::Visit(talk.visit(line, sandbox, visit, deadline).await),
        };
        let duration = started.elapsed();
        let orderly = matches!(
            made,
            Made::Answer(Ok((
                Response::Returned | Response::Wrote | Response::Raised | Response::TooLarge,
                _
            ))) | Made::Visit(Ok(Departure::Answered(_)
                | Departure::TooLarge { .. }
                | Departure::Gone
                | Departure::Idle
                | Departure::Aborted))
        );
        let mut end = match made {
            Made::Answer(answer) => answer::read(answer),
            Made::Visit(Ok(departure)) => self.departed(departure).await,
            Made::Visit(Err(error)) => answer::read(Err(error)),
        };
        if end == AttemptEnd::Exited(String::new()) {
            end = match timeout(END_MAX, self.sandbox.ended()).await {
                // Nobody is left who could read it now.
                Ok(exit) if is_event && self.talk.is_unread(&self.line) => AttemptEnd::Unread {
                    event: call.event.clone(),
                    how: exit.to_string(),
                },
                Ok(exit) => AttemptEnd::Exited(exit.to_string()),
                Err(_) => AttemptEnd::Exited("its pipes are closed".to_owned()),
            };
        }
        let usage = self.sandbox.cgroup().memory_use();
        // A killed child leaves its parent running and its exit code 0: the counter alone is to be trusted.
        if usage.oom_kills > self.ooms && !matches!(end, AttemptEnd::TimedOut) {
            end = AttemptEnd::OutOfMemory;
        }
        self.ooms = usage.oom_kills;
        if orderly && !self.talk.asks_to_end() && !matches!(end, AttemptEnd::Garbage(_) | AttemptEnd::OutOfMemory) {
            trigger.0 = None;
            self.alive = true;
            self.rest.begin();
        }
        let duration = if matches!(end, AttemptEnd::TimedOut) {
            call.timeout
        } else {
            duration
        };
        AttemptReport {
            end,
            duration,
            memory_peak_bytes: usage.peak_bytes,
            output: self.line.output.take(),
        }
    }

    /// What became of a visit.
    async fn departed(&mut self, departure: Departure) -> AttemptEnd {
        match departure {
            // It may be breaking down: then how it ended says more.
            Departure::Broken(how) => match timeout(END_MAX, self.sandbox.ended()).await {
                Ok(exit) => AttemptEnd::Exited(exit.to_string()),
                Err(_) => AttemptEnd::Garbage(how),
            },
            other => answer::departed(other),
        }
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.alive && !self.sandbox.has_ended() && !self.talk.is_closed(&self.line)
    }
}
