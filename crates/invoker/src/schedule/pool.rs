//! The instances and waiting calls of one function, a pool for each version and revision of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use skiff_domain::{Capacity, Qualifier, StartError, Version};

use super::provision::{Kept, Round};
use super::shared::{Left, Number, Shared};
use super::{Era, Hold, Lent, Start, Ticket};
use crate::port::FunctionLoad;

/// One function, all its versions.
#[derive(Debug)]
pub(super) struct Function<I, W> {
    /// Calls accepted and not finished.
    pub running: u32,
    /// The memory of the instances that those take at least, in MB.
    pub running_mb: u64,
    /// Of those, the ones in a queue.
    pub waiting: u32,
    /// Few: a version in use each, and shortly its older revisions. Searched, not hashed.
    pub pools: Vec<Pool<I, W>>,
}

impl<I, W> Default for Function<I, W> {
    fn default() -> Self {
        Self {
            running: 0,
            running_mb: 0,
            waiting: 0,
            pools: Vec::new(),
        }
    }
}

impl<I: Clone, W> Function<I, W> {
    pub(super) fn position(&self, version: &Version) -> Option<usize> {
        self.pools.iter().position(|pool| pool.is_of(version))
    }

    /// The version's pool. The first call of a newer revision retires the older ones.
    pub(super) fn pool_or_new(&mut self, version: &Arc<Version>, let_go: &mut Vec<I>) -> &mut Pool<I, W> {
        let index = self.position(version).unwrap_or_else(|| {
            let mut pool = Pool::new(Arc::clone(version));
            for other in self
                .pools
                .iter_mut()
                .filter(|other| other.version.label == version.label)
            {
                if other.version.revision < version.revision {
                    other.superseded = true;
                    other.retire(let_go);
                } else {
                    pool.superseded = true;
                }
            }
            self.pools.push(pool);
            self.pools.len() - 1
        });
        &mut self.pools[index]
    }

    /// Instances that count against the quotas.
    pub(super) fn counted(&self) -> u32 {
        self.pools.iter().map(Pool::counted).sum()
    }

    /// The memory of those, in MB.
    pub(super) fn counted_mb(&self) -> u64 {
        let counted = |pool: &Pool<I, W>| u64::from(pool.counted()) * u64::from(pool.version.memory_mb);
        self.pools.iter().map(counted).sum()
    }

    /// The memory of the instances that are kept ready, in MB.
    pub(super) fn kept_mb(&self) -> u64 {
        let kept = |pool: &Pool<I, W>| u64::from(pool.wanted()) * u64::from(pool.version.memory_mb);
        self.pools.iter().map(kept).sum()
    }

    pub(super) fn tidy(&mut self) {
        self.pools.retain(|pool| !pool.is_done());
    }
}

/// Interchangeable instances, and the calls that need one. An instance that takes one event at a time is moved into its
/// call's hands; one that takes several stays among the `shared`, and its calls are given handles at it.
#[derive(Debug)]
pub(super) struct Pool<I, W> {
    version: Arc<Version>,
    era: Era,
    /// A newer revision has been called: nothing here goes idle any more.
    superseded: bool,
    /// Calls accepted and not finished.
    pub running: u32,
    /// Starts in flight.
    pub starts: u32,
    /// Instances in one call's hands, or on the way there.
    pub lent: u32,
    /// Instances that several calls may have handles at, and that one at least has.
    shared: Shared<I>,
    waiters: VecDeque<(Ticket, W)>,
    /// The most recently used last.
    idle: VecDeque<Idle<I>>,
    /// Instances that are to be ready whether or not there are calls.
    kept: Option<Kept>,
}

#[derive(Debug)]
struct Idle<I> {
    instance: I,
    since: Instant,
}

/// Where an instance goes.
#[derive(Debug)]
pub(super) enum Placed<I, W> {
    /// To whoever waited longest.
    Given { to: W, lent: Lent<I> },
    /// To the idle.
    Idle,
    /// Away.
    Away(I),
    /// Nowhere: other calls have it.
    Nowhere,
}

impl<I, W> Placed<I, W> {
    const fn give(to: W, instance: I, hold: Hold) -> Self {
        let lent = Lent { instance, hold };
        Self::Given { to, lent }
    }
}

impl<I: Clone, W> Pool<I, W> {
    fn new(version: Arc<Version>) -> Self {
        Self {
            shared: Shared::new(version.concurrency),
            version,
            era: Era(0),
            superseded: false,
            running: 0,
            starts: 0,
            lent: 0,
            waiters: VecDeque::new(),
            idle: VecDeque::new(),
            kept: None,
        }
    }

    pub(super) fn label(&self) -> &Qualifier {
        &self.version.label
    }

    pub(super) fn is_of_function(&self, version: &Version) -> bool {
        self.version.uid == version.uid && self.is_of(version)
    }

    fn is_of(&self, version: &Version) -> bool {
        self.version.revision == version.revision && self.version.label == version.label
    }

