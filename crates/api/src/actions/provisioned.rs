//! What the actions on provisioned concurrency have in common: its types, `TriggerAction`.

use serde::{Deserialize, Serialize};
use skiff_control_plane::TimedAction;

use super::configuration;
use crate::error::ApiError;

/// A number that stays.
pub(super) const DEFAULT: &str = "Default";
/// A number that follows demand.
pub(super) const TRACKING: &str = "ConcurrencyUtilizationTracking";

/// `TriggerAction`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Action {
    trigger_name: Option<String>,
    trigger_provisioned_concurrency_num: Option<i64>,
    trigger_cron_config: Option<String>,
    provisioned_type: Option<String>,
}

impl Action {
    pub(super) fn of(action: &TimedAction) -> Self {
        Self {
            trigger_name: Some(action.name().to_owned()),
            trigger_provisioned_concurrency_num: Some(action.instances().into()),
            trigger_cron_config: Some(action.cron().to_string()),
            provisioned_type: Some(DEFAULT.to_owned()),
        }
    }

    /// Reads the action that stands at this place of `TriggerActions`.
    pub(super) fn read(self, at: usize) -> Result<TimedAction, ApiError> {
        const CODE: &str = "InvalidParameterValue.TriggerProvisionedConcurrencyNum";
        let field = |name: &str| format!("TriggerActions[{at}].{name}");
        let name = self
            .trigger_name
            .ok_or_else(|| ApiError::missing(&field("TriggerName")))?;
        let what = field("TriggerProvisionedConcurrencyNum");
        let number = configuration::number(self.trigger_provisioned_concurrency_num, &what, CODE)?;
        let number = number.ok_or_else(|| ApiError::missing(&what))?;
        let too_large = |_| ApiError::new(CODE, format!("{what} {number} is not valid: it is too large"));
        let number = u32::try_from(number).map_err(too_large)?;
        let cron = self
            .trigger_cron_config
            .ok_or_else(|| ApiError::missing(&field("TriggerCronConfig")))?;
        if !matches!(self.provisioned_type.as_deref(), None | Some("" | DEFAULT)) {
            return Err(ApiError::new(
                "InvalidParameterValue.ProvisionType",
                format!("the ProvisionedType of a TriggerAction is {DEFAULT}: it sets a number"),
            ));
        }
        TimedAction::new(&name, number, &cron).map_err(|error| ApiError::refused(error.code(), &error))
    }
}
