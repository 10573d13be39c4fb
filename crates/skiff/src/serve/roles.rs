//! Roles: what the operator defines in `roles.toml` of the data dir, and the credentials that instances are handed.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use skiff_auth::{Grant, Keyring, Pattern, Policy, SESSION_LIFE};
use skiff_control_plane::Roles;
use skiff_domain::{AttemptReport, Call, InitReport, RoleName, StartError, Version};
use skiff_invoker::{Instance, Instances, Visit};
use tokio::time::Instant;

/// The file in the data dir.
const FILE_NAME: &str = "roles.toml";
/// How long before the end of its credentials an instance gets no further call: longer than any call, and than the age
/// of what an instance goes on from that initialised itself with other credentials.
const CREDENTIALS_LEFT_MIN: SignedDuration = SignedDuration::from_mins(60);

/// A role as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleToml {
    allow: Vec<GrantToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantToml {
    actions: Vec<String>,
    functions: Vec<String>,
}

/// Reads the roles there are. Without the file there are none.
pub(super) fn read(data_dir: &Path) -> anyhow::Result<skiff_auth::Roles> {
    let path = data_dir.join(FILE_NAME);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(skiff_auth::Roles::new()),
        Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
    };
    parse(&text).with_context(|| format!("{} is not valid", path.display()))
}

fn parse(text: &str) -> anyhow::Result<skiff_auth::Roles> {
    let written: BTreeMap<String, RoleToml> = toml::from_str(text)?;
    let patterns = |texts: Vec<String>| texts.into_iter().map(Pattern::from).collect::<Vec<_>>();
    let mut roles = skiff_auth::Roles::new();
    for (name, role) in written {
        let name: RoleName = name.parse()?;
        let mut grants = Vec::new();
        for grant in role.allow {
            if grant.actions.is_empty() || grant.functions.is_empty() {
                bail!(
                    "role {name} allows nothing: name actions such as \"Invoke\" and functions such as \"default/*\""
                );
            }
            grants.push(Grant {
                actions: patterns(grant.actions),
                functions: patterns(grant.functions),
            });
        }
        roles.insert(name.into(), Arc::new(Policy::new(grants)));
    }
    Ok(roles)
}

/// The roles as the control plane sees them.
pub(super) struct Known(pub(super) Arc<Keyring>);

impl Roles for Known {
    fn exists(&self, role: &RoleName) -> bool {
        self.0.roles().contains_key(role.as_str())
    }
}

/// Instances of another source, those of functions with a role handed credentials of it.
pub(super) struct Acting<I> {
    pub(super) instances: I,
    pub(super) keyring: Arc<Keyring>,
}

impl<I: Instances> Instances for Acting<I> {
    type Instance = ActingInstance<I::Instance>;

    async fn start(&self, version: &Arc<Version>) -> Result<(Self::Instance, InitReport), StartError> {
        let Some(role) = &version.role else {
            let (instance, init) = self.instances.start(version).await?;
            return Ok((ActingInstance { instance, until: None }, init));
        };
        let function = version.key.to_string();
        let temporary = self.keyring.temporary(role.as_str(), &function, Timestamp::now());
        let temporary = temporary.map_err(|error| StartError::Platform(format!("make credentials: {error}")))?;
        let life = (SESSION_LIFE - CREDENTIALS_LEFT_MIN).unsigned_abs();
        let until = Some(Instant::now() + life);
        let mut acting = Version::clone(version);
        let credentials = temporary.credentials;
        acting.environment.extend(
            [
                ("TENCENTCLOUD_SECRETID", credentials.secret_id.as_str()),
                ("TENCENTCLOUD_SECRETKEY", credentials.secret_key.reveal()),
                ("TENCENTCLOUD_SESSIONTOKEN", temporary.token.as_str()),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let (instance, init) = self.instances.start(&Arc::new(acting)).await?;
        Ok((ActingInstance { instance, until }, init))
    }
}

/// An instance that may have credentials of a role.
pub(super) struct ActingInstance<T> {
    instance: T,
    /// When they are too old for a further call.
    until: Option<Instant>,
}

impl<T: Instance> Instance for ActingInstance<T> {
    fn invoke(&mut self, call: Call) -> impl Future<Output = AttemptReport> + Send {
        self.instance.invoke(call)
    }

    fn visit(&mut self, call: Call, visit: Visit) -> impl Future<Output = AttemptReport> + Send {
        self.instance.visit(call, visit)
    }

    fn share(&self) -> Self {
        Self {
            instance: self.instance.share(),
            until: self.until,
        }
    }

    fn is_alive(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() < until) && self.instance.is_alive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_with_what_they_allow() {
        let text = "[orders]\nallow = [\n  { actions = [\"Invoke*\"], functions = [\"default/*\"] },\n]\n\n[none]\nallow = []\n";
        let roles = parse(text).expect("valid");
        assert!(roles["orders"].allows("InvokeFunction", "default/x"));
        assert!(!roles["orders"].allows("DeleteFunction", "default/x"));
        assert!(!roles["none"].allows("Invoke", "default/x"));
        assert!(parse("").expect("valid").is_empty());
    }

    #[test]
    fn a_file_that_is_wrong_is_refused_whole() {
        for bad in [
            "[orders]\n",
            "[orders]\nallow = [{ actions = [\"Invoke\"] }]\n",
            "[orders]\nallow = [{ actions = [], functions = [\"*\"] }]\n",
            "[orders]\nallow = []\ndeny = []\n",
            "[\"no name\"]\nallow = []\n",
            "orders",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
