//! What has to change about a function's settings, and how that is said.

use serde_json::Value;
use skiff_domain::LayerRef;

use crate::console::text;
use crate::settings::{Settings, environment_of, instance_concurrency_of, layers_of, network_of, socket_idle_of};

/// What the function has of the settings that are to change.
pub(super) fn former(current: &Value, changed: &Settings) -> Settings {
    let number = |name: &str| current[name].as_u64().and_then(|number| u32::try_from(number).ok());
    Settings {
        runtime: changed.runtime.as_ref().map(|_| text(current, "Runtime")),
        handler: None,
        memory_mb: changed.memory_mb.and_then(|_| number("MemorySize")),
        timeout_s: changed.timeout_s.and_then(|_| number("Timeout")),
        init_timeout_s: changed.init_timeout_s.and_then(|_| number("InitTimeout")),
        description: changed.description.as_ref().map(|_| text(current, "Description")),
        environment: changed.environment.as_ref().map(|_| environment_of(current)),
        network: changed.network.map(|_| network_of(current)),
        layers: changed.layers.as_ref().map(|_| layers_of(current)),
        role: changed.role.as_ref().map(|_| text(current, "Role")),
        web: None,
        socket_idle_s: changed.socket_idle_s.and_then(|_| socket_idle_of(current)),
        instance_concurrency: changed.instance_concurrency.map(|_| instance_concurrency_of(current)),
    }
}

/// The settings that are not what the server has, and in words how they change.
pub(super) fn differences(current: &Value, wanted: &Settings) -> (Settings, Vec<String>) {
    let mut changed = Settings::default();
    let mut changes = Vec::new();
    let mut differs = |what: &str, have: String, want: Option<String>| {
        let differs = want.as_ref().is_some_and(|want| *want != have);
        if differs {
            changes.push(change(what, &have, &want.unwrap_or_default()));
        }
        differs
    };
    let number = |field: &str| text(current, field);
    if differs(
        "memory",
        number("MemorySize"),
        wanted.memory_mb.map(|mb| mb.to_string()),
    ) {
        changed.memory_mb = wanted.memory_mb;
    }
    if differs(
        "timeout",
        number("Timeout"),
        wanted.timeout_s.map(|secs| secs.to_string()),
    ) {
        changed.timeout_s = wanted.timeout_s;
    }
    if differs(
        "initTimeout",
        number("InitTimeout"),
        wanted.init_timeout_s.map(|secs| secs.to_string()),
    ) {
        changed.init_timeout_s = wanted.init_timeout_s;
    }
    if differs(
        "instanceConcurrency",
        instance_concurrency_of(current).to_string(),
        wanted.instance_concurrency.map(|events| events.to_string()),
    ) {
        changed.instance_concurrency = wanted.instance_concurrency;
    }
    if differs("description", text(current, "Description"), wanted.description.clone()) {
        changed.description = wanted.description.clone();
    }
    if differs(
        "network",
        network_of(current).to_string(),
        wanted.network.map(|mode| mode.to_string()),
    ) {
        changed.network = wanted.network;
    }
    let seconds = |idle: u32| idle.to_string();
    if differs(
        "websocketIdle",
        socket_idle_of(current).map(seconds).unwrap_or_default(),
        wanted.socket_idle_s.map(seconds),
    ) {
        changed.socket_idle_s = wanted.socket_idle_s;
    }
    let layers = |layers: &[LayerRef]| layers.iter().map(LayerRef::to_string).collect::<Vec<_>>().join(", ");
    if differs(
        "layers",
        layers(&layers_of(current)),
        wanted.layers.as_deref().map(layers),
    ) {
        changed.layers = wanted.layers.clone();
    }
    if differs("role", text(current, "Role"), wanted.role.clone()) {
        changed.role = wanted.role.clone();
    }
    let runtime = text(current, "Runtime");
    if !wanted
        .runtime
        .as_ref()
        .is_some_and(|wanted| same_runtime(&runtime, wanted))
        && differs("runtime", runtime, wanted.runtime.clone())
    {
        changed.runtime = wanted.runtime.clone();
    }
    let sorted = |mut variables: Vec<(String, String)>| {
        variables.sort();
        variables
    };
    if let Some(environment) = &wanted.environment
        && sorted(environment_of(current)) != sorted(environment.clone())
    {
        changed.environment = wanted.environment.clone();
        let what = variables(&environment_of(current), environment);
        changes.push(format!("environment {}", what.join(", ")));
    }
    (changed, changes)
}

