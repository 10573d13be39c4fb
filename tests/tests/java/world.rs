//! The Javas, installed once into the build folder by the product itself; a server that has them all; functions compiled
//! for all of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::{Value, json};
use skiff_tests::{
    Answer, Client, Function, Package, Server, Spec, is_installed, kept_data_dir, repository, runtime,
    server_with_runtimes,
};

/// The published library that users compile against, and what it names by an annotation of Jackson's.
pub(crate) const EVENTS: &str = "scf-java-events-0.0.4.jar";
pub(crate) const ANNOTATIONS: &str = "jackson-annotations-2.9.3.jar";

/// A Java that functions can be created with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u32);

impl Version {
    /// Its runtime.
    pub(crate) fn runtime(self) -> String {
        format!("Java{}", self.0)
    }
}

/// A data dir with every Java that can be had, kept between runs of the tests, and which there are.
struct World {
    folder: PathBuf,
    versions: Vec<Version>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let folder = kept_data_dir(".java-runtimes");
    let mut versions = Vec::new();
    for version in [8, 11, 17, 21].map(Version) {
        let name = version.runtime();
        if !is_installed(&folder, &name)
            && let Err(why) = runtime(&folder, &["add", &name])
        {
            // No runner of tests keeps this stream back.
            let line = format!("NOT TESTED: {name} cannot be had here: {why}\n");
            std::io::stderr().write_all(line.as_bytes()).expect("an error stream");
            continue;
        }
        versions.push(version);
    }
    World { folder, versions }
});

/// The versions that can be had here, installed; those that cannot are named on the error stream.
pub(crate) fn versions() -> &'static [Version] {
    &WORLD.versions
}

/// The oldest and the newest of them: what is between is not different from both.
pub(crate) fn extremes() -> [Version; 2] {
    let versions = versions();
    [versions[0], versions[versions.len() - 1]]
}

/// The data dir they are installed in.
pub(crate) fn installed() -> &'static Path {
    &WORLD.folder
}

static SERVER: LazyLock<Server> = LazyLock::new(|| server_with_runtimes(installed()));

/// The shared server's client.
pub(crate) fn client() -> Client {
    SERVER.client()
}

/// A jar that `./skiffw test` has brought from Maven.
pub(crate) fn library(name: &str) -> Vec<u8> {
    let path = libraries().join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: `./skiffw test` brings it", path.display()))
}

fn libraries() -> PathBuf {
    repository().join("target/.java-libraries")
}

/// Compiles a folder of `tests/java` for a release of Java. Gives back paths and contents of the classes.
pub(crate) fn compiled(sources: &[&str], release: u32) -> Vec<(String, Vec<u8>)> {
    let out = tempfile::tempdir().expect("a folder");
    let mut javac = Command::new("javac");
    javac.args([
        "--release",
        &release.to_string(),
        "-encoding",
        "UTF-8",
        "-nowarn",
        "-Xlint:-options",
        "-cp",
    ]);
    javac.arg(libraries().join(EVENTS)).arg("-d").arg(out.path());
    for folder in sources {
        let folder = repository().join("tests/java").join(folder);
        let entries = fs::read_dir(&folder).expect("a folder of sources").flatten();
        javac.args(entries.map(|entry| entry.path()));
    }
    let output = javac.output().expect("javac runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut classes = Vec::new();
    collect(out.path(), out.path(), &mut classes);
    classes.sort();
    classes
}

fn collect(top: &Path, folder: &Path, classes: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(top, &path, classes);
        } else {
            let name = path.strip_prefix(top).expect("below it").to_str().expect("text");
            classes.push((name.to_owned(), fs::read(&path).expect("a class")));
        }
    }
}

/// A package of these classes.
pub(crate) fn package(classes: &[(String, Vec<u8>)]) -> Package {
    classes.iter().fold(Package::default(), |package, (path, content)| {
        package.file(path, content)
    })
}

/// The classes of `tests/java/example`, without what they need and a package may lack.
pub(crate) static EXAMPLE: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let mut classes = compiled(&["example", "missing"], 8);
    classes.retain(|(path, _)| path.starts_with("example/"));
    classes
});

/// A function of this version.
pub(crate) fn java(version: Version, package: Package, handler: &str) -> Spec {
    Spec::package(package)
        .with("Runtime", version.runtime())
        .with("Handler", handler)
        .with("MemorySize", 256)
}

/// Deploys the classes of `tests/java/example` with one of their methods as the handler.
pub(crate) fn deploy(version: Version, handler: &str) -> Function {
    let example = package(&EXAMPLE)
        .file("META-INF/services/example.Cases$Greeter", b"example.Cases$Hello\n")
        .file("resource.txt", b"a resource");
    java(version, example, &format!("example.{handler}")).deploy(&client())
}

/// Runs a case of `Cases` on a version.
pub(crate) fn run(version: Version, case: &str, mut event: Value) -> Answer {
    static FUNCTIONS: LazyLock<Mutex<BTreeMap<Version, Arc<Function>>>> = LazyLock::new(Mutex::default);
    let function = {
        let mut functions = FUNCTIONS.lock().expect("nobody panicked");
        let deploy = || Arc::new(deploy(version, "Cases::main"));
        Arc::clone(functions.entry(version).or_insert_with(deploy))
    };
    event["case"] = json!(case);
    function.invoke(&event)
}
