//! The schema of what is kept ready: part of a function.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use skiff_domain::{Capacity, VersionNumber};

use super::DocumentError;
use crate::provision::{Provision, TimedAction, tracking};

#[derive(Serialize, Deserialize)]
pub(super) struct ProvisionV1 {
    number: VersionNumber,
    set_at: Timestamp,
    capacity: CapacityV1,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    actions: Vec<ActionV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum CapacityV1 {
    Fixed {
        instances: u32,
    },
    Tracking {
        utilization: f64,
        min: u32,
        max: u32,
        initial: u32,
    },
}

#[derive(Serialize, Deserialize)]
struct ActionV1 {
    name: String,
    instances: u32,
    cron: String,
}

impl ProvisionV1 {
    pub(super) fn of(number: VersionNumber, provision: &Provision) -> Self {
        let capacity = match provision.set() {
            Capacity::Fixed(instances) => CapacityV1::Fixed { instances },
            Capacity::Tracking(tracking) => CapacityV1::Tracking {
                utilization: tracking.utilization.get(),
                min: tracking.min,
                max: tracking.max,
                initial: tracking.initial,
            },
        };
        let actions = provision.actions().iter().map(|action| ActionV1 {
            name: action.name().to_owned(),
            instances: action.instances(),
            cron: action.cron().to_string(),
        });
        Self {
            number,
            set_at: provision.set_at(),
            capacity,
            actions: actions.collect(),
        }
    }

    pub(super) fn read(self) -> Result<(VersionNumber, Provision), DocumentError> {
        let capacity = match self.capacity {
            CapacityV1::Fixed { instances } => Capacity::Fixed(instances),
            CapacityV1::Tracking {
                utilization,
                min,
                max,
                initial,
            } => tracking(utilization, min, max, initial)?,
        };
        let actions = self.actions.into_iter();
        let actions = actions.map(|action| TimedAction::new(&action.name, action.instances, &action.cron));
        let provision = Provision::new(capacity, actions.collect::<Result<_, _>>()?, self.set_at)?;
        Ok((self.number, provision))
    }
}
