//! One server, and modules and components compiled from their sources.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};
use skiff_tests::{Answer, Client, Function, Package, Server, Settings, Spec, binary, repository};
use tempfile::TempDir;

pub(crate) static DATA: LazyLock<Arc<TempDir>> =
    LazyLock::new(|| Arc::new(TempDir::with_prefix("skiff-test-").expect("a folder")));
static SERVER: LazyLock<Server> = LazyLock::new(|| Settings::default().on(&DATA).flag("--pool-min", "1").start());

/// What the command is compiled for: WASI 0.1 makes it a module, 0.2 a component.
pub(crate) const TARGETS: [&str; 2] = ["wasm32-wasip1", "wasm32-wasip2"];

/// The shared server's client.
pub(crate) fn client() -> Client {
    SERVER.client()
}

/// The folder that what is compiled here is put into.
fn built() -> PathBuf {
    let folder = binary().parent().expect("target/PROFILE").join("wasm-programs");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// A program of the toolchain that builds Skiff itself.
fn tool(name: &str) -> Command {
    let cargo = std::env::var_os("CARGO").expect("cargo runs the tests");
    Command::new(Path::new(&cargo).with_file_name(name))
}

fn run(command: &mut Command) {
    let output = command.output().expect("the toolchain");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`./skiffw test` installs the targets: {said}");
}

/// `command.rs`, compiled for this target.
fn compiled(target: &str) -> Vec<u8> {
    let place = built().join(format!("{target}.wasm"));
    run(tool("rustc")
        .args(["--edition", "2024", "-O", "-g", "--target", target, "-o"])
        .arg(&place)
        .arg(repository().join("tests/programs/wasm/command.rs")));
    std::fs::read(&place).expect("a module")
}

/// A function of this one file.
pub(crate) fn module(bytes: &[u8]) -> Spec {
    package(Package::default().file("main.wasm", bytes))
}

/// A function whose code is `main.wasm` of a package.
pub(crate) fn package(package: Package) -> Spec {
    Spec::package(package)
        .with("Runtime", "Wasm1")
        .with("Handler", "main.wasm")
}

/// A function of a module or component in text.
pub(crate) fn text(text: &str) -> Spec {
    module(&wat::parse_str(text).expect("WebAssembly"))
}

/// The component of `kept.wat`.
pub(crate) fn kept() -> Spec {
    text(include_str!("../../programs/wasm/kept.wat"))
}

/// A command for each target, which the tests share.
pub(crate) fn commands() -> impl Iterator<Item = (&'static str, &'static Function)> {
    static FUNCTIONS: LazyLock<[Function; 2]> =
        LazyLock::new(|| TARGETS.map(|target| command(target).deploy(&client())));
    TARGETS.into_iter().zip(FUNCTIONS.iter())
}

/// A command, with files beside it.
pub(crate) fn command(target: &str) -> Spec {
    static COMPILED: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| TARGETS.map(compiled));
    let place = TARGETS.iter().position(|known| *known == target).expect("a target");
    let beside = Package::default()
        .file("main.wasm", &COMPILED[place])
        .file("data/text.txt", "beside: ü".as_bytes())
        .symlink("link", "data/text.txt");
    package(beside).with("Environment", json!({"Variables": [{"Key": "MINE", "Value": "ü"}]}))
}

/// Has a command do something.
pub(crate) fn ask(function: &Function, what: &str) -> Answer {
    function.invoke(&json!(what))
}

/// The message and the stack of an error.
pub(crate) fn failed(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.ret["stackTrace"].as_str().unwrap_or_default())
}

/// The example of the repository, built as its readers are told to.
pub(crate) fn example() -> Vec<u8> {
    let folder = repository().join("examples/hello-wasm");
    let target = built().join("example");
    run(tool("cargo")
        .args([
            "build",
            "--release",
            "--locked",
            "--target",
            "wasm32-wasip2",
            "--manifest-path",
        ])
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env_remove("CARGO_BUILD_TARGET"));
    std::fs::read(target.join("wasm32-wasip2/release/hello_wasm.wasm")).expect("a component")
}

/// What was compiled of the packages that are here.
pub(crate) fn compiled_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![DATA.path().join("code/packages")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(".skiff-compiled") {
                found.push(path);
            }
        }
    }
    found
}

/// A result that is JSON.
pub(crate) fn parsed(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_str(&answer.ret_text).expect("JSON")
}
