//! A function's settings as people write them, and the API parameters they become.

use serde_json::{Map, Value, json};
use skiff_domain::{LayerRef, NetworkMode};

/// What can be set of a function besides its code. What is `None` is not said to the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) runtime: Option<String>,
    pub(crate) handler: Option<String>,
    pub(crate) memory_mb: Option<u32>,
    pub(crate) timeout_s: Option<u32>,
    pub(crate) init_timeout_s: Option<u32>,
    pub(crate) description: Option<String>,
    /// All variables: the API replaces the whole list.
    pub(crate) environment: Option<Vec<(String, String)>>,
    pub(crate) network: Option<NetworkMode>,
    /// All layers, the lowest first: the API replaces the whole list.
    pub(crate) layers: Option<Vec<LayerRef>>,
    /// The role it acts in; none where it is empty.
    pub(crate) role: Option<String>,
    /// What it serves, where it is a web function. Fixed when it is created.
    pub(crate) web: Option<Serves>,
    /// Seconds its WebSockets may be silent.
    pub(crate) socket_idle_s: Option<u32>,
    /// How many events an instance takes at once.
    pub(crate) instance_concurrency: Option<u32>,
}

/// What a web function serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Serves {
    Http,
    /// And WebSockets.
    Sockets,
}

impl Settings {
    /// The parameters of CreateFunction and UpdateFunctionConfiguration. `Handler` belongs to the first only: an update
    /// changes it together with the code.
    pub(crate) fn params(&self) -> Map<String, Value> {
        let Self {
            runtime,
            handler,
            memory_mb,
            timeout_s,
            init_timeout_s,
            description,
            environment,
            network,
            layers,
            role,
            web,
            socket_idle_s,
            instance_concurrency,
        } = self;
        let mut params = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                params.insert(name.to_owned(), value);
            }
        };
        set("Runtime", runtime.as_ref().map(|text| json!(text)));
        set("Handler", handler.as_ref().map(|text| json!(text)));
        set("MemorySize", memory_mb.map(|mb| json!(mb)));
        set("Timeout", timeout_s.map(|secs| json!(secs)));
        set("InitTimeout", init_timeout_s.map(|secs| json!(secs)));
        set("Description", description.as_ref().map(|text| json!(text)));
        set(
            "Environment",
            environment.as_ref().map(|variables| {
                let variables: Vec<_> = variables
                    .iter()
                    .map(|(key, value)| json!({"Key": key, "Value": value}))
                    .collect();
                json!({ "Variables": variables })
            }),
        );
        set("Type", web.map(|_| json!("HTTP")));
        set("ProtocolType", (*web == Some(Serves::Sockets)).then(|| json!("WS")));
        set(
            "ProtocolParams",
            socket_idle_s.map(|idle| json!({"WSParams": {"IdleTimeOut": idle}})),
        );
        set(
            "InstanceConcurrencyConfig",
            instance_concurrency.map(|events| json!({"DynamicEnabled": "FALSE", "MaxConcurrency": events})),
        );
        set("Role", role.as_ref().map(|text| json!(text)));
        let layers = layers.as_ref();
        set("Layers", layers.map(|layers| layers.iter().map(layer_params).collect()));
        if let Some(network) = network {
            for (name, value) in network_params(*network) {
                set(name, Some(value));
            }
        }
        params
    }
}

/// How the API says a network mode: the public switch, and `VpcId` `none` for no network at all.
fn network_params(network: NetworkMode) -> [(&'static str, Value); 2] {
    let (status, vpc) = match network {
        NetworkMode::Public => ("ENABLE", ""),
        NetworkMode::Private => ("DISABLE", ""),
        NetworkMode::None => ("DISABLE", "none"),
    };
    [
        ("PublicNetConfig", json!({"PublicNetStatus": status})),
        ("VpcConfig", json!({"VpcId": vpc, "SubnetId": ""})),
    ]
}

/// What a function serves by what GetFunction answers; none for one that takes events.
pub(crate) fn web_of(function: &Value) -> Option<Serves> {
    let sockets = function["ProtocolType"] == "WS";
    (function["Type"] == "HTTP").then_some(if sockets { Serves::Sockets } else { Serves::Http })
}

/// How long its WebSockets may be silent, in seconds.
pub(crate) fn socket_idle_of(function: &Value) -> Option<u32> {
    let idle = function["ProtocolParams"]["WSParams"]["IdleTimeOut"].as_u64()?;
    u32::try_from(idle).ok()
}

/// The network mode of what GetFunction answers.
pub(crate) fn network_of(function: &Value) -> NetworkMode {
    if function["VpcConfig"]["VpcId"] == "none" {
        return NetworkMode::None;
    }
    match function["PublicNetConfig"]["PublicNetStatus"].as_str() {
        Some("DISABLE") => NetworkMode::Private,
        _ => NetworkMode::Public,
    }
}

/// How the API names a version of a layer.
pub(crate) fn layer_params(layer: &LayerRef) -> Value {
    json!({"LayerName": layer.name, "LayerVersion": layer.number.get()})
}

/// The layers of what GetFunction answers.
pub(crate) fn layers_of(function: &Value) -> Vec<LayerRef> {
    let layers = function["Layers"].as_array().into_iter().flatten();
    let read = |layer: &Value| {
        format!("{}:{}", layer["LayerName"].as_str()?, layer["LayerVersion"])
            .parse()
            .ok()
    };
    layers.filter_map(read).collect()
}

/// How many events an instance takes at once, of what GetFunction answers.
pub(crate) fn instance_concurrency_of(function: &Value) -> u32 {
    let events = function["InstanceConcurrencyConfig"]["MaxConcurrency"].as_u64();
    events.and_then(|events| u32::try_from(events).ok()).unwrap_or(1)
}

/// The environment variables of what GetFunction answers.
pub(crate) fn environment_of(function: &Value) -> Vec<(String, String)> {
    let variables = function["Environment"]["Variables"].as_array();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    variables
        .into_iter()
        .flatten()
        .map(|variable| (text(&variable["Key"]), text(&variable["Value"])))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_not_sent() {
        assert!(Settings::default().params().is_empty());
        let settings = Settings {
            memory_mb: Some(256),
            environment: Some(Vec::new()),
            ..Settings::default()
        };
        let expected = json!({"MemorySize": 256, "Environment": {"Variables": []}});
        assert_eq!(Value::Object(settings.params()), expected);
    }

    #[test]
    fn a_network_mode_reads_back_from_what_says_it() {
        for mode in NetworkMode::ALL {
            let settings = Settings {
                network: Some(mode),
                ..Settings::default()
            };
            assert_eq!(network_of(&Value::Object(settings.params())), mode);
        }
    }
}
