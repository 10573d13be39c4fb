//! Does what the schedule decides: waits, starts, runs, gives up. Holds its lock for a few moves and never while it
//! waits.

mod starts;

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use skiff_domain::{
    Allotment, AttemptEnd, AttemptReport, Call, FunctionUid, InitReport, Invocation, Outcome, Qualifier, RequestId,
    StartError, Version,
};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::attempt::Attempt;
use crate::context::ContextTemplate;
use crate::event::{self, InvalidEvent};
use crate::event_memory::EventMemory;
use crate::meter::Meter;
use crate::port::{FunctionLoad, Instance, Instances, Invoke, Recorder, Visit};
use crate::running::{Running, RunningCall};
use crate::schedule::{Action, Lent, Returned, Schedule};
use crate::seat::{Seat, Supply};
use crate::seldom::Seldom;
use crate::settings::{Identity, Limits};
use crate::span::Span;
use crate::verdict::{Canceler, Verdict};

/// How much longer than its limit a run or a start may take before the worker, who enforces the limit, is taken to be
/// stuck. Far above what ending an instance takes.
const WORKER_GRACE: Duration = Duration::from_secs(10);
/// How long `shutdown` waits for calls it has cut short to be gone.
const CUT_GRACE: Duration = Duration::from_secs(5);
/// How many instances an event is given to, one after another, where they end before they have read anything of it. More
/// than one is caught ending only where the code ends its process after each event, or on purpose.
const INSTANCES_PER_EVENT_MAX: u32 = 3;
/// How often the operator is told at most that there is no room: one full machine refuses thousands of calls a second.
const NO_ROOM_NEWS_PERIOD: Duration = Duration::from_secs(10);

/// Runs invocations: the one place that knows every instance's state.
pub struct Invoker<I: Instances> {
    shared: Arc<Shared<I>>,
}

/// What calls, starts and the reaper share.
pub(crate) struct Shared<I: Instances> {
    instances: Arc<I>,
    recorder: Arc<dyn Recorder>,
    identity: Identity,
    event_bytes_max: usize,
    event_memory: EventMemory,
    pub(crate) schedule: Mutex<Schedule<Warm<I::Instance>, Waiter<I>>>,
    running: Running,
    no_room_news: Seldom,
    /// Wakes the reaper when there are idle instances again.
    pub(crate) idle: Notify,
    /// Has what is kept ready looked after.
    pub(crate) provision: Notify,
    /// Wakes `shutdown` when the last call is gone.
    drained: Notify,
    /// Cuts running calls short.
    cut: CancellationToken,
    /// Ends starts and the tasks of `upkeep`.
    pub(crate) stop: CancellationToken,
    tasks: TaskTracker,
}

type Waiter<I> = oneshot::Sender<Supply<<I as Instances>::Instance>>;
type Step<I> = Action<Warm<<I as Instances>::Instance>, Waiter<I>>;

/// A handle at an initialised instance.
pub(crate) struct Warm<T> {
    instance: T,
    common: Arc<Common>,
}

/// What all handles at an instance have in common: what its calls need at hand.
pub(crate) struct Common {
    context: ContextTemplate,
    /// Until the first call has told it.
    init: Mutex<Option<InitReport>>,
    /// Where it takes several events at once.
    meter: Option<Arc<Mutex<Meter>>>,
}

impl<T: Instance> Warm<T> {
    pub(crate) fn is_alive(&self) -> bool {
        self.instance.is_alive()
    }
}

impl<T: Instance> Clone for Warm<T> {
    fn clone(&self) -> Self {
        Self {
            instance: self.instance.share(),
            common: Arc::clone(&self.common),
        }
    }
}

