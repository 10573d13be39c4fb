//! The task that owns an instance and runs its calls.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use skiff_domain::AttemptEnd;
use skiff_invoker::{Departure, Visit};
use skiff_runtimes::wire::{self, Response};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::calls::Calls;
use super::{Order, Service};
use crate::answer::{self, END_MAX};
use crate::endpoints::Doors;
use crate::exchange::{Line, NoAnswer};
use crate::freezer::Rest;
use crate::graveyard::Held;
use crate::nursery::StemCell;
use crate::talk::Talk;
use crate::web::Web;

/// Owns what runs inside, and kills it when it is dropped.
#[derive(Debug)]
pub(super) struct Host {
    // Dropped in this order: when the sandbox is taken apart, nobody else holds its control group.
    rest: Arc<Rest>,
    sandbox: Held,
    line: Line,
    _doors: Doors,
    talk: Talk,
    arrivals: mpsc::Receiver<Order>,
    service: Arc<Service>,
    calls: Calls,
    visits: JoinSet<(u32, Departure)>,
    /// The request that is being sent, and those after it.
    unsent: Bytes,
    requests: VecDeque<Bytes>,
    ooms: u64,
}

/// What ends all calls of an instance, and itself.
#[derive(Debug)]
enum Fall {
    /// Its memory limit was reached.
    OutOfMemory,
    /// It closed its pipes, mostly by ending.
    Closed,
    /// It said what nobody asked.
    Garbage(String),
}

impl From<NoAnswer> for Fall {
    fn from(why: NoAnswer) -> Self {
        match why {
            NoAnswer::Closed => Self::Closed,
            NoAnswer::Garbage(what) => Self::Garbage(what),
            NoAnswer::TooLarge(bytes) => Self::Garbage(format!("an answer of {bytes} bytes")),
            NoAnswer::TimedOut => Self::Garbage("no answer in time".to_owned()),
        }
    }
}

impl Host {
    pub(super) fn new(cell: StemCell, rest: Arc<Rest>, arrivals: mpsc::Receiver<Order>, service: Arc<Service>) -> Self {
        let StemCell {
            sandbox,
            line,
            doors,
            talk,
        } = cell;
        Self {
            rest,
            sandbox,
            line,
            _doors: doors,
            talk,
            arrivals,
            service,
            calls: Calls::default(),
            visits: JoinSet::new(),
            unsent: Bytes::new(),
            requests: VecDeque::new(),
            ooms: 0,
        }
    }

    /// Runs what is ordered until nobody can order any more, or the instance falls.
    pub(super) async fn serve(mut self) {
        while let Some(order) = self.next().await {
            self.rest.end();
            if let Err(fall) = self.run(order).await {
                self.service.close();
                self.fall(fall).await;
                return;
            }
            if self.service.is_open() {
                self.rest.begin();
            }
        }
        self.service.close();
    }

    /// Waits for a call while there is none.
    async fn next(&mut self) -> Option<Order> {
        if !self.service.is_open() {
            // What was offered in that very moment is still run.
            self.arrivals.close();
            return self.arrivals.recv().await;
        }
        let disturbed = async {
            if self.talk.is_web() {
                self.sandbox.ended().await;
            } else {
                self.line.unasked().await;
            }
        };
        tokio::select! {
            biased;
            order = self.arrivals.recv() => order,
            () = disturbed => None,
        }
    }

    /// Runs a call, and those that come meanwhile, until none is left.
    async fn run(&mut self, order: Order) -> Result<(), Fall> {
        self.begin(order)?;
        let timer = sleep_until(Instant::now());
        tokio::pin!(timer);
        while let Some(deadline) = self.calls.deadline() {
            if self.line.is_deaf() {
                // What it had answered before counts.
                self.hear()?;
                return Err(Fall::Closed);
            }
            if timer.deadline() != deadline {
                timer.as_mut().reset(deadline);
            }
            let news = async {
                if self.talk.is_web() {
                    tokio::select! {
                        _ = self.sandbox.ended() => Err(NoAnswer::Closed),
                        () = self.line.overhear() => Ok(()),
                    }
                } else {
                    self.line.step(&mut self.unsent).await
                }
            };
            tokio::select! {
                biased;
                () = &mut timer => self.time_out()?,
                () = self.service.given_up.notified() => self.let_go()?,
                Some(order) = self.arrivals.recv() => self.begin(order)?,
                Some(left) = self.visits.join_next() => {
                    // One that was aborted has ended before.
                    if let Ok((sequence, departure)) = left {
                        self.departed(sequence, departure)?;
                    }
                }
                happened = news => {
                    happened?;
                    self.hear()?;
                }
            }
            self.send();
        }
        Ok(())
    }

