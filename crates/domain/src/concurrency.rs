//! How much runs at once: on an instance, and of the account's concurrency, which the control plane deals out and the
//! invoker keeps to.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::ids::FunctionUid;
use crate::version::Version;

/// How many events an instance takes at once: 1 where nothing was said, at most 100 (CONTRACT 1.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceConcurrency(NonZeroU32);

/// How many events no instance can take at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("use a number from 1 to {}", InstanceConcurrency::MAX)]
pub struct InvalidInstanceConcurrency;

impl InstanceConcurrency {
    /// One event at a time.
    pub const ONE: Self = Self(NonZeroU32::MIN);
    /// Most events at once.
    pub const MAX: u32 = 100;

    /// Checks a number.
    pub fn new(events: u32) -> Result<Self, InvalidInstanceConcurrency> {
        let events = NonZeroU32::new(events).filter(|events| events.get() <= Self::MAX);
        events.map(Self).ok_or(InvalidInstanceConcurrency)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// True where an instance takes more than one event at a time.
    #[must_use]
    pub const fn is_shared(self) -> bool {
        self.get() > 1
    }

    /// How many instances it takes at least to run so many calls.
    #[must_use]
    pub const fn instances(self, calls: u32) -> u32 {
        calls.div_ceil(self.get())
    }
}

impl Default for InstanceConcurrency {
    fn default() -> Self {
        Self::ONE
    }
}

/// Who may run how much at once. Replaced as a whole whenever any of it changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allotment {
    /// Most memory of all calls at once, in MB, where the account's owner has set less than the operator allows.
    pub account_mb: Option<u64>,
    /// What single functions have for themselves, and at most, in MB. With 0 a function does not run.
    pub reserved_mb: HashMap<FunctionUid, u64>,
    /// The versions of which instances are kept ready, each once.
    pub provisioned: Vec<Provisioned>,
}

/// A version of which instances are kept ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioned {
    /// Which.
    pub version: Arc<Version>,
    /// How many.
    pub capacity: Capacity,
}

/// How many instances are kept ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capacity {
    /// So many.
    Fixed(u32),
    /// As many as its calls take.
    Tracking(Tracking),
}

/// As many instances as it takes for this part of them to be in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tracking {
    /// The part.
    pub utilization: Utilization,
    /// How many there are at least.
    pub min: u32,
    /// How many there are at most.
    pub max: u32,
    /// How many there are to begin with, before demand is known.
    pub initial: u32,
}

/// A part of the instances: above 0 and below 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Utilization(f64);

// It is never NaN.
impl Eq for Utilization {}

/// What is no part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not valid: use a number above 0 and below 1")]
pub struct InvalidUtilization;

impl Utilization {
    /// Checks a part.
    pub fn new(part: f64) -> Result<Self, InvalidUtilization> {
        let is_part = part > 0.0 && part < 1.0;
        is_part.then_some(Self(part)).ok_or(InvalidUtilization)
    }

    /// The part.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Capacity {
    /// How many there can ever be.
    #[must_use]
    pub fn most(&self) -> u32 {
        match self {
            Self::Fixed(instances) => *instances,
            Self::Tracking(tracking) => tracking.max,
        }
    }
}

impl Tracking {
    /// How many it takes for so many calls at once.
    #[must_use]
    pub fn wanted(&self, calls: u32) -> u32 {
        let needed = (f64::from(calls) / self.utilization.get()).ceil();
        // A float that is too large becomes the largest number.
        (needed as u32).clamp(self.min, self.max.max(self.min))
    }
}

impl Allotment {
    /// What is set apart altogether, in MB.
    #[must_use]
    pub fn reserved_sum_mb(&self) -> u64 {
        self.reserved_mb.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_takes_1_to_100_events_at_once() {
        for (given, legal) in [(0, false), (1, true), (100, true), (101, false)] {
            assert_eq!(InstanceConcurrency::new(given).is_ok(), legal, "{given}");
        }
        let ten = InstanceConcurrency::new(10).expect("legal");
        assert_eq!([0, 1, 10, 11].map(|calls| ten.instances(calls)), [0, 1, 1, 2]);
    }

    #[test]
    fn so_many_are_kept_that_the_part_in_use_is_the_one_wanted() {
        let tracking = |utilization| Tracking {
            utilization: Utilization::new(utilization).expect("a part"),
            min: 2,
            max: 10,
            initial: 2,
        };
        for (utilization, calls, wanted) in [(0.5, 0, 2), (0.5, 3, 6), (0.7, 5, 8), (0.9, 9, 10), (0.1, 9, 10)] {
            assert_eq!(tracking(utilization).wanted(calls), wanted, "{utilization} {calls}");
        }
    }
}