    /// Room on an instance that runs something, else the most recently used idle one: its memory is the warmest, and
    /// the others can grow old and go. Names an idle one `number` where it is shared from now on.
    pub(super) fn take(&mut self, number: Number, usable: impl Fn(&I) -> bool, let_go: &mut Vec<I>) -> Option<Lent<I>> {
        if let Some((number, instance)) = self.shared.take(&usable, let_go) {
            self.count_call();
            let hold = Hold::Part(number);
            return Some(Lent { instance, hold });
        }
        while let Some(Idle { instance, .. }) = self.idle.pop_back() {
            if usable(&instance) {
                self.count_call();
                let hold = if self.version.concurrency.is_shared() {
                    self.shared.add(number, Some(instance.clone()), 1);
                    Hold::Part(number)
                } else {
                    self.lent += 1;
                    Hold::Whole(self.era)
                };
                return Some(Lent { instance, hold });
            }
            let_go.push(instance);
        }
        None
    }

    /// Lets a call wait. A start is due when those in flight cannot serve everyone who waits.
    pub(super) fn enqueue(&mut self, ticket: Ticket, waiter: W) -> Option<Start> {
        self.count_call();
        self.waiters.push_back((ticket, waiter));
        if self.are_served_by_starts() {
            return None;
        }
        self.starts += 1;
        Some(Start {
            version: Arc::clone(&self.version),
            era: self.era,
            round: None,
        })
    }

    fn count_call(&mut self) {
        self.running += 1;
        let needed = self.needed();
        if let Some(kept) = &mut self.kept {
            kept.saw(needed);
        }
    }

    /// Whether the starts in flight can serve everyone who waits.
    fn are_served_by_starts(&self) -> bool {
        self.version.concurrency.instances(count(self.waiters.len())) <= self.starts
    }

    /// Takes a waiter out of the queue. False when it is no longer there.
    pub(super) fn leave(&mut self, ticket: Ticket) -> bool {
        // Tickets are given in the order of the queue.
        match self.waiters.binary_search_by_key(&ticket, |(ticket, _)| *ticket) {
            Ok(index) => self.waiters.remove(index).is_some(),
            Err(_) => false,
        }
    }

    /// Ends a start that went well. One that was told to go meanwhile still serves those it was started for.
    pub(super) fn started(&mut self, era: Era, number: Number, instance: I, now: Instant) -> Vec<Placed<I, W>> {
        self.starts -= 1;
        if let Some(kept) = &mut self.kept {
            kept.succeeded();
        }
        let stays = era == self.era;
        if self.waiters.is_empty() {
            return vec![if stays {
                self.rest(instance, now)
            } else {
                Placed::Away(instance)
            }];
        }
        if !self.version.concurrency.is_shared() {
            self.lent += 1;
            let hold = Hold::Whole(era);
            let first = self.waiters.pop_front();
            let given = first.map(|(_, to)| Placed::give(to, instance, hold));
            return given.into_iter().collect();
        }
        let hold = Hold::Part(number);
        let events = self.waiters.len().min(self.version.concurrency.get() as usize);
        let first = self.waiters.drain(..events);
        let mut placed: Vec<_> = first.map(|(_, to)| Placed::give(to, instance.clone(), hold)).collect();
        let instance = if stays {
            Some(instance)
        } else {
            placed.push(Placed::Away(instance));
            None
        };
        self.shared.add(number, instance, count(events));
        placed
    }

    /// Ends a start that failed. Returns the waiters that nothing is left to serve.
    pub(super) fn start_failed(&mut self, of: Option<Round>, error: &StartError, now: Instant) -> Vec<W> {
        self.starts -= 1;
        // What calls start in vain says nothing of when to try again.
        if let (Some(kept), Some(round)) = (&mut self.kept, of) {
            kept.failed(round, error, now);
        }
        let served = self.starts as usize * self.version.concurrency.get() as usize;
        let lost = self.waiters.len().saturating_sub(served);
        self.waiters.drain(..lost).map(|(_, waiter)| waiter).collect()
    }

    /// Places an instance anew that one call had.
    pub(super) fn place(&mut self, instance: I, era: Era, now: Instant) -> Placed<I, W> {
        let stays = era == self.era;
        if stays && let Some((_, to)) = self.waiters.pop_front() {
            return Placed::give(to, instance, Hold::Whole(era));
        }
        self.lent -= 1;
        if stays {
            self.rest(instance, now)
        } else {
            Placed::Away(instance)
        }
    }

    /// Ends one event on an instance that is shared.
    pub(super) fn part(&mut self, number: Number, is_alive: bool, now: Instant) -> Placed<I, W> {
        let closed = if is_alive { None } else { self.shared.close(number) };
        if is_alive
            && !self.waiters.is_empty()
            && let Some(instance) = self.shared.hand_on(number)
            && let Some((_, to)) = self.waiters.pop_front()
        {
            return Placed::give(to, instance, Hold::Part(number));
        }
        match (self.shared.leave(number), closed) {
            (Left::Idle(instance), _) => self.rest(instance, now),
            (Left::Others | Left::Nothing, Some(instance)) => Placed::Away(instance),
            (Left::Others | Left::Nothing, None) => Placed::Nowhere,
        }
    }

