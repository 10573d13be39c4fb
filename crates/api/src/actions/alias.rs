//! What the actions on aliases have in common: names, versions, `RoutingConfig`.

use serde::{Deserialize, Serialize};
use skiff_control_plane::{Alias, GivenRule, PutAlias, Routing};
use skiff_domain::{AliasName, VersionRef};

use super::{configuration, names};
use crate::error::ApiError;
use crate::time;

/// What CreateAlias and UpdateAlias take.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Request {
    name: Option<String>,
    function_name: Option<String>,
    function_version: Option<String>,
    namespace: Option<String>,
    routing_config: Option<RoutingConfig>,
    description: Option<String>,
}

/// `RoutingConfig`. The spelling of its second field is the contract's (CONTRACT 2.5).
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RoutingConfig {
    additional_version_weights: Option<Vec<VersionWeight>>,
    addtion_version_matchs: Option<Vec<VersionMatch>>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
struct VersionWeight {
    version: Option<String>,
    weight: Option<f64>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
struct VersionMatch {
    version: Option<String>,
    key: Option<String>,
    method: Option<String>,
    expression: Option<String>,
}

/// `Alias`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry {
    name: String,
    function_version: String,
    routing_config: RoutingConfig,
    description: String,
    add_time: String,
    mod_time: String,
}

impl Request {
    pub(super) fn read(self) -> Result<PutAlias, ApiError> {
        let version = version(self.function_version)?.ok_or_else(|| ApiError::missing("FunctionVersion"))?;
        Ok(PutAlias {
            key: names::key(self.function_name, self.namespace)?,
            name: name(self.name)?,
            version,
            routing: self.routing_config.unwrap_or_default().read()?,
            description: configuration::description(self.description)?,
        })
    }
}

/// A required alias.
pub(super) fn name(given: Option<String>) -> Result<AliasName, ApiError> {
    let text = given.filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| ApiError::missing("Name"))?;
    text.parse()
        .map_err(|error| ApiError::name("InvalidParameterValue.Alias", &error))
}

/// A version that may be left out.
pub(super) fn version(given: Option<String>) -> Result<Option<VersionRef>, ApiError> {
    let text = given.filter(|text| !text.is_empty());
    text.map(|text| {
        text.parse()
            .map_err(|error| ApiError::name("InvalidParameterValue", &error))
    })
    .transpose()
}

impl RoutingConfig {
    fn read(self) -> Result<Routing, ApiError> {
        let mut weights = Vec::new();
        let given = self.additional_version_weights.unwrap_or_default();
        for (at, weight) in given.into_iter().enumerate() {
            let missing =
                |field: &str| ApiError::missing(&format!("RoutingConfig.AdditionalVersionWeights[{at}].{field}"));
            let version = weight.version.filter(|text| !text.is_empty());
            let version = version.ok_or_else(|| missing("Version"))?;
            weights.push((version, weight.weight.ok_or_else(|| missing("Weight"))?));
        }
        let rules = self.addtion_version_matchs.unwrap_or_default().into_iter();
        let rules = rules.map(|rule| GivenRule {
            version: rule.version.unwrap_or_default(),
            key: rule.key.unwrap_or_default(),
            method: rule.method.unwrap_or_default(),
            expression: rule.expression.unwrap_or_default(),
        });
        Routing::parse(&weights, rules.collect()).map_err(|error| ApiError::refused(error.code(), &error))
    }

    fn of(routing: &Routing) -> Self {
        let (weights, rules) = match routing {
            Routing::None => (Vec::new(), &[][..]),
            Routing::Weighted { version, weight } => {
                let weight = VersionWeight {
                    version: Some(version.to_string()),
                    weight: Some(weight.get()),
                };
                (vec![weight], &[][..])
            }
            Routing::Ruled(rules) => (Vec::new(), &rules[..]),
        };
        let rules = rules.iter().map(|rule| {
            let GivenRule {
                version,
                key,
                method,
                expression,
            } = rule.to_given();
            VersionMatch {
                version: Some(version),
                key: Some(key),
                method: Some(method),
                expression: Some(expression),
            }
        });
        Self {
            additional_version_weights: Some(weights),
            addtion_version_matchs: Some(rules.collect()),
        }
    }
}

impl Entry {
    pub(super) fn of(alias: &Alias) -> Self {
        Self {
            name: alias.name.to_string(),
            function_version: alias.version.to_string(),
            routing_config: RoutingConfig::of(&alias.routing),
            description: alias.description.to_string(),
            add_time: time::to_text(alias.created_at),
            mod_time: time::to_text(alias.modified_at),
        }
    }
}
