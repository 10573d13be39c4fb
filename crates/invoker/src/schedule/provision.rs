//! Instances that are kept ready whether or not there are calls: how many, and when what is missing is started.

use std::time::{Duration, Instant};

use skiff_domain::{Allotment, Capacity, StartError, Version};

use super::{Schedule, Start};

/// Most starts of one version in flight to make what is missing. Calls that wait begin their own.
const STARTS_AT_ONCE_MAX: u32 = 8;
/// Between two looks at what is kept ready: how long one that died is missed, and how soon demand is followed.
const PERIOD: Duration = Duration::from_secs(1);
/// How long the most calls at once are remembered, at least: so long demand must be down before capacity follows.
const PEAK_MEMORY: Duration = Duration::from_secs(60);
/// How long a failed start waits for its next try, at first and at most. It doubles in between.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);

/// One try at starting what is missing, counted from the last start that went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Round(u32);

/// What one version has ready.
#[derive(Debug)]
pub(super) struct Kept {
    capacity: Capacity,
    wanted: u32,
    /// How many there are at least until the first span of time is over.
    initial: u32,
    /// The most instances that calls took at once in this span of time and the one before it.
    peaks: [u32; 2],
    span_ends: Option<Instant>,
    retry: Option<Retry>,
}

/// What is waited for after starts failed.
#[derive(Debug)]
struct Retry {
    /// How many tries have failed one after the other. Starts of one try fail together and count once.
    round: u32,
    at: Instant,
    pause: Duration,
    why: String,
}

impl Kept {
    pub(super) fn new(capacity: Capacity) -> Self {
        let mut kept = Self {
            capacity,
            wanted: 0,
            initial: initial(capacity),
            peaks: [0; 2],
            span_ends: None,
            retry: None,
        };
        kept.settle();
        kept
    }

    /// Keeps another number ready from now on. What failed is tried anew.
    pub(super) fn set(&mut self, capacity: Capacity) {
        if self.capacity != capacity {
            self.capacity = capacity;
            self.initial = initial(capacity);
            self.span_ends = None;
            self.retry = None;
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.wanted = match self.capacity {
            Capacity::Fixed(instances) => instances,
            Capacity::Tracking(tracking) => {
                let demand = self.peaks[0].max(self.peaks[1]);
                tracking.wanted(demand).max(self.initial)
            }
        };
    }

    pub(super) fn wanted(&self) -> u32 {
        self.wanted
    }

    /// Why something is missing.
    pub(super) fn failure(&self) -> Option<String> {
        self.retry.as_ref().map(|retry| retry.why.clone())
    }

    pub(super) fn succeeded(&mut self) {
        self.retry = None;
    }

    /// The try that a start begun now is part of.
    pub(super) fn round(&self) -> Round {
        Round(self.retry.as_ref().map_or(0, |retry| retry.round))
    }

    /// A start of this try failed.
    pub(super) fn failed(&mut self, of: Round, error: &StartError, now: Instant) {
        let why = error.to_string();
        match &mut self.retry {
            // Another of the same try failed before.
            Some(retry) if of.0 < retry.round => retry.why = why,
            retry => {
                let (round, pause) = retry
                    .as_ref()
                    .map_or((0, RETRY_MIN), |retry| (retry.round, (retry.pause * 2).min(RETRY_MAX)));
                *retry = Some(Retry {
                    round: round + 1,
                    at: now + pause,
                    pause,
                    why,
                });
            }
        }
    }

    /// Calls take so many instances now.
    pub(super) fn saw(&mut self, needed: u32) {
        self.peaks[0] = self.peaks[0].max(needed);
    }

    /// How many starts are due, with so many instances in need, so many that are there or on their way, and so many of
    /// those on their way.
    pub(super) fn due(&mut self, now: Instant, needed: u32, coming: u32, starts: u32) -> u32 {
        if self.span_ends.is_some_and(|end| now >= end) {
            self.initial = 0;
        }
        if self.span_ends.is_none_or(|end| now >= end) {
            self.peaks = [0, self.peaks[0]];
            self.span_ends = Some(now + PEAK_MEMORY);
        }
        self.saw(needed);
        self.settle();
        if self.retry.as_ref().is_some_and(|retry| now < retry.at) {
            return 0;
        }
        let missing = self.wanted.saturating_sub(coming);
        missing.min(STARTS_AT_ONCE_MAX.saturating_sub(starts))
    }
}

/// How many there are before demand is known.
fn initial(capacity: Capacity) -> u32 {
    match capacity {
        Capacity::Fixed(_) => 0,
        Capacity::Tracking(tracking) => tracking.initial,
    }
}

/// What has to be done to have ready what is to be.
#[derive(Debug)]
pub(crate) struct Provisioning<I> {
    /// These are to be started.
    pub starts: Vec<Start>,
    /// These have died.
    pub let_go: Vec<I>,
    /// Some are not kept ready any more: have `reap` called.
    pub fewer: bool,
    /// When to look again; never, until other concurrency is dealt out, where nothing is kept ready.
    pub next: Option<Instant>,
}

impl<I: Clone, W> Schedule<I, W> {
    /// Deals the account's concurrency out anew. Calls that run go on, also where there are now too many. Have
    /// `provision` and `reap` called.
    pub(crate) fn allot(&mut self, allotment: &Allotment) {
        self.quota.allot(allotment);
        let provisioned = if self.closed { &[][..] } else { &allotment.provisioned };
        for pool in self.functions.values_mut().flat_map(|function| &mut function.pools) {
            if !provisioned.iter().any(|one| pool.is_of_function(&one.version)) {
                pool.keep(None);
            }
        }
        for one in provisioned {
            let function = self.functions.entry(one.version.uid.clone()).or_default();
            // A published version has one revision: there is nothing older to let go.
            let pool = function.pool_or_new(&one.version, &mut Vec::new());
            pool.keep(Some(one.capacity));
        }
        self.functions.retain(|_, function| {
            function.tidy();
            !function.pools.is_empty()
        });
        self.recount();
    }

    /// True for a version that instances are kept ready of.
    pub(crate) fn keeps_ready(&mut self, version: &Version) -> bool {
        self.find(version)
            .is_some_and(|(function, index)| function.pools[index].is_kept())
    }

    /// Looks after what is kept ready.
    pub(crate) fn provision(&mut self, now: Instant, usable: impl Fn(&I) -> bool) -> Provisioning<I> {
        let (mut starts, mut let_go) = (Vec::new(), Vec::new());
        let (mut any, mut fewer) = (false, false);
        for pool in self.functions.values_mut().flat_map(|function| &mut function.pools) {
            let before = pool.wanted();
            any |= pool.provision(now, &usable, &mut starts, &mut let_go);
            fewer |= pool.wanted() < before;
        }
        if any {
            self.recount();
        }
        Provisioning {
            starts,
            let_go,
            fewer,
            next: any.then(|| now + PERIOD),
        }
    }

    /// Counts anew what is used of the quotas: calls count once no instance is kept ready for them any more.
    pub(super) fn recount(&mut self) {
        let functions = self.functions.iter();
        self.quota
            .recount(functions.map(|(uid, function)| (uid, function.counted_mb(), function.kept_mb())));
    }
}
