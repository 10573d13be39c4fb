//! A function's settings as requests carry them, for creation and update alike.

use serde::{Deserialize, Serialize};
use skiff_control_plane::{Description, Environment, InitTimeout, MemorySize, Publish, RuntimeChoice, Tags, Timeout};
use skiff_domain::{NetworkMode, RoleName};

use crate::error::ApiError;
use crate::parameters::Unserved;

pub(super) const CLS_LATER: &str = "there is no log service to send to; GetFunctionLogs has the logs";

pub(super) const INSTALL_DEPENDENCY: Unserved = Unserved::new(
    "InstallDependency",
    "UnsupportedOperation",
    "put the dependencies into the package",
)
.unless(&["FALSE"]);

/// Settings whose features are not there yet.
pub(super) const UNSERVED: &[Unserved] = &[
    INSTALL_DEPENDENCY,
    Unserved::new("ClsLogsetId", "InvalidParameterValue.Cls", CLS_LATER),
    Unserved::new("ClsTopicId", "InvalidParameterValue.Cls", CLS_LATER),
    Unserved::new(
        "DeadLetterConfig",
        "InvalidParameterValue.DeadLetterConfig",
        "dead letters come with asynchronous calls, later",
    ),
    Unserved::new(
        "PublicNetConfig.EipConfig",
        "InvalidParameterValue.EipConfig",
        "an outgoing address of its own is not given",
    )
    .unless(&["DISABLE"]),
    Unserved::new(
        "CfsConfig",
        "InvalidParameterValue.CfsParameterError",
        "file systems cannot be mounted",
    ),
    Unserved::new(
        "DnsCache",
        "InvalidParameterValue.DnsInfo",
        "instances ask the host's resolver",
    )
    .unless(&["FALSE"]),
    Unserved::new(
        "IntranetConfig",
        "UnsupportedOperation",
        "a fixed inner address is not given",
    )
    .unless(&["DISABLE"]),
];

/// `Environment`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct EnvironmentFields {
    variables: Option<Vec<Pair>>,
}

/// A variable or a tag.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Pair {
    key: Option<String>,
    value: Option<String>,
}

/// `VpcConfig`. There are no networks to join, but a way to have none at all: `VpcId` `none`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct VpcConfig {
    vpc_id: Option<String>,
    subnet_id: Option<String>,
}

/// `PublicNetConfig`: `ENABLE` reaches the outside, `DISABLE` only Skiff's own endpoints.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PublicNetConfig {
    public_net_status: Option<String>,
}

/// `VpcId` of a function without any network.
const NO_NETWORK: &str = "none";

impl Pair {
    fn of(pair: &(String, String)) -> Self {
        Self {
            key: Some(pair.0.clone()),
            value: Some(pair.1.clone()),
        }
    }
}

/// Pairs as they are answered.
pub(super) fn pairs(pairs: &[(String, String)]) -> Vec<Pair> {
    pairs.iter().map(Pair::of).collect()
}

fn read_pairs(given: Vec<Pair>) -> Vec<(String, String)> {
    given
        .into_iter()
        .map(|pair| (pair.key.unwrap_or_default(), pair.value.unwrap_or_default()))
        .collect()
}

impl EnvironmentFields {
    pub(super) fn of(environment: &Environment) -> Self {
        Self {
            variables: Some(pairs(environment.variables())),
        }
    }

    pub(super) fn read(self) -> Result<Environment, ApiError> {
        Environment::new(read_pairs(self.variables.unwrap_or_default()))
            .map_err(|error| ApiError::refused(error.code(), &error))
    }
}

impl VpcConfig {
    pub(super) fn of(network: NetworkMode) -> Self {
        let vpc_id = if network == NetworkMode::None { NO_NETWORK } else { "" };
        Self {
            vpc_id: Some(vpc_id.to_owned()),
            subnet_id: Some(String::new()),
        }
    }
}

/// The network mode the two settings mean together; nothing when neither says anything.
pub(super) fn network(
    vpc: Option<VpcConfig>,
    public: Option<PublicNetConfig>,
) -> Result<Option<NetworkMode>, ApiError> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let vpc = vpc.unwrap_or_default();
    let unconnected = match (given(vpc.vpc_id), given(vpc.subnet_id)) {
        (None, None) => false,
        (Some(id), None) if id.eq_ignore_ascii_case(NO_NETWORK) => true,
        _ => {
            return Err(ApiError::new(
                "UnsupportedOperation.VpcConfig",
                "VpcConfig is not valid: networks cannot be joined yet; use the VpcId none for no network at all",
            ));
        }
    };
    let status = given(public.unwrap_or_default().public_net_status).map(|text| text.to_ascii_uppercase());
    match (unconnected, status.as_deref()) {
        (true, None | Some("DISABLE")) => Ok(Some(NetworkMode::None)),
        (true, Some("ENABLE")) => Err(ApiError::new(
            "InvalidParameterValue.PublicNetConfig",
            "PublicNetConfig.PublicNetStatus ENABLE and VpcConfig.VpcId none exclude each other",
        )),
        (false, None) => Ok(None),
        (false, Some("ENABLE")) => Ok(Some(NetworkMode::Public)),
        (false, Some("DISABLE")) => Ok(Some(NetworkMode::Private)),
        (_, Some(_)) => Err(ApiError::new(
            "InvalidParameterValue.PublicNetConfig",
            "PublicNetConfig.PublicNetStatus is not valid: use ENABLE or DISABLE",
        )),
    }
}

