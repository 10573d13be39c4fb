//! Provisioned concurrency: of which published versions instances are kept ready, how many, and when that changes.

use std::collections::{BTreeMap, HashSet};
use std::str::FromStr;

use jiff::Timestamp;
use skiff_cron::{Cron, InvalidCron};
use skiff_domain::{Capacity, InvalidUtilization, Tracking, Utilization, VersionNumber};

/// Most timed actions of one version. The contract has a code and no number; it is that of timers (CONTRACT 3.1).
const ACTIONS_MAX: usize = 10;
/// Longest name of a timed action (CONTRACT 3.1: that of timers).
const NAME_CHARS_MAX: usize = 60;

/// The published versions of a function of which instances are kept ready.
pub type Provisions = BTreeMap<VersionNumber, Provision>;

/// What is kept ready of one version. A legal one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provision {
    set_at: Timestamp,
    capacity: Capacity,
    actions: Vec<TimedAction>,
}

/// A number of instances from some times on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedAction {
    name: String,
    instances: u32,
    cron: Cron,
}

/// Why something cannot be kept ready so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProvision {
    /// A utilization of nothing or of everything.
    #[error("TrackingTarget {0}")]
    Utilization(#[from] InvalidUtilization),
    /// No room between the least and the most.
    #[error(
        "MinCapacity {min} and MaxCapacity {max} are not valid: use 1 or more for the first, at least as much for the second"
    )]
    Bounds {
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// A beginning outside the bounds.
    #[error("VersionProvisionedConcurrencyNum {initial} is not valid: use MinCapacity {min} to MaxCapacity {max}")]
    Initial {
        /// How many to begin with.
        initial: u32,
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// A name that is none.
    #[error(
        "TriggerName {0:?} is not valid: use 1 to {NAME_CHARS_MAX} letters, digits, '-' and '_', beginning with a letter"
    )]
    Name(String),
    /// Two actions of one name.
    #[error("two timed actions are named {0}: give each a name of its own")]
    NameRepeated(String),
    /// Two actions at the same times.
    #[error("two timed actions are due at {0:?}: one of them would never count")]
    CronRepeated(String),
    /// No times.
    #[error("TriggerCronConfig {0}")]
    Cron(#[from] InvalidCron),
    /// Times that are over.
    #[error("TriggerCronConfig {0:?} is never due again: use a time to come")]
    Over(String),
    /// Too many actions.
    #[error("there are {0} timed actions: use at most {ACTIONS_MAX}")]
    TooManyActions(usize),
    /// Timed actions where the number follows demand.
    #[error("TriggerActions set a number, and ConcurrencyUtilizationTracking follows demand: use the type Default")]
    ActionsOfTracking,
}

impl InvalidProvision {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Utilization(_) => "InvalidParameterValue.TrackingTarget",
            Self::Bounds { .. } => "InvalidParameterValue.MinCapacity",
            // The contract has no narrower one.
            Self::Initial { .. } => "InvalidParameterValue",
            Self::Name(_) => "InvalidParameterValue.ProvisionTriggerName",
            Self::NameRepeated(_) => "InvalidParameterValue.ProvisionTriggerNameDuplicate",
            Self::CronRepeated(_) => "InvalidParameterValue.ProvisionTriggerCronConfigDuplicate",
            Self::Cron(_) | Self::Over(_) => "InvalidParameterValue.TriggerCronConfig",
            Self::TooManyActions(_) => "LimitExceeded.ProvisionTriggerAction",
            Self::ActionsOfTracking => "InvalidParameterValue.ProvisionType",
        }
    }
}

