//! What a runtime is told about the code it is to initialise.

use std::borrow::Cow;

use serde::Serialize;
use skiff_domain::Version;
use skiff_domain::limits::RESULT_BYTES_MAX;

use crate::family::Family;
use crate::{go, host, java, native, php, python};

/// A variable of the process.
pub(crate) type Variable<'a> = (&'a str, Cow<'a, str>);

/// The order to take code: the body of a load request.
#[derive(Debug, Serialize)]
pub struct Load<'a> {
    /// The entry point, e.g. `index.main_handler`.
    handler: &'a str,
    /// The environment of the process: nothing is inherited, but by Node.js, which is started with what all functions have.
    environment: Vec<Variable<'a>>,
    /// The program to become, for a stem cell that waits for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    program: Option<String>,
    /// The memory limit, for runtimes that keep their heap within it.
    memory_mb: u32,
    /// Largest result, in bytes.
    result_bytes_max: usize,
    /// True where there are layers, for runtimes that look into them.
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<bool>,
    /// How many events it is to run at once, where that is more than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<u32>,
}

/// What the platform tells a function through its environment beside the user's own variables.
#[derive(Debug, Clone)]
pub struct Platform {
    /// `TENCENTCLOUD_REGION`.
    pub region: String,
    /// `TENCENTCLOUD_APPID`.
    pub app_id: String,
    /// `TENCENTCLOUD_UIN`.
    pub uin: String,
    /// Names and addresses of Skiff's own endpoints as seen from inside, e.g. `SKIFF_API_ENDPOINT`.
    pub endpoints: Vec<(String, String)>,
}

/// The same for every function (CONTRACT 1.3).
pub(crate) const COMMON: &[(&str, &str)] = &[
    ("TENCENTCLOUD_RUNENV", "SCF"),
    ("USER_CODE_ROOT", "/var/user/"),
    ("PWD", "/var/user"),
    ("LOGNAME", "qcloud"),
    ("USER", "qcloud"),
    ("HOME", "/home/qcloud"),
    ("SHELL", "/bin/bash"),
    ("SHLVL", "3"),
    ("LANG", "en_US.UTF8"),
    ("LC_ALL", "en_US.UTF8"),
    ("LOCPATH", host::LOCALES),
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("LD_LIBRARY_PATH", "/var/user:/opt"),
    ("TENCENTCLOUD_TZ", "UTC"),
    ("_SCF_SERVER_PORT", "28902"),
];

/// What functions of the Python family have beside it.
const PYTHON: &[(&str, &str)] = &[("PYTHONDONTWRITEBYTECODE", "x"), ("PYTHONPATH", "/var/user:/opt")];

impl<'a> Load<'a> {
    /// The order for one version. The user's variables win over the common ones, as in the contract's platform,
    /// and never over those with a reserved prefix, which are refused at creation.
    #[must_use]
    pub fn new(version: &'a Version, platform: &'a Platform) -> Self {
        let fixed = |(key, value): &(&'static str, &'static str)| (*key, Cow::Borrowed(*value));
        let mut environment: Vec<(&str, Cow<'_, str>)> = COMMON.iter().map(fixed).collect();
        match Family::of(&version.runtime) {
            Family::Python { major, minor } => {
                environment.extend(PYTHON.iter().map(fixed));
                let own = python::Line::new(major, minor).map(python::Line::well_known);
                environment.extend(own.map(|path| ("_", Cow::Borrowed(path))));
            }
            // It was started with that and its own.
            Family::Node { .. } => environment.clear(),
            Family::Java { major } => {
                let java = java::environment(major);
                environment.extend(java.into_iter().map(|(key, value)| (key, Cow::Owned(value))));
            }
            Family::Custom => environment.extend(native::environment(version, platform)),
            Family::Go => environment.extend(go::environment(version)),
            Family::Php { major, minor } => {
                let php = php::environment(major, minor);
                environment.extend(php.into_iter().map(|(key, value)| (key, Cow::Owned(value))));
            }
            Family::Wasm | Family::Other => {}
        }
        let named = [
            ("SCF_RUNTIME", version.runtime.as_str()),
            ("SCF_FUNCTIONNAME", version.key.name.as_str()),
            ("SCF_FUNCTIONVERSION", version.label.as_str()),
            ("SCF_NAMESPACE", version.key.namespace.as_str()),
            ("TENCENTCLOUD_REGION", platform.region.as_str()),
            ("TENCENTCLOUD_APPID", platform.app_id.as_str()),
            ("TENCENTCLOUD_UIN", platform.uin.as_str()),
        ];
        environment.extend(named.map(|(key, value)| (key, Cow::Borrowed(value))));
        if version.network != skiff_domain::NetworkMode::None {
            environment.extend(
                platform
                    .endpoints
                    .iter()
                    .map(|(key, value)| (key.as_str(), Cow::Borrowed(value.as_str()))),
            );
        }
        for (key, value) in &version.environment {
            environment.retain(|(have, _)| have != key);
            environment.push((key, Cow::Borrowed(value)));
        }
        Self {
            handler: &version.handler,
            environment,
            program: native::program(version),
            memory_mb: version.memory_mb,
            result_bytes_max: RESULT_BYTES_MAX,
            layers: version.layers.whole().map(|_| true),
            concurrency: version.concurrency.is_shared().then_some(version.concurrency.get()),
        }
    }

    /// The order as it is sent.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}
