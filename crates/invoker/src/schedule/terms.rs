//! What the schedule and whoever does what it says tell each other.

use std::sync::Arc;

use skiff_domain::{StartError, Version};

use super::provision::Round;
use super::shared::Number;

/// A place in a queue. Unique for the life of the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(pub(super) u64);

/// Counts how often a pool's instances were told to go. One of an older era takes no further call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Era(pub(super) u64);

/// What a call holds of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// All of it.
    Whole(Era),
    /// A handle: others may have some, too.
    Part(Number),
}

/// An instance in a call's hands.
#[derive(Debug)]
pub(crate) struct Lent<I> {
    /// The instance.
    pub instance: I,
    pub(super) hold: Hold,
}

impl<I> Lent<I> {
    /// Gives it back. A handle is dropped: not to be called with the schedule's lock held.
    pub(crate) fn give_back(self) -> Returned<I> {
        match self.hold {
            Hold::Whole(era) => Returned::Alive {
                instance: self.instance,
                era,
            },
            Hold::Part(of) => Returned::Part { of, is_alive: true },
        }
    }

    /// Drops it: it can take no further event. What it was then has no room any more when the schedule is told.
    pub(crate) fn bury(self) -> Returned<I> {
        match self.hold {
            Hold::Whole(_) => Returned::Dead,
            Hold::Part(of) => Returned::Part { of, is_alive: false },
        }
    }
}

/// A start to be made. Comes back as `started` or `start_failed`, exactly once.
#[derive(Debug)]
pub(crate) struct Start {
    /// Of what.
    pub version: Arc<Version>,
    pub(super) era: Era,
    /// The try at having ready what is missing that it is part of; none of a call's.
    pub(super) round: Option<Round>,
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
    Alive {
        /// This one.
        instance: I,
        /// Of this era.
        era: Era,
    },
    /// It had a handle at an instance, which is dropped.
    Part {
        /// At this one.
        of: Number,
        /// False where the instance can take no further event.
        is_alive: bool,
    },
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
