//! GetProvisionedConcurrencyConfig: what is kept ready, and what of it is ready.

use serde::{Deserialize, Serialize};
use skiff_control_plane::{Provision, ProvisionedView};
use skiff_domain::{Capacity, VersionNumber};
use skiff_invoker::FunctionLoad;

use super::provisioned::Action;
use super::{Call, names};
use crate::error::ApiError;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    namespace: Option<String>,
    qualifier: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    unallocated_concurrency_num: u64,
    allocated: Vec<Entry>,
}

/// `VersionProvisionedConcurrencyInfo`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    qualifier: String,
    allocated_provisioned_concurrency_num: u32,
    available_provisioned_concurrency_num: u32,
    status: &'static str,
    status_reason: String,
    trigger_actions: Vec<Action>,
}

pub(super) fn run(mut call: Call<'_>) -> Result<Answer, ApiError> {
    let request: Request = call.parameters.parse()?;
    let key = names::key(request.function_name, request.namespace)?;
    let qualifier = names::optional_qualifier(request.qualifier)?;
    let context = call.context;
    let view = context.control.provisioned_concurrency(&key, qualifier.as_ref());
    let view = view.map_err(|error| ApiError::refused(error.code(), &error))?;
    let loads = context.invoker.load();
    let entries = view.versions.iter();
    let entries = entries.map(|(number, provision, now)| Entry::of(&view, *number, provision, *now, &loads));
    Ok(Answer {
        unallocated_concurrency_num: view.unallocated,
        allocated: entries.collect(),
    })
}

impl Entry {
    fn of(
        view: &ProvisionedView,
        number: VersionNumber,
        provision: &Provision,
        now: Capacity,
        loads: &[FunctionLoad],
    ) -> Self {
        let qualifier = number.to_string();
        let mut loads = loads.iter();
        let load = loads.find(|load| load.version.uid == view.uid && load.version.label.as_str() == qualifier);
        let allocated = match (now, load) {
            (Capacity::Fixed(instances), _) => instances,
            (Capacity::Tracking(_), Some(load)) => load.provisioned,
            (Capacity::Tracking(tracking), None) => tracking.min,
        };
        let available = load.map_or(0, |load| load.ready.min(allocated));
        let failure = load.and_then(|load| load.failure.clone());
        let status = match &failure {
            _ if available == allocated => "Done",
            Some(_) => "Failed",
            None => "InProgress",
        };
        Self {
            qualifier,
            allocated_provisioned_concurrency_num: allocated,
            available_provisioned_concurrency_num: available,
            status,
            status_reason: failure.filter(|_| status == "Failed").unwrap_or_default(),
            trigger_actions: provision.actions().iter().map(Action::of).collect(),
        }
    }
}