    fn begin(&mut self, order: Order) -> Result<(), Fall> {
        let Order {
            call,
            visit,
            begun,
            report,
        } = order;
        // What was used before is not this call's.
        let surveyed = self.survey();
        let sequence = self.calls.begin(report, begun, call.timeout);
        surveyed?;
        match (&self.talk, visit) {
            (Talk::Web(web), Some(visit)) => {
                let visit = self.visits.spawn(stay(web.clone(), sequence, visit));
                self.calls.visited(sequence, visit);
            }
            (Talk::Frames { .. }, None) => {
                let request = wire::invoke(sequence, &call.context, &call.event);
                let request = request.ok_or_else(|| Fall::Garbage("the event is too large for a frame".to_owned()))?;
                self.requests.push_back(request);
                self.send();
            }
            _ => return Err(Fall::Garbage("it is not spoken to like this".to_owned())),
        }
        Ok(())
    }

    /// Sends what the pipe takes now.
    fn send(&mut self) {
        loop {
            if self.unsent.is_empty() {
                match self.requests.pop_front() {
                    Some(request) => self.unsent = request,
                    None => return,
                }
            }
            self.line.send(&mut self.unsent);
            if !self.unsent.is_empty() {
                return;
            }
        }
    }

    /// Takes what has come.
    fn hear(&mut self) -> Result<(), Fall> {
        loop {
            let calls = &self.calls;
            let frame = self.line.take_frame(|sequence| {
                let unasked = || format!("an answer to {sequence}, which nobody asked or which was answered");
                calls.expects(sequence).then_some(()).ok_or_else(unasked)
            })?;
            match frame {
                None => return Ok(()),
                Some((Response::Output, sequence, text)) => self.calls.wrote(sequence, &text, &mut self.line.output),
                Some((kind, sequence, body)) => match answer::read(Ok((kind, body))) {
                    AttemptEnd::Garbage(what) => return Err(Fall::Garbage(what)),
                    end => self.end(sequence, end)?,
                },
            }
        }
    }

    fn departed(&mut self, sequence: u32, departure: Departure) -> Result<(), Fall> {
        if matches!(departure, Departure::Broken(_)) {
            self.service.close();
        }
        self.end(sequence, answer::departed(departure))
    }

    fn end(&mut self, sequence: u32, end: AttemptEnd) -> Result<(), Fall> {
        self.survey()?;
        if self.calls.is_oldest(sequence) {
            self.line.drain_output();
        }
        self.calls.end(sequence, end, &mut self.line.output);
        Ok(())
    }

    /// Ends those whose time is over.
    fn time_out(&mut self) -> Result<(), Fall> {
        self.abandon(self.calls.over_at(Instant::now()), &AttemptEnd::TimedOut)
    }

    /// Ends those that nobody waits for.
    fn let_go(&mut self) -> Result<(), Fall> {
        self.abandon(self.calls.unwanted(), &AttemptEnd::Left)
    }

    /// Ends calls without their answer. What they do inside cannot be stopped alone: the instance ends after the others.
    fn abandon(&mut self, sequences: Vec<u32>, end: &AttemptEnd) -> Result<(), Fall> {
        if sequences.is_empty() {
            return Ok(());
        }
        self.service.close();
        let surveyed = self.survey();
        self.line.drain_output();
        for sequence in sequences {
            self.calls.give_up(sequence, end.clone(), &mut self.line.output);
        }
        surveyed
    }

    /// Looks at the memory: the most that was in use since the last time counts for every call that runs.
    fn survey(&mut self) -> Result<(), Fall> {
        let cgroup = self.sandbox.cgroup();
        let usage = cgroup.memory_use();
        self.calls.used(usage.peak_bytes);
        // A kernel that cannot begin anew tells the most of the instance's life.
        let _ = cgroup.restart_peak();
        // A killed child leaves its parent running and its exit code 0: the counter alone is to be trusted.
        if usage.oom_kills > self.ooms {
            return Err(Fall::OutOfMemory);
        }
        Ok(())
    }

    /// Ends all calls.
    async fn fall(&mut self, fall: Fall) {
        let end = match fall {
            Fall::OutOfMemory => AttemptEnd::OutOfMemory,
            Fall::Garbage(what) => AttemptEnd::Garbage(what),
            Fall::Closed => AttemptEnd::Exited(match timeout(END_MAX, self.sandbox.ended()).await {
                Ok(exit) => exit.to_string(),
                Err(_) => "its pipes are closed".to_owned(),
            }),
        };
        let end = self.survey().map_or(AttemptEnd::OutOfMemory, |()| end);
        self.line.drain_output();
        self.calls.end_all(&end, &mut self.line.output);
    }
}

/// Lets a visitor in and waits until it leaves. If its connection broke off the server may be breaking down: then how that
/// ended says more, so there is time to hear of it.
async fn stay(web: Web, sequence: u32, visit: Visit) -> (u32, Departure) {
    let departure = web.receive_one(visit).await;
    if matches!(departure, Departure::Broken(_)) {
        sleep(END_MAX).await;
    }
    (sequence, departure)
}
