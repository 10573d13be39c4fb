//! The flags that share an alias's calls out.

use serde_json::{Value, json};

use crate::error::CliError;

/// What the names of a routing key begin with in rules.
pub(super) const KEY_PREFIX: &str = "invoke.headers.";

/// Flags of `create` and `update`.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct RoutingFlags {
    /// Send a share of the calls, 0 to 1, to another version, as in 3=0.1
    #[arg(long, value_name = "VERSION=SHARE")]
    weight: Option<String>,
    /// Send calls whose routing key has this value to another version, as in '3=User:Bob' or '3=Age:[18,25]'; may be
    /// repeated, and the first that matches counts
    #[arg(long, value_name = "VERSION=NAME:VALUE", conflicts_with = "weight")]
    rule: Vec<String>,
}

impl RoutingFlags {
    /// Adds `RoutingConfig` to a request.
    pub(super) fn add_to(&self, params: &mut Value) -> Result<(), CliError> {
        if let Some(weight) = &self.weight {
            let (version, share) = read_weight(weight)
                .ok_or_else(|| CliError::argument("--weight", weight, "give VERSION=SHARE, such as 3=0.1"))?;
            params["RoutingConfig"] = json!({"AdditionalVersionWeights": [{"Version": version, "Weight": share}]});
        }
        if !self.rule.is_empty() {
            let invalid = |rule: &String| {
                CliError::argument(
                    "--rule",
                    rule,
                    "give VERSION=NAME:VALUE, such as 3=User:Bob or 3=Age:[18,25]",
                )
            };
            let rules = self
                .rule
                .iter()
                .map(|rule| read_rule(rule).ok_or_else(|| invalid(rule)));
            params["RoutingConfig"] = json!({"AddtionVersionMatchs": rules.collect::<Result<Vec<_>, _>>()?});
        }
        Ok(())
    }
}

fn read_weight(text: &str) -> Option<(&str, f64)> {
    let (version, share) = text.split_once('=')?;
    Some((version, share.parse().ok()?))
}

fn read_rule(text: &str) -> Option<Value> {
    let (version, rest) = text.split_once('=')?;
    let (name, value) = rest.split_once(':')?;
    let is_range = value.starts_with(['[', '(']) && value.ends_with([']', ')']) && value.contains(',');
    let method = if is_range { "range" } else { "exact" };
    Some(json!({
        "Version": version, "Key": format!("{KEY_PREFIX}{name}"), "Method": method, "Expression": value,
    }))
}
