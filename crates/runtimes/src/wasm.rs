//! WebAssembly: where its runtime is, for those builds of Skiff that have it. It is a part of Skiff's own program.

use std::path::Path;

use skiff_domain::RuntimeName;
use skiff_sandbox::Boot;

use crate::family::Family;
use crate::host;
use crate::manifest::Manifest;

/// What it is called in a template.
pub const TASK: &str = "wasm";
/// How files of modules and components end.
pub const SUFFIX: &str = ".wasm";

/// The runtime. Its root needs no program; what is there is for what Skiff's own program is linked with.
pub(crate) fn of_the_host() -> Option<Manifest> {
    let mut template = host::base(Path::new("/"));
    template.boot = Boot::Wait(TASK.to_owned());
    Some(Manifest {
        name: "Wasm1".parse().ok()?,
        source: "built-in".to_owned(),
        bytes: None,
        compiles: true,
        template,
    })
}

/// How a Skiff comes about that has this runtime in itself; none for one that is no part of Skiff.
#[must_use]
pub fn build_command(name: &RuntimeName) -> Option<&'static str> {
    (Family::of(name) == Family::Wasm).then_some("cargo build --release -p skiff --features runtime-wasm")
}
