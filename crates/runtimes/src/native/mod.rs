//! Programs that are their own runtime: what their root is made of, how they boot, what they are told.
//!
//! A stem cell is a process of Skiff's own that waits for code. Told which, it becomes that program, and from then on the
//! worker speaks to it over the runtime API of [`api`] or the calls of [`crate::go`], not over frames.

pub mod api;
mod wait;

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use skiff_domain::{RuntimeName, Version};
use skiff_sandbox::{Boot, CODE_TARGET};

pub use wait::{TASK, wait};

use crate::family::Family;
use crate::host;
use crate::load::{Platform, Variable};
use crate::manifest::Manifest;

/// The program of a custom runtime, in the package.
pub(crate) const BOOTSTRAP: &str = "bootstrap";

/// The program of a web function, in the package (CONTRACT 1.11).
pub const WEB_PROGRAM: &str = "scf_bootstrap";
/// Where it listens: at every address of its sandbox, this one among them.
pub const WEB_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9000);

/// The runtimes that need nothing but the host's own libraries and programs.
pub(crate) fn of_the_host() -> Vec<Manifest> {
    let mut template = host::base(Path::new("/"));
    template.boot = Boot::Wait(TASK.to_owned());
    let manifest = |name: &str| {
        Some(Manifest {
            name: name.parse::<RuntimeName>().ok()?,
            source: "host:/".to_owned(),
            bytes: None,
            compiles: false,
            template: template.clone(),
        })
    };
    ["CustomRuntime", "Go1"].into_iter().filter_map(manifest).collect()
}

/// The program a version's instances become; none for one that a bootstrap of Skiff's runs.
pub(crate) fn program(version: &Version) -> Option<String> {
    if version.web.is_some() {
        return Some(format!("{CODE_TARGET}/{WEB_PROGRAM}"));
    }
    match Family::of(&version.runtime) {
        Family::Custom => Some(format!("{CODE_TARGET}/{BOOTSTRAP}")),
        Family::Go => Some(format!("{CODE_TARGET}/{}", version.handler)),
        _ => None,
    }
}

/// The variables of a custom runtime (CONTRACT 1.3), and those that programs written for AWS Lambda read.
pub(crate) fn environment<'a>(version: &'a Version, platform: &'a Platform) -> Vec<Variable<'a>> {
    let fixed = [
        ("SCF_RUNTIME_API", api::HOST),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("LAMBDA_TASK_ROOT", CODE_TARGET),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("TZ", ":UTC"),
        ("_HANDLER", version.handler.as_str()),
        ("AWS_REGION", platform.region.as_str()),
        ("AWS_DEFAULT_REGION", platform.region.as_str()),
        ("AWS_LAMBDA_FUNCTION_NAME", version.key.name.as_str()),
        ("AWS_LAMBDA_FUNCTION_VERSION", version.label.as_str()),
    ];
    let written = [
        ("SCF_RUNTIME_API_PORT", api::PORT.to_string()),
        ("AWS_LAMBDA_RUNTIME_API", format!("{}:{}", api::HOST, api::PORT)),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", version.memory_mb.to_string()),
        (
            "AWS_LAMBDA_LOG_GROUP_NAME",
            format!("/{}/{}", version.key.namespace, version.key.name),
        ),
        ("AWS_LAMBDA_LOG_STREAM_NAME", version.label.to_string()),
    ];
    let fixed = fixed.map(|(key, value)| (key, Cow::Borrowed(value)));
    let written = written.map(|(key, value)| (key, Cow::Owned(value)));
    fixed.into_iter().chain(written).collect()
}