    /// Has an instance rest that runs nothing any more.
    fn rest(&mut self, instance: I, now: Instant) -> Placed<I, W> {
        if self.superseded {
            return Placed::Away(instance);
        }
        self.idle.push_back(Idle { instance, since: now });
        Placed::Idle
    }

    /// Takes out the idle instances; all others go when they are done.
    pub(super) fn retire(&mut self, let_go: &mut Vec<I>) {
        self.era.0 += 1;
        self.shared.close_all(let_go);
        let_go.extend(self.idle.drain(..).map(|idle| idle.instance));
    }

    /// Takes out what is idle since `idle_timeout` or died. Returns when the next one is due.
    pub(super) fn reap(
        &mut self,
        now: Instant,
        idle_timeout: Duration,
        usable: impl Fn(&I) -> bool,
        let_go: &mut Vec<I>,
    ) -> Option<Instant> {
        self.drop_dead(usable, let_go);
        while let Some(since) = self.evictable() {
            if now < since + idle_timeout {
                return Some(since + idle_timeout);
            }
            let_go.extend(self.evict());
        }
        None
    }

    /// Takes out idle instances that died.
    fn drop_dead(&mut self, usable: impl Fn(&I) -> bool, let_go: &mut Vec<I>) {
        for index in (0..self.idle.len()).rev() {
            if !usable(&self.idle[index].instance)
                && let Some(idle) = self.idle.remove(index)
            {
                let_go.push(idle.instance);
            }
        }
    }

    /// Since when the instance is idle that is idle longest, where there are more than are kept ready.
    pub(super) fn evictable(&self) -> Option<Instant> {
        let is_spare = self.alive() > self.wanted();
        let longest = self.idle.front().filter(|_| is_spare);
        longest.map(|idle| idle.since)
    }

    /// Instances there are, but for those that are shared and out of service.
    fn alive(&self) -> u32 {
        self.lent + count(self.shared.in_service()) + count(self.idle.len())
    }

    /// Instances that its calls take at least.
    fn needed(&self) -> u32 {
        self.version.concurrency.instances(self.running)
    }

    /// Whether one more call takes one more instance.
    pub(super) fn needs_another(&self) -> bool {
        self.version.concurrency.instances(self.running + 1) > self.needed()
    }

    /// Instances there are to be.
    pub(super) fn wanted(&self) -> u32 {
        self.kept.as_ref().map_or(0, Kept::wanted)
    }

    /// True where instances are kept ready.
    pub(super) fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// Instances that count against the quotas: those that calls take beyond the ones kept ready.
    fn counted(&self) -> u32 {
        self.needed().saturating_sub(self.wanted())
    }

    /// Whether one more instance that is needed is one kept ready.
    pub(super) fn covers_another(&self) -> bool {
        self.needed() < self.wanted()
    }

    /// Whether calls take more instances than are kept ready.
    pub(super) fn exceeds(&self) -> bool {
        self.needed() > self.wanted()
    }

    /// Keeps so many instances ready, or none.
    pub(super) fn keep(&mut self, capacity: Option<Capacity>) {
        match (capacity, &mut self.kept) {
            (None, kept) => *kept = None,
            (Some(capacity), Some(kept)) => kept.set(capacity),
            (Some(capacity), kept) => *kept = Some(Kept::new(capacity)),
        }
    }

    /// Looks after the instances that are kept ready: how many there are to be, what died, what has to be started.
    /// False where none are.
    pub(super) fn provision(
        &mut self,
        now: Instant,
        usable: impl Fn(&I) -> bool,
        starts: &mut Vec<Start>,
        let_go: &mut Vec<I>,
    ) -> bool {
        if self.kept.is_none() {
            return false;
        }
        self.drop_dead(usable, let_go);
        let (coming, needed) = (self.alive() + self.starts, self.needed());
        let Some(kept) = &mut self.kept else { return false };
        for _ in 0..kept.due(now, needed, coming, self.starts) {
            self.starts += 1;
            starts.push(Start {
                version: Arc::clone(&self.version),
                era: self.era,
                round: Some(kept.round()),
            });
        }
        true
    }

    /// Takes the instance that is idle longest.
    pub(super) fn evict(&mut self) -> Option<I> {
        self.idle.pop_front().map(|idle| idle.instance)
    }

    /// True when it has nothing to remember.
    pub(super) fn is_done(&self) -> bool {
        let has_instances = self.lent > 0 || !self.shared.is_empty() || !self.idle.is_empty();
        self.running == 0 && self.starts == 0 && !has_instances && self.kept.is_none()
    }

    pub(super) fn load(&self) -> FunctionLoad {
        FunctionLoad {
            version: Arc::clone(&self.version),
            running: self.running,
            waiting: count(self.waiters.len()),
            busy: self.lent + count(self.shared.len()),
            idle: count(self.idle.len()),
            provisioned: self.wanted(),
            ready: self.wanted().min(self.alive()),
            failure: self.kept.as_ref().and_then(Kept::failure),
        }
    }
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
