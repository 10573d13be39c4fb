//! A function's settings as flags, shared by `create` and `update`.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use skiff_domain::{LayerRef, NetworkMode};

use crate::error::CliError;
use crate::settings::Settings;

/// Flags for what can be set of a function.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct SettingsFlags {
    /// Runtime: Python3 for the newest installed, or e.g. Python3.11 [default of a new function: Python3]
    #[arg(long, value_name = "NAME")]
    runtime: Option<String>,
    /// Entry point, e.g. index.main_handler
    #[arg(long, value_name = "NAME")]
    handler: Option<String>,
    /// Memory in MB: 64, or a multiple of 128 up to 3072
    #[arg(long, value_name = "MB", value_parser = whole_number)]
    memory: Option<u32>,
    /// Longest run of one event, in seconds: 1 to 900
    #[arg(long, value_name = "SECONDS", value_parser = whole_number)]
    timeout: Option<u32>,
    /// Longest initialisation, in seconds: 1 to 300
    #[arg(long, value_name = "SECONDS", value_parser = whole_number)]
    init_timeout: Option<u32>,
    /// Events an instance takes at once: 1 to 100, of a web function or one for Node.js or Java
    #[arg(long, value_name = "EVENTS", value_parser = whole_number)]
    instance_concurrency: Option<u32>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// An environment variable; give the flag once for each. Those given replace all the function had
    #[arg(long = "env", short, value_name = "KEY=VALUE")]
    environment: Vec<String>,
    /// No environment variables
    #[arg(long = "no-env", conflicts_with = "environment")]
    no_environment: bool,
    /// What it may reach: public (the outside), private (Skiff's own endpoints) or none
    #[arg(long, value_name = "MODE", value_parser = network(), hide_possible_values = true)]
    network: Option<NetworkMode>,
    /// A version of a layer, e.g. deps:3; give the flag once for each, the lowest first. Those given replace all it had
    #[arg(long = "layer", value_name = "LAYER")]
    layers: Vec<LayerRef>,
    /// No layers
    #[arg(long, conflicts_with = "layers")]
    no_layers: bool,
    /// The role it acts in towards the API: one the operator defined
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
    /// No role
    #[arg(long, conflicts_with = "role")]
    no_role: bool,
}

/// Its words are known to completion.
fn network() -> impl TypedValueParser<Value = NetworkMode> {
    PossibleValuesParser::new(NetworkMode::ALL.map(|mode| mode.to_string())).try_map(|text| text.parse::<NetworkMode>())
}

fn whole_number(text: &str) -> Result<u32, &'static str> {
    text.parse().map_err(|_| "give a whole number without a unit")
}

impl SettingsFlags {
    /// The settings the flags say.
    pub(super) fn settings(&self) -> Result<Settings, CliError> {
        let variable = |text: &String| {
            let invalid = || CliError::argument("--env", text, "give KEY=VALUE");
            text.split_once('=')
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .ok_or_else(invalid)
        };
        let environment: Vec<_> = self.environment.iter().map(variable).collect::<Result<_, _>>()?;
        Ok(Settings {
            runtime: self.runtime.clone(),
            handler: self.handler.clone(),
            memory_mb: self.memory,
            timeout_s: self.timeout,
            init_timeout_s: self.init_timeout,
            description: self.description.clone(),
            environment: (self.no_environment || !environment.is_empty()).then_some(environment),
            network: self.network,
            role: self.role.clone().or_else(|| self.no_role.then(String::new)),
            layers: (self.no_layers || !self.layers.is_empty()).then(|| self.layers.clone()),
            // Of `skiff deploy` alone.
            web: None,
            socket_idle_s: None,
            instance_concurrency: self.instance_concurrency,
        })
    }
}
