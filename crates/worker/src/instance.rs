//! One initialised instance: runs one event at a time.

use std::sync::Arc;
use std::time::Duration;

use skiff_domain::limits::RESULT_BYTES_MAX;
use skiff_domain::{AttemptEnd, AttemptReport, Call, UserFault};
use skiff_invoker::{Departure, Instance, Visit};
use skiff_runtimes::wire::Response;
use skiff_sandbox::Killer;
use tokio::time::{Instant, timeout};

use crate::endpoints::Doors;
use crate::exchange::{Line, NoAnswer};
use crate::freezer::Rest;
use crate::graveyard::Held;
use crate::nursery::StemCell;
use crate::talk::Talk;

/// How long a process that closed its pipes may take to be reported dead.
const END_MAX: Duration = Duration::from_secs(1);

/// An instance of one version. Dropping it kills what runs inside.
#[derive(Debug)]
pub struct WorkerInstance {
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

impl WorkerInstance {
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

    /// What the answer means, before anybody looks at the memory.
    fn read(&self, answer: Result<(Response, bytes::Bytes), NoAnswer>) -> AttemptEnd {
        match answer {
            Ok((Response::Returned, body)) if body.len() > RESULT_BYTES_MAX => AttemptEnd::ResponseTooLarge {
                bytes: body.len() as u64,
            },
            Ok((Response::Returned, body)) if self.talk.is_verbatim() => AttemptEnd::Returned(body),
            Ok((Response::Returned, body)) => {
                // The runtime wrote JSON; whatever else writes here may not have. serde_json skips over the inside of a
                // string it ignores without looking at its encoding.
                let is_json = std::str::from_utf8(&body)
                    .is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
                if is_json {
                    AttemptEnd::Returned(body)
                } else {
                    AttemptEnd::Garbage("the result is not JSON".to_owned())
                }
            }
            Ok((Response::Raised, body)) => match serde_json::from_slice::<UserFault>(&body) {
                Ok(fault) => AttemptEnd::Raised(fault),
                Err(_) => AttemptEnd::Garbage("the error report is not JSON".to_owned()),
            },
            Ok((Response::TooLarge, body)) => {
                let bytes = std::str::from_utf8(&body)
                    .ok()
                    .and_then(|text| text.parse().ok())
                    .unwrap_or(0);
                AttemptEnd::ResponseTooLarge { bytes }
            }
            Ok((other, _)) => AttemptEnd::Garbage(format!("{other:?} instead of a result")),
            Err(NoAnswer::TimedOut) => AttemptEnd::TimedOut,
            Err(NoAnswer::TooLarge(bytes)) => AttemptEnd::ResponseTooLarge { bytes },
            Err(NoAnswer::Garbage(what)) => AttemptEnd::Garbage(what),
            Err(NoAnswer::Closed) => AttemptEnd::Exited(String::new()),
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

impl WorkerInstance {
    async fn run(&mut self, call: Call, visit: Option<Visit>) -> AttemptReport {
        if !self.alive {
            return dead_already();
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
        let made = match visit {
            None => Made::Answer(talk.invoke(line, sandbox, &call, deadline).await),
            Some(visit) => Made::Visit(talk.visit(line, sandbox, visit, deadline).await),
        };
        let duration = started.elapsed();
        let orderly = matches!(
            made,
            Made::Answer(Ok((Response::Returned | Response::Raised | Response::TooLarge, _)))
                | Made::Visit(Ok(Departure::Answered(_)
                    | Departure::TooLarge { .. }
                    | Departure::Gone
                    | Departure::Idle
                    | Departure::Aborted))
        );
        let mut end = match made {
            Made::Answer(answer) => self.read(answer),
            Made::Visit(Ok(departure)) => self.departed(departure).await,
            Made::Visit(Err(error)) => self.read(Err(error)),
        };
        if end == AttemptEnd::Exited(String::new()) {
            let text = match timeout(END_MAX, self.sandbox.ended()).await {
                Ok(exit) => exit.to_string(),
                Err(_) => "its pipes are closed".to_owned(),
            };
            end = AttemptEnd::Exited(text);
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
            Departure::Answered(status) => AttemptEnd::Returned(format!("{{\"statusCode\":{status}}}").into()),
            Departure::TooLarge { bytes } => AttemptEnd::ResponseTooLarge { bytes },
            Departure::Gone => AttemptEnd::Left,
            Departure::Idle => AttemptEnd::SocketIdle,
            Departure::Aborted => AttemptEnd::SocketAborted,
            // It may be breaking down: then how it ended says more.
            Departure::Broken(how) => match timeout(END_MAX, self.sandbox.ended()).await {
                Ok(exit) => AttemptEnd::Exited(exit.to_string()),
                Err(_) => AttemptEnd::Garbage(how),
            },
        }
    }
}

impl Instance for WorkerInstance {
    async fn invoke(&mut self, call: Call) -> AttemptReport {
        self.run(call, None).await
    }

    async fn visit(&mut self, call: Call, visit: Visit) -> AttemptReport {
        self.run(call, Some(visit)).await
    }

    fn share(&self) -> Self {
        unreachable!("no version's concurrency is above 1 yet")
    }

    fn is_alive(&self) -> bool {
        self.alive && !self.sandbox.has_ended() && !self.talk.is_closed(&self.line)
    }
}

fn dead_already() -> AttemptReport {
    AttemptReport {
        end: AttemptEnd::Exited("ended before the event came".to_owned()),
        duration: Duration::ZERO,
        memory_peak_bytes: 0,
        output: bytes::Bytes::new(),
    }
}