/// Which variables are added, changed and removed. Values may be secrets: they are not shown.
fn variables(have: &[(String, String)], want: &[(String, String)]) -> Vec<String> {
    let find = |list: &[(String, String)], key: &str| list.iter().find(|(name, _)| name == key).cloned();
    let mut said: Vec<String> = Vec::new();
    for (key, value) in want {
        match find(have, key) {
            None => said.push(format!("{key} added")),
            Some((_, before)) if before != *value => said.push(format!("{key} changed")),
            Some(_) => {}
        }
    }
    let gone = have.iter().filter(|(key, _)| find(want, key).is_none());
    said.extend(gone.map(|(key, _)| format!("{key} removed")));
    said
}

/// `Python3` means the newest installed one when the function is created; later it means the one it got.
pub(super) fn same_runtime(current: &str, wanted: &str) -> bool {
    let (current, wanted) = (current.to_lowercase(), wanted.to_lowercase());
    current == wanted || (wanted == "python3" && current.starts_with("python3."))
}

/// A change in words.
pub(super) fn change(what: &str, have: &str, want: &str) -> String {
    let quiet = |text: &str| {
        if text.is_empty() {
            "none".to_owned()
        } else {
            text.to_owned()
        }
    };
    format!("{what} {} -> {}", quiet(have), quiet(want))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::Serves;

    #[test]
    fn only_what_differs_is_updated_and_every_difference_is_said() {
        let current = json!({
            "Runtime": "Python3.11", "MemorySize": 128, "Timeout": 3, "InitTimeout": 65, "Description": "",
            "Environment": {"Variables": [{"Key": "B", "Value": "2"}, {"Key": "A", "Value": "1"}]},
            "PublicNetConfig": {"PublicNetStatus": "ENABLE"},
            "Type": "HTTP", "ProtocolType": "WS", "ProtocolParams": {"WSParams": {"IdleTimeOut": 600}},
        });
        let variables = vec![("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2".to_owned())];
        let same = Settings {
            runtime: Some("Python3".to_owned()),
            handler: Some("index.main_handler".to_owned()),
            memory_mb: Some(128),
            timeout_s: Some(3),
            init_timeout_s: Some(65),
            description: Some(String::new()),
            environment: Some(variables),
            network: Some(skiff_domain::NetworkMode::Public),
            layers: Some(Vec::new()),
            role: Some(String::new()),
            web: Some(Serves::Sockets),
            socket_idle_s: Some(600),
            instance_concurrency: Some(1),
        };
        assert_eq!(differences(&current, &same), (Settings::default(), Vec::new()));

        let wanted = Settings {
            runtime: Some("Python3.9".to_owned()),
            memory_mb: Some(256),
            description: Some("greets".to_owned()),
            environment: Some(Vec::new()),
            network: Some(skiff_domain::NetworkMode::None),
            layers: Some(vec!["deps:3".parse().expect("legal")]),
            role: Some("orders".to_owned()),
            socket_idle_s: Some(30),
            instance_concurrency: Some(50),
            ..same
        };
        let (changed, changes) = differences(&current, &wanted);
        assert_eq!(
            changed,
            Settings {
                handler: None,
                timeout_s: None,
                init_timeout_s: None,
                web: None,
                ..wanted
            }
        );
        assert_eq!(
            changes,
            [
                "memory 128 -> 256",
                "instanceConcurrency 1 -> 50",
                "description none -> greets",
                "network public -> none",
                "websocketIdle 600 -> 30",
                "layers none -> deps:3",
                "role none -> orders",
                "runtime Python3.11 -> Python3.9",
                "environment B removed, A removed"
            ]
        );
    }
}
