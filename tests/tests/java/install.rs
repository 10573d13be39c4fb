//! Where a Java may come from.

use std::fs;

use serde_json::Value;
use skiff_tests::{Package, Server, Spec, runtime};

use crate::world::{installed, versions};

#[test]
fn more_than_one_version_is_tested_and_one_of_them_is_of_a_suite_of_debians() {
    let sources = versions().iter().map(|version| {
        let path = installed()
            .join("runtimes")
            .join(version.runtime())
            .join("manifest.json");
        let manifest: Value = serde_json::from_slice(&fs::read(path).expect("a manifest")).expect("JSON");
        manifest["source"].as_str().expect("text").to_owned()
    });
    let sources: Vec<String> = sources.collect();
    assert!(sources.len() > 1, "{sources:?}");
    assert!(
        sources.iter().any(|source| source.starts_with("debian:")),
        "{sources:?}"
    );
}

#[test]
fn a_java_that_is_not_installed_is_refused_with_the_command_that_installs_it() {
    let server = Server::start();
    let refused = Spec::package(Package::default().file("example/Hello.class", b""))
        .with("Runtime", "java8")
        .with("Handler", "example.Hello::main")
        .try_deploy(&server.client())
        .expect_err("not installed");
    assert_eq!(refused.code, "InvalidParameterValue.Runtime");
    assert!(
        refused.message.contains("`skiff runtime add Java8 --from "),
        "{refused:?}"
    );
}

#[test]
fn what_is_no_java_of_that_version_is_refused_and_nothing_is_left() {
    let data = tempfile::tempdir().expect("a folder");
    // The one that the product and these tests are compiled with is not as old as 8.
    let path = std::env::var_os("PATH").expect("a search path");
    let javac = std::env::split_paths(&path)
        .find_map(|folder| fs::canonicalize(folder.join("javac")).ok())
        .expect("a JDK");
    let home = javac.ancestors().nth(2).expect("its folder");
    let release = fs::read_to_string(home.join("release")).expect("what it says of itself");
    let other = match release.contains("JAVA_VERSION=\"11") {
        true => "Java17",
        false => "Java11",
    };
    let home = format!("dir:{}", home.display());
    for (name, source, reason) in [
        ("Java8", home.as_str(), "has no lib/rt.jar"),
        (other, home.as_str(), "it is of another series"),
        ("Java17", "dir:/etc", "has no bin/java"),
        ("Java17", "npm:17", "does not come from npm"),
    ] {
        let refused = runtime(data.path(), &["add", name, "--from", source]).expect_err(name);
        assert!(refused.contains(reason), "{name} {source}: {refused}");
    }
    let left: Vec<_> = fs::read_dir(data.path().join("runtimes"))
        .expect("a folder")
        .flatten()
        .collect();
    assert_eq!(left.len(), 1, "the lock alone: {left:?}");
}
