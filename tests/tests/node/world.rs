//! The interpreters, installed once into the build folder; a server that has them all; one function a version.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::{Value, json};
use skiff_tests::{
    Answer, Client, Function, Package, Server, Spec, is_installed, kept_data_dir, runtime, server_with_runtimes,
};

/// Every line of Node that functions can be created with.
pub(crate) const VERSIONS: [Version; 9] = [
    Version(6, "Nodejs6.10"),
    Version(8, "Nodejs8.9"),
    Version(10, "Nodejs10.15"),
    Version(12, "Nodejs12.16"),
    Version(14, "Nodejs14.18"),
    Version(16, "Nodejs16.13"),
    Version(18, "Nodejs18.15"),
    Version(20, "Nodejs20.19"),
    Version(22, "Nodejs22.14"),
];

/// A line of Node and its runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u32, pub(crate) &'static str);

/// Those with promises as an answer.
pub(crate) fn with_promises() -> impl Iterator<Item = Version> {
    VERSIONS.into_iter().filter(|version| version.0 >= 8)
}

static SERVER: LazyLock<Server> = LazyLock::new(|| server_with_runtimes(interpreters()));

/// The shared server's client.
pub(crate) fn client() -> Client {
    SERVER.client()
}

/// A data dir with every interpreter, kept between runs of the tests.
pub(crate) fn interpreters() -> &'static Path {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = kept_data_dir(".node-runtimes");
        for Version(_, name) in VERSIONS {
            if !is_installed(&folder, name) {
                let added = runtime(&folder, &["add", name]);
                assert!(added.is_ok(), "{name}: {added:?}");
            }
        }
        folder
    });
    &FOLDER
}

/// A function of this version.
pub(crate) fn node(version: Version, package: Package) -> Spec {
    Spec::package(package).with("Runtime", version.1)
}

/// Deploys one file for a version.
pub(crate) fn deploy(version: Version, code: &str) -> Function {
    node(version, Package::default().file("index.js", code.as_bytes())).deploy(&client())
}

/// Runs a case of `cases.js` on a version.
pub(crate) fn run(version: Version, case: &str, mut event: Value) -> Answer {
    static FUNCTIONS: LazyLock<Mutex<BTreeMap<Version, Arc<Function>>>> = LazyLock::new(Mutex::default);
    let function = {
        let mut functions = FUNCTIONS.lock().expect("nobody panicked");
        let deploy = || Arc::new(deploy(version, include_str!("cases.js")));
        Arc::clone(functions.entry(version).or_insert_with(deploy))
    };
    event["case"] = json!(case);
    function.invoke(&event)
}
