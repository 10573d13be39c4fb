//! PutProvisionedConcurrencyConfig: instances of a published version that are kept ready.

use serde::Deserialize;
use skiff_control_plane::{ProvisionConcurrency, TimedAction, tracking};
use skiff_domain::Capacity;

use super::provisioned::{Action, DEFAULT, TRACKING};
use super::{Call, configuration, names};
use crate::error::ApiError;
use crate::reply::Done;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    qualifier: Option<String>,
    version_provisioned_concurrency_num: Option<i64>,
    namespace: Option<String>,
    trigger_actions: Option<Vec<Action>>,
    provisioned_type: Option<String>,
    tracking_target: Option<f64>,
    min_capacity: Option<i64>,
    max_capacity: Option<i64>,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Done, ApiError> {
    let request: Request = call.parameters.parse()?;
    let key = names::key(request.function_name.clone(), request.namespace.clone())?;
    let qualifier = names::optional_qualifier(request.qualifier.clone())?;
    let qualifier = qualifier.ok_or_else(|| ApiError::missing("Qualifier"))?;
    let capacity = capacity(&request)?;
    let actions = request.trigger_actions.unwrap_or_default().into_iter().enumerate();
    let actions: Vec<TimedAction> = actions.map(|(at, action)| action.read(at)).collect::<Result<_, _>>()?;
    let input = ProvisionConcurrency {
        key,
        qualifier,
        capacity,
        actions,
    };
    let provisioned = call.context.control.provision_concurrency(input).await;
    provisioned.map_err(|error| ApiError::refused(error.code(), &error))?;
    Ok(Done {})
}

fn capacity(request: &Request) -> Result<Capacity, ApiError> {
    const NUMBER: &str = "VersionProvisionedConcurrencyNum";
    let number = count(request.version_provisioned_concurrency_num, NUMBER)?;
    let number = number.ok_or_else(|| ApiError::missing(NUMBER))?;
    let given = request.provisioned_type.as_deref().unwrap_or_default();
    let tracked = [
        ("TrackingTarget", request.tracking_target.is_some()),
        ("MinCapacity", request.min_capacity.is_some()),
        ("MaxCapacity", request.max_capacity.is_some()),
    ];
    match given {
        "" | DEFAULT => match tracked.iter().find(|(_, is_given)| *is_given) {
            None => Ok(Capacity::Fixed(number)),
            Some((field, _)) => Err(ApiError::new(
                "InvalidParameterValue.ProvisionType",
                format!("{field} goes with the ProvisionedType {TRACKING}"),
            )),
        },
        TRACKING => {
            if let Some((field, _)) = tracked.iter().find(|(_, is_given)| !is_given) {
                return Err(ApiError::missing(field));
            }
            let min = count(request.min_capacity, "MinCapacity")?.unwrap_or_default();
            let max = count(request.max_capacity, "MaxCapacity")?.unwrap_or_default();
            let tracking = tracking(request.tracking_target.unwrap_or_default(), min, max, number);
            tracking.map_err(|error| ApiError::refused(error.code(), &error))
        }
        other => Err(ApiError::new(
            "InvalidParameterValue.ProvisionType",
            format!("ProvisionedType {other:?} is not valid: use {DEFAULT} or {TRACKING}"),
        )),
    }
}

/// A number of instances.
fn count(given: Option<i64>, field: &str) -> Result<Option<u32>, ApiError> {
    let number = configuration::number(given, field, "InvalidParameterValue")?;
    let small = |number| {
        let too_many = |_| {
            ApiError::new(
                "InvalidParameterValue",
                format!("{field} {number} is not valid: it is too large"),
            )
        };
        u32::try_from(number).map_err(too_many)
    };
    number.map(small).transpose()
}
