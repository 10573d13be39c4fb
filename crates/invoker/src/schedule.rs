//! Who runs on which instance and who waits: decided here, done by the caller.
//!
//! Pure: no I/O, no clock, no task. Time comes in as `now`; what has to happen outside comes back as an [`Action`]
//! or as instances to let go, to be done after the lock is let go. Instances (`I`) and waiters (`W`) are moved in and out, so an instance cannot be
//! in two hands.
//!
//! Invariants, checked by the simulation: a function's and the account's calls stay within their quotas; a pool has
//! at least as many starts in flight as calls waiting, and begins one only when it has fewer; waiters are served in
//! the order they came; an instance serves only the revision it was started for.

mod pool;
mod provision;
mod quota;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use skiff_domain::{FunctionUid, Qualifier, StartError, Version};

use crate::port::FunctionLoad;
use crate::settings::Limits;
use pool::{Function, Placed, Pool};
use provision::Round;
use quota::Quota;

/// A place in a queue. Unique for the life of the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// Counts how often a pool's instances were told to go. One of an older era takes no further call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Era(u64);

/// An instance in a call's hands.
#[derive(Debug)]
pub(crate) struct Lent<I> {
    /// The instance.
    pub instance: I,
    /// True when it was started for whoever holds it and has served nobody before.
    pub cold: bool,
    era: Era,
}

/// A start to be made. Comes back as `started` or `start_failed`, exactly once.
#[derive(Debug)]
pub(crate) struct Start {
    /// Of what.
    pub version: Arc<Version>,
    era: Era,
    /// The try at having ready what is missing that it is part of; none of a call's.
    round: Option<Round>,
}

/// How an accepted call goes on. It ends with exactly one `finish`.
#[derive(Debug)]
pub(crate) enum Arrival<I, R> {
    /// On this instance.
    Run(Lent<I>),
    /// By waiting for whichever instance is free first.
    Wait {
        /// Its place.
        ticket: Ticket,
        /// What has to be started for it.
        start: Option<Start>,
        /// Where it will be told.
        supply: R,
    },
}

/// Why a call is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The function has as many calls as it may have (432).
    FunctionConcurrency {
        /// Its quota, in MB.
        quota_mb: u64,
    },
    /// The calls of all functions need as much memory as they may have (432).
    AccountConcurrency {
        /// The quota, in MB.
        quota_mb: u64,
    },
    /// As many calls of the function wait for an instance as may wait (429).
    WaitingFull {
        /// That many.
        waiting_max: u32,
    },
    /// The service is stopping (500).
    Stopping,
}

/// What a call did with what it was given.
#[derive(Debug)]
pub(crate) enum Returned<I> {
    /// It never held an instance.
    Nothing,
    /// Its instance is gone.
    Dead,
    /// Its instance can take another event.
    Alive(Lent<I>),
}

/// What has to be done outside.
#[derive(Debug)]
pub(crate) enum Action<I, W> {
    /// Hand the instance over; if nobody is there any more, bring it back with `unclaimed`.
    Give {
        /// To this waiter.
        to: W,
        /// The instance.
        lent: Lent<I>,
    },
    /// Tell a waiter that nothing will serve it.
    Fail {
        /// This waiter.
        to: W,
        /// Why.
        error: StartError,
    },
    /// Let an instance go.
    Drop(I),
    /// There are idle instances again: have `reap` called.
    WatchIdle,
}

/// Every function's instances and calls.
#[derive(Debug)]
pub(crate) struct Schedule<I, W> {
    limits: Limits,
    functions: HashMap<FunctionUid, Function<I, W>>,
    quota: Quota,
    running: u32,
    tickets: u64,
    idle_watched: bool,
    closed: bool,
}