impl TimedAction {
    /// Checks an action.
    pub fn new(name: &str, instances: u32, cron: &str) -> Result<Self, InvalidProvision> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let is_name = name.len() <= NAME_CHARS_MAX
            && name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.bytes().all(legal);
        if !is_name {
            return Err(InvalidProvision::Name(name.chars().take(80).collect()));
        }
        Ok(Self {
            name: name.to_owned(),
            instances,
            cron: Cron::from_str(cron)?,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many instances are ready from then on.
    #[must_use]
    pub fn instances(&self) -> u32 {
        self.instances
    }

    /// When.
    #[must_use]
    pub fn cron(&self) -> &Cron {
        &self.cron
    }
}

/// A number that follows demand, from `initial` on: so much of it is to be in use, within these bounds.
pub fn tracking(utilization: f64, min: u32, max: u32, initial: u32) -> Result<Capacity, InvalidProvision> {
    let utilization = Utilization::new(utilization)?;
    if min < 1 || min > max {
        return Err(InvalidProvision::Bounds { min, max });
    }
    if !(min..=max).contains(&initial) {
        return Err(InvalidProvision::Initial { initial, min, max });
    }
    Ok(Capacity::Tracking(Tracking {
        utilization,
        min,
        max,
        initial,
    }))
}

impl Provision {
    /// Checks what is to be kept ready from this moment on.
    pub fn new(capacity: Capacity, actions: Vec<TimedAction>, set_at: Timestamp) -> Result<Self, InvalidProvision> {
        if actions.len() > ACTIONS_MAX {
            return Err(InvalidProvision::TooManyActions(actions.len()));
        }
        if !actions.is_empty() && matches!(capacity, Capacity::Tracking(_)) {
            return Err(InvalidProvision::ActionsOfTracking);
        }
        let (mut names, mut crons) = (HashSet::new(), HashSet::new());
        for action in &actions {
            if !names.insert(action.name.as_str()) {
                return Err(InvalidProvision::NameRepeated(action.name.clone()));
            }
            if !crons.insert(action.cron.as_str()) {
                return Err(InvalidProvision::CronRepeated(action.cron.to_string()));
            }
        }
        Ok(Self {
            set_at,
            capacity,
            actions,
        })
    }

    /// Checks that every action will be due at some time. Not where it is read again: then some may have been.
    pub(crate) fn check_due(&self) -> Result<(), InvalidProvision> {
        let over = self
            .actions
            .iter()
            .find(|action| action.cron.next(self.set_at).is_none());
        over.map_or(Ok(()), |over| Err(InvalidProvision::Over(over.cron.to_string())))
    }

    /// When it was set. Actions that were due before do not count.
    #[must_use]
    pub fn set_at(&self) -> Timestamp {
        self.set_at
    }

    /// What was set: what is kept ready until an action is due.
    #[must_use]
    pub fn set(&self) -> Capacity {
        self.capacity
    }

    /// Its timed actions.
    #[must_use]
    pub fn actions(&self) -> &[TimedAction] {
        &self.actions
    }

    /// What is kept ready at this moment: what the action says that was due last, of several the last one given. A
    /// server that was down then finds the same.
    #[must_use]
    pub fn capacity(&self, now: Timestamp) -> Capacity {
        let due = self.actions.iter().enumerate().filter_map(|(place, action)| {
            let at = action.cron.latest(now).filter(|at| *at > self.set_at)?;
            Some((at, place, action.instances))
        });
        let last = due.max_by_key(|(at, place, _)| (*at, *place));
        last.map_or(self.capacity, |(.., instances)| Capacity::Fixed(instances))
    }

    /// When that may change next.
    pub(crate) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.actions.iter().filter_map(|action| action.cron.next(now)).min()
    }

    /// The most that is ever kept ready.
    pub(crate) fn most(&self) -> u32 {
        let actions = self.actions.iter().map(|action| action.instances);
        actions.fold(self.capacity.most(), u32::max)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn action(name: &str, instances: u32, cron: &str) -> TimedAction {
        TimedAction::new(name, instances, cron).unwrap()
    }

    #[test]
    fn the_action_that_was_due_last_says_how_many() {
        let set_at: Timestamp = "2026-11-26T09:00:00+08:00".parse().unwrap();
        let actions = vec![
            action("morning", 5, "0 0 8 * * * *"),
            action("noon", 0, "0 0 12 * * * *"),
            action("also-noon", 7, "0 0 12,13 * * * *"),
        ];
        let provision = Provision::new(Capacity::Fixed(2), actions, set_at).unwrap();
        for (hours, instances, next) in [(0, 2, 3), (2, 2, 1), (3, 7, 1), (23, 5, 4), (27, 7, 1)] {
            let now = set_at + SignedDuration::from_hours(hours);
            assert_eq!(provision.capacity(now), Capacity::Fixed(instances), "after {hours} h");
            assert_eq!(provision.next(now), Some(now + SignedDuration::from_hours(next)));
        }
        assert_eq!(provision.most(), 7);
    }

    #[test]
    fn what_cannot_be_kept_ready_gets_its_documented_code() {
        let new = |capacity, actions| Provision::new(capacity, actions, Timestamp::UNIX_EPOCH);
        let one = Capacity::Fixed(1);
        let twelve = "0 0 12 * * * *";
        let many = || (0..11).map(|i| action(&format!("a{i}"), 1, &format!("{i} * * * * * *")));
        let half = tracking(0.5, 1, 9, 1).unwrap();
        let code = |error: Option<InvalidProvision>| error.unwrap().code();
        for (error, expected) in [
            (tracking(0.0, 1, 2, 1).err(), "TrackingTarget"),
            (tracking(1.0, 1, 2, 1).err(), "TrackingTarget"),
            (tracking(f64::NAN, 1, 2, 1).err(), "TrackingTarget"),
            (tracking(0.5, 0, 2, 1).err(), "MinCapacity"),
            (tracking(0.5, 3, 2, 1).err(), "MinCapacity"),
            (TimedAction::new("1st", 1, twelve).err(), "ProvisionTriggerName"),
            (TimedAction::new("a", 1, "noon").err(), "TriggerCronConfig"),
            (
                new(one, vec![action("a", 1, twelve), action("a", 2, "1 0 12 * * * *")]).err(),
                "ProvisionTriggerNameDuplicate",
            ),
            (
                new(one, vec![action("a", 1, twelve), action("b", 2, twelve)]).err(),
                "ProvisionTriggerCronConfigDuplicate",
            ),
            (new(half, vec![action("a", 1, twelve)]).err(), "ProvisionType"),
        ] {
            assert_eq!(code(error), format!("InvalidParameterValue.{expected}"));
        }
        assert_eq!(
            code(new(one, many().collect()).err()),
            "LimitExceeded.ProvisionTriggerAction"
        );
        assert!(new(one, many().take(10).collect()).is_ok());
    }

    #[test]
    fn an_action_that_is_never_due_again_is_refused_where_it_is_given() {
        let set_at: Timestamp = "2026-11-26T09:00:00+08:00".parse().unwrap();
        for (cron, is_over) in [
            ("0 0 8 * * * 2020", true),
            ("0 0 9 26 11 * 2026", true),
            ("1 0 9 26 11 * 2026", false),
            ("0 0 8 * * * *", false),
        ] {
            let provision = Provision::new(Capacity::Fixed(2), vec![action("a", 1, cron)], set_at);
            let checked = provision.expect("what is stored stays readable").check_due();
            let expected = is_over.then_some("InvalidParameterValue.TriggerCronConfig");
            assert_eq!(checked.err().map(|error| error.code()), expected, "{cron}");
        }
    }
}
