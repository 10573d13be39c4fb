//! The interpreters, installed once into the build folder by the product itself; a server that has them all.

use std::collections::BTreeMap;
use std::fs::{self};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::{Value, json};
use skiff_tests::{
    Answer, Client, Function, Package, Server, Spec, is_installed, kept_data_dir, runtime, server_with_runtimes,
};

/// The versions there is a bootstrap for.
const KNOWN: [(u32, u32); 9] = [
    (2, 7),
    (3, 6),
    (3, 7),
    (3, 8),
    (3, 9),
    (3, 10),
    (3, 11),
    (3, 12),
    (3, 13),
];

/// A version that can be had here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

impl Version {
    /// Its runtime.
    pub(crate) fn runtime(self) -> String {
        format!("Python{}.{}", self.major, self.minor)
    }

    /// Whether the host has it.
    pub(crate) fn is_hosts(self) -> bool {
        Path::new("/usr/bin").join(self.program()).exists()
    }

    fn program(self) -> String {
        format!("python{}.{}", self.major, self.minor)
    }

    /// Whether it comes from a suite of Debian, and which.
    fn suite(self) -> Option<&'static str> {
        match (self.major, self.minor) {
            (2, 7) | (3, 9) => Some("bullseye"),
            (3, 13) => Some("trixie"),
            _ => None,
        }
    }
}

/// Where a version comes from here: the host has it, a source to install it from, or none.
fn source(version: Version) -> Option<Option<String>> {
    if version.is_hosts() {
        return Some(None);
    }
    if let Some(suite) = version.suite() {
        return Some(Some(format!("debian:{suite}")));
    }
    // Whatever this machine's owner has built.
    let built = std::env::var_os("PYENV_ROOT").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".pyenv"),
        PathBuf::from,
    );
    let mut folders: Vec<PathBuf> = fs::read_dir(built.join("versions"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|folder| folder.join("bin").join(version.program()).is_file())
        .collect();
    folders.sort();
    folders.pop().map(|folder| Some(format!("dir:{}", folder.display())))
}

/// The versions that can be had here, installed; those that cannot are named on the error stream, which no runner of
/// tests keeps back.
pub(crate) fn versions() -> &'static [Version] {
    &WORLD.versions
}

/// A data dir with every interpreter that is not the host's, kept between runs of the tests, and which there are.
struct World {
    folder: PathBuf,
    packages: PathBuf,
    versions: Vec<Version>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let folder = kept_data_dir(".python-runtimes");
    let packages = kept_data_dir(".python-packages");
    let mut versions = Vec::new();
    for (major, minor) in KNOWN {
        let version = Version { major, minor };
        let name = version.runtime();
        match source(version) {
            None => {
                let line =
                    format!("NOT TESTED: {name} is not on this machine, in no suite of Debian's, and not in pyenv\n");
                std::io::stderr().write_all(line.as_bytes()).expect("an error stream");
                continue;
            }
            Some(Some(source)) if !is_installed(&folder, &name) => {
                runtime(&folder, &["add", &name, "--from", &source]).unwrap_or_else(|why| panic!("{name}: {why}"));
            }
            Some(_) => {}
        }
        versions.push(version);
    }
    World {
        folder,
        packages,
        versions,
    }
});

static SERVER: LazyLock<Server> = LazyLock::new(|| server_with_runtimes(&WORLD.folder));

/// The root file system of a Python 3 of another Debian, to make images of.
pub(crate) fn debian_root() -> (Version, PathBuf) {
    let mut all = versions().iter().copied();
    let version = all.find(|version| version.major == 3 && version.suite().is_some() && !version.is_hosts());
    let version = version.expect("a version of another Debian");
    let root = WORLD.folder.join("runtimes").join(version.runtime()).join("root");
    (version, root)
}

/// The shared server's client.
pub(crate) fn client() -> Client {
    SERVER.client()
}

/// What the shared server has said.
pub(crate) fn log() -> String {
    SERVER.log()
}

/// Where it keeps its data.
pub(crate) fn data_dir() -> &'static Path {
    SERVER.data.path()
}

/// A folder for packages that are made once for all runs.
pub(crate) fn packages() -> &'static Path {
    &WORLD.packages
}

/// A function of this version.
pub(crate) fn python(version: Version, package: Package) -> Spec {
    Spec::package(package).with("Runtime", version.runtime())
}

/// Deploys one file for a version.
pub(crate) fn deploy(version: Version, code: &str) -> Function {
    python(version, Package::python(code)).deploy(&client())
}

/// A file of cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cases {
    /// For every version.
    Common,
    /// For Python 3.
    Modern,
    /// For Python 2.
    Old,
}

impl Cases {
    /// A package of it, as `index.py`.
    pub(crate) fn package(self) -> Package {
        let code: &[u8] = match self {
            Self::Common => include_bytes!("cases.py"),
            Self::Modern => include_bytes!("modern.py"),
            Self::Old => include_bytes!("old.py"),
        };
        Package::default().file("index.py", code)
    }
}

/// Runs a case on a version.
pub(crate) fn run(version: Version, cases: Cases, case: &str, mut event: Value) -> Answer {
    type Functions = BTreeMap<(Version, Cases), Arc<Function>>;
    static FUNCTIONS: LazyLock<Mutex<Functions>> = LazyLock::new(Mutex::default);
    let function = {
        let mut functions = FUNCTIONS.lock().expect("nobody panicked");
        let deploy = || Arc::new(python(version, cases.package()).deploy(&client()));
        Arc::clone(functions.entry((version, cases)).or_insert_with(deploy))
    };
    event["case"] = json!(case);
    function.invoke(&event)
}

#[test]
fn the_hosts_python_and_one_of_another_debian_are_always_among_those_tested() {
    let list = runtime(&WORLD.folder, &["list"]).expect("listed");
    let list: Vec<Value> = serde_json::from_str(&list).expect("a list");
    let from = |kind: &str| {
        let mut sources = list.iter().filter_map(|runtime| runtime["source"].as_str());
        sources.any(|source| source.starts_with(kind))
    };
    assert!(versions().len() >= 2 && from("host:") && from("debian:"), "{list:?}");
}