impl<I, W> Schedule<I, W> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            quota: Quota::new(&limits),
            limits,
            functions: HashMap::new(),
            running: 0,
            tickets: 0,
            idle_watched: false,
            closed: false,
        }
    }

    /// A call comes. Instances that are no longer `usable` or no longer needed are let go: dropping them is the
    /// caller's. `waiter` makes both ends of a hand-over, only if it is needed.
    pub(crate) fn arrive<R>(
        &mut self,
        version: &Arc<Version>,
        usable: impl Fn(&I) -> bool,
        waiter: impl FnOnce() -> (W, R),
    ) -> (Result<Arrival<I, R>, Refusal>, Vec<I>) {
        let mut let_go = Vec::new();
        let arrival = self.admit(version, usable, waiter, &mut let_go);
        if arrival.is_err() {
            self.tidy(&version.uid);
        }
        (arrival, let_go)
    }

    fn admit<R>(
        &mut self,
        version: &Arc<Version>,
        usable: impl Fn(&I) -> bool,
        waiter: impl FnOnce() -> (W, R),
        let_go: &mut Vec<I>,
    ) -> Result<Arrival<I, R>, Refusal> {
        if self.closed {
            return Err(Refusal::Stopping);
        }
        let function = match self.functions.get_mut(&version.uid) {
            Some(function) => function,
            None => self.functions.entry(version.uid.clone()).or_default(),
        };
        let is_covered = function
            .position(version)
            .is_some_and(|at| function.pools[at].covers_another());
        if is_covered {
            self.quota.check_covered(version, function.running_mb)?;
        } else {
            self.quota.check(version, function.counted(), function.running_mb)?;
        }
        let waiting = function.waiting;
        let pool = function.pool_or_new(version, let_go);
        let arrival = if let Some(lent) = pool.take_idle(usable, let_go) {
            Arrival::Run(lent)
        } else if waiting >= self.limits.function_waiting_max {
            let waiting_max = self.limits.function_waiting_max;
            return Err(Refusal::WaitingFull { waiting_max });
        } else {
            let ticket = Ticket(self.tickets);
            self.tickets += 1;
            let (waiter, supply) = waiter();
            let start = pool.enqueue(ticket, waiter);
            function.waiting += 1;
            Arrival::Wait { ticket, start, supply }
        };
        let memory_mb = u64::from(version.memory_mb);
        function.running += 1;
        function.running_mb += memory_mb;
        self.running += 1;
        if !is_covered {
            self.quota.add(&version.uid, memory_mb);
        }
        Ok(arrival)
    }

    /// A waiting call gives up its place. Its start goes on. `finish` is still due.
    pub(crate) fn leave(&mut self, version: &Version, ticket: Ticket) {
        if let Some((function, index)) = self.find(version)
            && function.pools[index].leave(ticket)
        {
            function.waiting -= 1;
        }
    }

    /// An accepted call ends, however it ended.
    pub(crate) fn finish(
        &mut self,
        version: &Arc<Version>,
        returned: Returned<I>,
        now: Instant,
    ) -> Option<Action<I, W>> {
        let action = match returned {
            Returned::Nothing => None,
            Returned::Dead => {
                if let Some((function, index)) = self.find(version) {
                    function.pools[index].lent -= 1;
                }
                None
            }
            Returned::Alive(lent) => self.place(version, Lent { cold: false, ..lent }, now),
        };
        if let Some((function, index)) = self.find(version) {
            let memory_mb = u64::from(version.memory_mb);
            function.running -= 1;
            function.running_mb -= memory_mb;
            let was_covered = !function.pools[index].exceeds();
            function.pools[index].running -= 1;
            let is_done = function.pools[index].is_done();
            self.running -= 1;
            if !was_covered {
                self.quota.remove(&version.uid, memory_mb);
            }
            if is_done {
                self.tidy(&version.uid);
            }
        }
        action
    }

    /// An instance could not be handed over: whoever waited for it is gone.
    pub(crate) fn unclaimed(&mut self, version: &Version, lent: Lent<I>, now: Instant) -> Option<Action<I, W>> {
        let action = self.place(version, lent, now);
        self.tidy(&version.uid);
        action
    }

    /// A start ended well.
    pub(crate) fn started(&mut self, start: Start, instance: I, now: Instant) -> Option<Action<I, W>> {
        let Start { version, era, .. } = start;
        if let Some((function, index)) = self.find(&version) {
            function.pools[index].start_succeeded();
            // It is lent from here on; placing it takes that back or hands it on.
            function.pools[index].lent += 1;
        }
        let cold = true;
        let action = self.place(&version, Lent { instance, cold, era }, now);
        self.tidy(&version.uid);
        action
    }

    /// A start failed. A call that no other start can serve is told.
    pub(crate) fn start_failed(&mut self, start: Start, error: StartError, now: Instant) -> Option<Action<I, W>> {
        let Start { version, round, .. } = start;
        let (function, index) = self.find(&version)?;
        let failed = function.pools[index].start_failed(round, &error, now);
        if failed.is_some() {
            function.waiting -= 1;
        }
        self.tidy(&version.uid);
        failed.map(|to| Action::Fail { to, error })
    }

    /// Takes out the idle instances of one version of a function, of all where none is named; those that run or are
    /// being started go when they are done.
    pub(crate) fn retire(&mut self, uid: &FunctionUid, label: Option<&Qualifier>) -> Vec<I> {
        let mut let_go = Vec::new();
        if let Some(function) = self.functions.get_mut(uid) {
            let pools = function.pools.iter_mut();
            let meant = pools.filter(|pool| label.is_none_or(|label| *pool.label() == *label));
            meant.for_each(|pool| pool.retire(&mut let_go));
            self.tidy(uid);
        }
        let_go
    }

    /// Takes out what has been idle for too long or died meanwhile, and says when to look again: never, until the
    /// next [`Action::WatchIdle`], when nothing is idle.
    pub(crate) fn reap(&mut self, now: Instant, usable: impl Fn(&I) -> bool) -> (Vec<I>, Option<Instant>) {
        let mut let_go = Vec::new();
        let idle_timeout = self.limits.idle_timeout;
        let mut next: Option<Instant> = None;
        self.functions.retain(|_, function| {
            for pool in &mut function.pools {
                let due = pool.reap(now, idle_timeout, &usable, &mut let_go);
                next = [next, due].into_iter().flatten().min();
            }
            function.tidy();
            !function.pools.is_empty()
        });
        self.idle_watched = next.is_some();
        (let_go, next)
    }

    /// Takes out the instance that has been idle longest, of any function: the room it has is needed.
    pub(crate) fn evict(&mut self) -> Option<I> {
        let (uid, index) = self
            .functions
            .iter()
            .flat_map(|(uid, function)| function.pools.iter().enumerate().map(move |(at, pool)| (uid, at, pool)))
            .filter_map(|(uid, at, pool)| Some((pool.evictable()?, uid, at)))
            .min_by_key(|(since, ..)| *since)
            .map(|(_, uid, at)| (uid.clone(), at))?;
        let instance = self.functions.get_mut(&uid)?.pools[index].evict();
        self.tidy(&uid);
        instance
    }

    /// Refuses every later call and takes out the idle instances; those in use go when they are done.
    pub(crate) fn close(&mut self) -> Vec<I> {
        self.closed = true;
        let mut let_go = Vec::new();
        self.functions.retain(|_, function| {
            function.pools.iter_mut().for_each(|pool| {
                pool.keep(None);
                pool.retire(&mut let_go);
            });
            function.tidy();
            !function.pools.is_empty()
        });
        self.recount();
        let_go
    }

    /// True once it is closed and no call is left.
    pub(crate) fn is_drained(&self) -> bool {
        self.closed && self.running == 0
    }

    /// What every version with instances or calls is doing.
    pub(crate) fn load(&self) -> Vec<FunctionLoad> {
        let pools = self.functions.values().flat_map(|function| &function.pools);
        pools.map(Pool::load).collect()
    }

    /// Puts a lent instance where it is needed: to the first who waits, or to the idle, or away.
    fn place(&mut self, version: &Version, lent: Lent<I>, now: Instant) -> Option<Action<I, W>> {
        let Some((function, index)) = self.find(version) else {
            // Not reachable: a pool stays while it has instances lent. The instance goes rather than be lost.
            return Some(Action::Drop(lent.instance));
        };
        match function.pools[index].place(lent, now) {
            Placed::Given { to, lent } => {
                function.waiting -= 1;
                Some(Action::Give { to, lent })
            }
            Placed::Away(instance) => Some(Action::Drop(instance)),
            Placed::Idle if self.idle_watched => None,
            Placed::Idle => {
                self.idle_watched = true;
                Some(Action::WatchIdle)
            }
        }
    }

    fn find(&mut self, version: &Version) -> Option<(&mut Function<I, W>, usize)> {
        let function = self.functions.get_mut(&version.uid)?;
        let index = function.position(version)?;
        Some((function, index))
    }

    /// Forgets what has neither instances nor calls.
    fn tidy(&mut self, uid: &FunctionUid) {
        if let Some(function) = self.functions.get_mut(uid) {
            function.tidy();
            if function.pools.is_empty() {
                self.functions.remove(uid);
            }
        }
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
