//! Who runs on which instance and who waits: decided here, done by the caller.
//!
//! Pure: no I/O, no clock, no task. Time comes in as `now`; what has to happen outside comes back as an [`Action`]
//! or as instances to let go, to be done after the lock is let go. Instances (`I`) and waiters (`W`) are moved in and
//! out, so an instance cannot be in two hands. Only where a version's instances take several events at once are they
//! cloned: an `I` is a handle, and a clone of it another at the same instance, for one more event.
//!
//! Invariants, checked by the simulation: a function's and the account's calls stay within their quotas; the starts in
//! flight of a pool can serve everyone who waits, and one is begun only when they cannot; waiters are served in the
//! order they came; an instance serves only the revision it was started for, and as many events at once as its version
//! allows.

mod pool;
mod provision;
mod quota;
mod shared;
mod terms;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use skiff_domain::{FunctionUid, Qualifier, StartError, Version};

use crate::port::FunctionLoad;
use crate::settings::Limits;
use pool::{Function, Placed, Pool};
use quota::Quota;
use shared::Number;
use terms::Era;
pub(crate) use terms::{Action, Arrival, Hold, Lent, Refusal, Returned, Start, Ticket};

/// Every function's instances and calls.
#[derive(Debug)]
pub(crate) struct Schedule<I, W> {
    limits: Limits,
    functions: HashMap<FunctionUid, Function<I, W>>,
    quota: Quota,
    running: u32,
    /// Tickets and names of shared instances given away.
    numbers: u64,
    idle_watched: bool,
    closed: bool,
}

impl<I: Clone, W> Schedule<I, W> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            quota: Quota::new(&limits),
            limits,
            functions: HashMap::new(),
            running: 0,
            numbers: 0,
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
        let (needs_another, is_covered) = match function.position(version).map(|at| &function.pools[at]) {
            Some(pool) => (pool.needs_another(), pool.covers_another()),
            None => (true, false),
        };
        match (needs_another, is_covered) {
            // It fits on an instance that other calls take already.
            (false, _) => {}
            (true, true) => self.quota.check_covered(version, function.running_mb)?,
            (true, false) => self.quota.check(version, function.counted(), function.running_mb)?,
        }
        let waiting = function.waiting;
        let pool = function.pool_or_new(version, let_go);
        let number = Number(self.numbers);
        self.numbers += 1;
        let arrival = if let Some(lent) = pool.take(number, usable, let_go) {
            Arrival::Run(lent)
        } else if waiting >= self.limits.function_waiting_max {
            let waiting_max = self.limits.function_waiting_max;
            return Err(Refusal::WaitingFull { waiting_max });
        } else {
            let ticket = Ticket(number.0);
            let (waiter, supply) = waiter();
            let start = pool.enqueue(ticket, waiter);
            function.waiting += 1;
            Arrival::Wait { ticket, start, supply }
        };
        let memory_mb = u64::from(version.memory_mb);
        function.running += 1;
        self.running += 1;
        if needs_another {
            function.running_mb += memory_mb;
            if !is_covered {
                self.quota.add(&version.uid, memory_mb);
            }
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
        let action = self.take_back(version, returned, now);
        if let Some((function, index)) = self.find(version) {
            let memory_mb = u64::from(version.memory_mb);
            let pool = &mut function.pools[index];
            let was_covered = !pool.exceeds();
            pool.running -= 1;
            let took_another = pool.needs_another();
            let is_done = pool.is_done();
            function.running -= 1;
            if took_another {
                function.running_mb -= memory_mb;
            }
            self.running -= 1;
            if took_another && !was_covered {
                self.quota.remove(&version.uid, memory_mb);
            }
            if is_done {
                self.tidy(&version.uid);
            }
        }
        action
    }

    /// An instance could not be handed over: whoever waited for it is gone.
    pub(crate) fn unclaimed(&mut self, version: &Version, returned: Returned<I>, now: Instant) -> Option<Action<I, W>> {
        let action = self.take_back(version, returned, now);
        self.tidy(&version.uid);
        action
    }

    /// A start ended well.
    pub(crate) fn started(&mut self, start: Start, instance: I, now: Instant) -> Vec<Action<I, W>> {
        let Start { version, era, .. } = start;
        let number = Number(self.numbers);
        self.numbers += 1;
        let Some((function, index)) = self.find(&version) else {
            // Not reachable: a pool stays while it has starts. The instance goes rather than be lost.
            return vec![Action::Drop(instance)];
        };
        let placed = function.pools[index].started(era, number, instance, now);
        let actions = placed.into_iter().filter_map(|placed| self.follow(&version, placed));
        let actions = actions.collect();
        self.tidy(&version.uid);
        actions
    }

    /// A start failed. Calls that no other start can serve are told.
    pub(crate) fn start_failed(&mut self, start: Start, error: &StartError, now: Instant) -> Vec<Action<I, W>> {
        let Start { version, round, .. } = start;
        let Some((function, index)) = self.find(&version) else {
            // Not reachable: a pool stays while it has starts.
            return Vec::new();
        };
        let mut actions = Vec::new();
        for to in function.pools[index].start_failed(round, error, now) {
            function.waiting -= 1;
            let error = error.clone();
            actions.push(Action::Fail { to, error });
        }
        self.tidy(&version.uid);
        actions
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

    /// Puts what a call had where it is needed: to the first who waits, or to the idle, or away.
    fn take_back(&mut self, version: &Version, returned: Returned<I>, now: Instant) -> Option<Action<I, W>> {
        let found = self.find(version).map(|(function, index)| &mut function.pools[index]);
        let placed = match (found, returned) {
            (_, Returned::Nothing) | (None, Returned::Dead | Returned::Part { .. }) => return None,
            (Some(pool), Returned::Dead) => {
                pool.lent -= 1;
                return None;
            }
            (Some(pool), Returned::Alive { instance, era }) => pool.place(instance, era, now),
            // Not reachable: a pool stays while it has instances lent. The instance goes rather than be lost.
            (None, Returned::Alive { instance, .. }) => Placed::Away(instance),
            (Some(pool), Returned::Part { of, is_alive }) => pool.part(of, is_alive, now),
        };
        self.follow(version, placed)
    }

    /// What has to be done about an instance that was placed.
    fn follow(&mut self, version: &Version, placed: Placed<I, W>) -> Option<Action<I, W>> {
        match placed {
            Placed::Given { to, lent } => {
                if let Some((function, _)) = self.find(version) {
                    function.waiting -= 1;
                }
                Some(Action::Give { to, lent })
            }
            Placed::Away(instance) => Some(Action::Drop(instance)),
            Placed::Nowhere => None,
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