impl<I: Instances> Invoker<I> {
    /// An invoker with no instance yet. Must be called in a tokio runtime: it starts the task that lets idle
    /// instances go.
    pub fn new(instances: Arc<I>, recorder: Arc<dyn Recorder>, limits: Limits, identity: Identity) -> Self {
        let shared = Arc::new(Shared {
            instances,
            recorder,
            identity,
            event_bytes_max: limits.event_bytes_max,
            event_memory: EventMemory::new(limits.event_memory_bytes),
            schedule: Mutex::new(Schedule::new(limits)),
            running: Running::default(),
            no_room_news: Seldom::new(NO_ROOM_NEWS_PERIOD),
            idle: Notify::new(),
            provision: Notify::new(),
            drained: Notify::new(),
            cut: CancellationToken::new(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        shared.tasks.spawn(Arc::clone(&shared).reap());
        shared.tasks.spawn(Arc::clone(&shared).provision());
        Self { shared }
    }

    /// Deals the account's concurrency out anew, from the next call on.
    pub fn allot(&self, allotment: &Allotment) {
        self.shared.schedule.lock().allot(allotment);
        self.shared.provision.notify_one();
        // What is no longer kept ready grows old.
        self.shared.idle.notify_one();
    }

    /// Refuses new calls, waits until `deadline` for those that run, cuts short what is left and lets every instance
    /// go. A call that is cut short ends as canceled (499).
    ///
    /// # Cancel safety
    /// Dropping the future leaves the invoker refusing new calls; it may be called again.
    pub async fn shutdown(&self, deadline: Instant) {
        let shared = &self.shared;
        let let_go = shared.schedule.lock().close();
        drop(let_go);
        if timeout_at(deadline, shared.wait_until_drained()).await.is_err() {
            shared.cut.cancel();
            if timeout(CUT_GRACE, shared.wait_until_drained()).await.is_err() {
                tracing::warn!("calls are left whose callers neither wait for them nor give them up");
            }
        }
        shared.stop.cancel();
        shared.tasks.close();
        shared.tasks.wait().await;
    }
}

impl<I: Instances> Drop for Invoker<I> {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

#[async_trait]
impl<I: Instances> Invoke for Invoker<I> {
    async fn invoke(&self, mut invocation: Invocation) -> Outcome {
        let event = event::check(mem::take(&mut invocation.event), self.shared.event_bytes_max);
        self.carry_out(invocation, event.map(Work::Event)).await
    }

    async fn visit(&self, invocation: Invocation, visit: Visit) -> Outcome {
        self.carry_out(invocation, Ok(Work::Visit(visit))).await
    }

    fn retire(&self, uid: &FunctionUid, label: Option<&Qualifier>) {
        let let_go = self.shared.schedule.lock().retire(uid, label);
        drop(let_go);
    }

    fn running(&self, id: RequestId) -> Option<RunningCall> {
        self.shared.running.get(id)
    }

    fn load(&self) -> Vec<FunctionLoad> {
        self.shared.schedule.lock().load()
    }
}

/// What an instance is to do.
enum Work {
    Event(Bytes),
    Visit(Visit),
}

impl Work {
    /// What it has in memory until the call has ended.
    fn bytes(&self) -> usize {
        match self {
            Self::Event(event) => event.len(),
            Self::Visit(visit) => visit.body_bytes,
        }
    }

    /// Ends when nobody is there any more to be let in. Whoever sent an event says so by dropping the call.
    async fn given_up(&mut self) {
        match self {
            Self::Event(_) => std::future::pending().await,
            Self::Visit(visit) => visit.enter.closed().await,
        }
    }
}

impl<I: Instances> Invoker<I> {
    /// One call, from accepted to recorded.
    async fn carry_out(&self, invocation: Invocation, work: Result<Work, InvalidEvent>) -> Outcome {
        let shared = &self.shared;
        let version = Arc::clone(&invocation.version);
        let id = invocation.id;
        // In this order: a call given up gives back its seat first and is recorded then.
        let attempt = Attempt::accept(&*shared.recorder, invocation);
        // And known to run until then.
        let _running = shared.running.enter(id, attempt.running());
        let mut attempt = attempt;
        let mut work = match work {
            Ok(work) => work,
            Err(error) => return attempt.end_without_report(Verdict::of_invalid_event(&error, id)),
        };
        let _held = match shared.event_memory.hold(work.bytes()) {
            Ok(held) => held,
            Err(no_room) => return attempt.end_without_report(Verdict::of_full_memory(no_room, id)),
        };
        let mut instances = 0;
        let (seat, ended) = loop {
            let mut seat = match Seat::take(shared, &version) {
                Ok(seat) => seat,
                Err(refusal) => return attempt.end_without_report(Verdict::of_refusal(&refusal, id, &version)),
            };
            let ended = tokio::select! {
                biased;
                ended = shared.run(&mut seat, &mut attempt, work) => ended,
                () = shared.cut.cancelled() => Ended::Cut,
            };
            instances += 1;
            match ended {
                Ended::Reported(report) if instances < INSTANCES_PER_EVENT_MAX => match report.end {
                    AttemptEnd::Unread { event, how } => {
                        attempt.note_unread(&how, &report.output);
                        work = Work::Event(event);
                    }
                    end => break (seat, Ended::Reported(AttemptReport { end, ..report })),
                },
                ended => break (seat, ended),
            }
        };
        // The seat goes first: when the caller reads its answer, the next call finds the instance.
        match ended {
            Ended::Reported(report) => {
                if survives(&report.end) {
                    seat.give_back();
                } else {
                    drop(seat);
                }
                attempt.end_run(report)
            }
            Ended::NotStarted(error) => {
                drop(seat);
                attempt.end_failed_start(error)
            }
            Ended::Left => {
                drop(seat);
                attempt.end_without_report(Verdict::of_canceled(Canceler::Caller, id))
            }
            Ended::Stuck => {
                drop(seat);
                attempt.end_without_report(Verdict::of_silence(id))
            }
            Ended::Cut => {
                drop(seat);
                attempt.end_without_report(Verdict::of_canceled(Canceler::Operator, id))
            }
        }
    }
}

/// How a call's run came to an end.
enum Ended {
    /// The worker told.
    Reported(AttemptReport),
    /// There was no instance to run on.
    NotStarted(StartError),
    /// Whoever called went away before there was one.
    Left,
    /// The worker did not end it in time.
    Stuck,
    /// The operator ended it.
    Cut,
}

/// True when the instance lives on after such an end.
const fn survives(end: &AttemptEnd) -> bool {
    match end {
        AttemptEnd::Returned(_)
        | AttemptEnd::Raised(_)
        | AttemptEnd::ResponseTooLarge { .. }
        | AttemptEnd::Left
        | AttemptEnd::SocketIdle
        | AttemptEnd::SocketAborted => true,
        AttemptEnd::TimedOut
        | AttemptEnd::OutOfMemory
        | AttemptEnd::Exited(_)
        | AttemptEnd::Unread { .. }
        | AttemptEnd::Garbage(_) => false,
    }
}

impl<I: Instances> Shared<I> {
    /// Waits for the instance and runs the event on it.
    async fn run(&self, seat: &mut Seat<'_, I>, attempt: &mut Attempt<'_>, mut work: Work) -> Ended {
        let has_waited = seat.has_waited();
        let supplied = tokio::select! {
            biased;
            supplied = seat.instance() => supplied,
            () = work.given_up() => return Ended::Left,
        };
        let Warm { instance, common } = match supplied {
            Ok(lent) => &mut lent.instance,
            Err(error) => return Ended::NotStarted(error),
        };
        if let Some(init) = common.init.lock().take() {
            attempt.note_init(init, has_waited);
        }
        let Invocation { id, version, .. } = attempt.invocation();
        let (event, visit) = match work {
            Work::Event(event) => (event, None),
            Work::Visit(visit) => (Bytes::new(), Some(visit)),
        };
        let call = Call {
            request_id: *id,
            event,
            context: common.context.complete(*id),
            timeout: version.timeout,
        };
        let patience = version.timeout + WORKER_GRACE;
        attempt.note_hand_over(Span::begin(common.meter.as_ref()));
        let ran = timeout(patience, async move {
            match visit {
                None => instance.invoke(call).await,
                Some(visit) => instance.visit(call, visit).await,
            }
        });
        match ran.await {
            Ok(report) => Ended::Reported(report),
            Err(_) => {
                tracing::error!(request_id = %attempt.invocation().id, "a run did not end; its instance is let go");
                Ended::Stuck
            }
        }
    }

    /// Ends a call's part in the schedule.
    pub(crate) fn finish(&self, version: &Arc<Version>, returned: Returned<Warm<I::Instance>>) {
        let now = Instant::now().into_std();
        let (action, is_drained) = {
            let mut schedule = self.schedule.lock();
            let action = schedule.finish(version, returned, now);
            (action, schedule.is_drained())
        };
        self.perform(version, action);
        if is_drained {
            self.drained.notify_waiters();
        }
    }

    /// Brings back an instance that was on its way to a call that is gone.
    pub(crate) fn return_unclaimed(&self, version: &Version, lent: Lent<Warm<I::Instance>>) {
        let returned = lent.give_back();
        let action = self
            .schedule
            .lock()
            .unclaimed(version, returned, Instant::now().into_std());
        self.perform(version, action);
    }

    /// Does what the schedule says, until nothing is left to do.
    fn perform(&self, version: &Version, mut action: Option<Step<I>>) {
        while let Some(step) = action.take() {
            match step {
                Action::Give { to, lent } => {
                    if let Err(Ok(lent)) = to.send(Ok(lent)) {
                        let returned = lent.give_back();
                        action = self
                            .schedule
                            .lock()
                            .unclaimed(version, returned, Instant::now().into_std());
                    }
                }
                // A waiter that is gone needs no answer.
                Action::Fail { to, error } => drop(to.send(Err(error))),
                Action::Drop(instance) => drop(instance),
                Action::WatchIdle => self.idle.notify_one(),
            }
        }
    }

    async fn wait_until_drained(&self) {
        loop {
            let drained = self.drained.notified();
            if self.schedule.lock().is_drained() {
                return;
            }
            drained.await;
        }
    }
}

#[cfg(test)]
mod tests;
