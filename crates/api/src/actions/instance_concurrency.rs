//! How many events an instance takes at once, as requests carry it (CONTRACT 1.11).

use serde::{Deserialize, Serialize};
use skiff_domain::InstanceConcurrency;

use crate::error::ApiError;
use crate::parameters::Unserved;

/// What instances are not shared by.
pub(super) const UNSERVED: &[Unserved] = &[
    Unserved::new(
        "InstanceConcurrencyConfig.DynamicEnabled",
        "InvalidParameterValue.DynamicEnabled",
        "an instance takes as many events at once as MaxConcurrency says; use FALSE",
    )
    .unless(&["FALSE"]),
    Unserved::new(
        "InstanceConcurrencyConfig.InstanceIsolationEnabled",
        "FailedOperation.InstanceIsolationEnabled",
        "what runs on one instance at the same time shares its memory and its files",
    )
    .unless(&["FALSE"]),
    Unserved::new(
        "InstanceConcurrencyConfig.Type",
        "InvalidParameterValue.Type",
        "events are told apart as requests, not as sessions",
    )
    .unless(&["Request-Based"]),
    Unserved::new(
        "InstanceConcurrencyConfig.SessionConfig",
        "FailedOperation.SessionName",
        "a session is not kept on an instance",
    ),
    Unserved::new(
        "InstanceConcurrencyConfig.MixNodeConfig",
        "FailedOperation.MixNodeConfig",
        "there is one kind of machine",
    ),
];

/// `InstanceConcurrencyConfig`.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct InstanceConcurrencyConfig {
    dynamic_enabled: Option<String>,
    max_concurrency: Option<i64>,
}

impl InstanceConcurrencyConfig {
    /// What a function was given.
    pub(super) fn of(concurrency: InstanceConcurrency) -> Self {
        Self {
            dynamic_enabled: Some("FALSE".to_owned()),
            max_concurrency: Some(concurrency.get().into()),
        }
    }
}

/// How many events an instance is to take at once; none where nothing is said. `DynamicEnabled` of nothing takes back
/// what was said, as the official SDKs have it.
pub(super) fn read(config: Option<InstanceConcurrencyConfig>) -> Result<Option<InstanceConcurrency>, ApiError> {
    let Some(InstanceConcurrencyConfig {
        dynamic_enabled,
        max_concurrency,
    }) = config
    else {
        return Ok(None);
    };
    let given = match (dynamic_enabled.as_deref(), max_concurrency) {
        (Some(""), None | Some(0 | 1)) => return Ok(Some(InstanceConcurrency::ONE)),
        (_, None) => return Ok(None),
        (Some(""), Some(_)) => {
            let message =
                "InstanceConcurrencyConfig.DynamicEnabled is empty, which is for one event at a time: use FALSE";
            return Err(ApiError::new("InvalidParameterValue.DynamicEnabled", message));
        }
        (_, Some(given)) => given,
    };
    let events = u32::try_from(given).unwrap_or(0);
    let concurrency = InstanceConcurrency::new(events).map_err(|error| {
        let message = format!("InstanceConcurrencyConfig.MaxConcurrency {given} is not valid: {error}");
        ApiError::new("InvalidParameterValue.MaxConcurrency", message)
    })?;
    Ok(Some(concurrency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_takes_1_to_100_events_at_once() {
        let check = |dynamic: Option<&str>, max_concurrency| {
            let config = InstanceConcurrencyConfig {
                dynamic_enabled: dynamic.map(str::to_owned),
                max_concurrency,
            };
            read(Some(config)).map(|concurrency| concurrency.map(InstanceConcurrency::get))
        };
        assert_eq!(check(Some("FALSE"), None).expect("nothing said"), None);
        assert_eq!(check(Some(""), None).expect("taken back"), Some(1));
        let error = check(Some(""), Some(2)).expect_err("both");
        assert_eq!(error.code, "InvalidParameterValue.DynamicEnabled");
        for legal in [1, 2, 100] {
            assert_eq!(check(None, Some(legal)).expect("legal"), u32::try_from(legal).ok());
        }
        for given in [-1, 0, 101, i64::MAX] {
            let error = check(Some("FALSE"), Some(given)).expect_err("out of range");
            assert_eq!(error.code, "InvalidParameterValue.MaxConcurrency");
            assert!(error.message.contains("1 to 100"), "{}", error.message);
        }
    }
}