pub(super) fn tags(given: Option<Vec<Pair>>) -> Result<Tags, ApiError> {
    Tags::new(read_pairs(given.unwrap_or_default())).map_err(|error| ApiError::refused(error.code(), &error))
}

pub(super) fn description(given: Option<String>) -> Result<Option<Description>, ApiError> {
    given
        .map(Description::new)
        .transpose()
        .map_err(|error| ApiError::refused(error.code(), &error))
}

pub(super) fn memory(given: Option<i64>) -> Result<Option<MemorySize>, ApiError> {
    number(given, "MemorySize", "InvalidParameterValue.MemorySize")?
        .map(MemorySize::from_mb)
        .transpose()
        .map_err(|error| ApiError::refused(error.code(), &error))
}

pub(super) fn timeout(given: Option<i64>) -> Result<Option<Timeout>, ApiError> {
    number(given, "Timeout", "InvalidParameterValue")?
        .map(Timeout::from_secs)
        .transpose()
        .map_err(|error| ApiError::refused(error.code(), &error))
}

pub(super) fn init_timeout(given: Option<i64>) -> Result<Option<InitTimeout>, ApiError> {
    number(given, "InitTimeout", "InvalidParameterValue")?
        .map(InitTimeout::from_secs)
        .transpose()
        .map_err(|error| ApiError::refused(error.code(), &error))
}

/// A number that cannot be negative.
pub(super) fn number(given: Option<i64>, field: &str, code: &'static str) -> Result<Option<u64>, ApiError> {
    let negative = |_| ApiError::new(code, format!("{field} is not valid: it cannot be negative"));
    given.map(u64::try_from).transpose().map_err(negative)
}

/// A role; an empty one is none at all.
pub(super) fn role(given: Option<String>) -> Result<Option<Option<RoleName>>, ApiError> {
    let read = |text: String| match text.as_str() {
        "" => Ok(None),
        text => text.parse().map(Some),
    };
    // A name that is none is none of a role that there is.
    let role = given.map(read).transpose();
    role.map_err(|error| ApiError::name("ResourceNotFound.Role", &error))
}

/// An empty runtime is as good as none.
pub(super) fn runtime(given: Option<&str>) -> Option<RuntimeChoice> {
    given.filter(|text| !text.is_empty()).map(RuntimeChoice::from)
}

/// `Publish`.
pub(super) fn publish(given: Option<&str>) -> Result<Publish, ApiError> {
    Ok(if switch(given, "Publish")? {
        Publish::Yes
    } else {
        Publish::No
    })
}

/// `TRUE` or `FALSE`, as the API writes its switches.
pub(super) fn switch(given: Option<&str>, field: &str) -> Result<bool, ApiError> {
    match given.unwrap_or_default().to_ascii_uppercase().as_str() {
        "TRUE" => Ok(true),
        "" | "FALSE" => Ok(false),
        _ => Err(ApiError::new(
            "InvalidParameterValue",
            format!("{field} is not valid: use TRUE or FALSE"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_mode_is_said_by_two_settings_together() {
        let check = |vpc: &str, public: &str| {
            let vpc = VpcConfig {
                vpc_id: Some(vpc.to_owned()),
                subnet_id: None,
            };
            let public = PublicNetConfig {
                public_net_status: Some(public.to_owned()),
            };
            network(Some(vpc), Some(public)).map_err(|error| error.code.into_owned())
        };
        assert_eq!(network(None, None), Ok(None));
        for (vpc, public, mode) in [
            ("", "", None),
            ("", "ENABLE", Some(NetworkMode::Public)),
            ("", "disable", Some(NetworkMode::Private)),
            ("none", "", Some(NetworkMode::None)),
            ("None", "DISABLE", Some(NetworkMode::None)),
        ] {
            assert_eq!(check(vpc, public), Ok(mode), "{vpc} {public}");
        }
        for (vpc, public, code) in [
            ("vpc-1", "", "UnsupportedOperation.VpcConfig"),
            ("none", "ENABLE", "InvalidParameterValue.PublicNetConfig"),
            ("", "ON", "InvalidParameterValue.PublicNetConfig"),
        ] {
            assert_eq!(check(vpc, public), Err(code.to_owned()), "{vpc} {public}");
        }
        let subnet = VpcConfig {
            vpc_id: Some("none".to_owned()),
            subnet_id: Some("subnet-1".to_owned()),
        };
        assert!(network(Some(subnet), None).is_err());
    }

    #[test]
    fn a_negative_number_is_refused_by_name() {
        for error in [
            memory(Some(-1)).unwrap_err(),
            timeout(Some(-1)).unwrap_err(),
            init_timeout(Some(-1)).unwrap_err(),
        ] {
            assert!(error.message.contains("cannot be negative"), "{error}");
        }
    }
}
