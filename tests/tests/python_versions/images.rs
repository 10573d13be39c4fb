//! Runtimes from OCI images: of a registry that wants a login, and of a layout.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use skiff_tests::{Function, Server, Settings, Spec, binary};

use crate::layout::{LAYOUT, registry};

/// `skiff runtime add` with the logins of this folder.
fn add(data: &Path, name: &str, image: &str, logins: &Path) -> Result<Value, String> {
    let output = Command::new(binary())
        .args([
            "--output",
            "json",
            "runtime",
            "add",
            name,
            "--from",
            image,
            "--data-dir",
        ])
        .arg(data)
        .env("DOCKER_CONFIG", logins)
        .env("NO_PROXY", "127.0.0.1")
        .env_remove("SKIFF_ENDPOINT")
        .output()
        .expect("the binary runs");
    if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout).expect("JSON"))
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn logins(registry: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let text = json!({"auths": {registry: {"auth": "dGVzdDpzZWNyZXQ="}}}).to_string();
    fs::write(folder.path().join("config.json"), text).expect("a file");
    folder
}

fn deploy(server: &Server, runtime: &str) -> Function {
    let code = "
import os, ssl, subprocess, sys

def main_handler(event, context):
    said = subprocess.check_output(['/bin/cat', '/usr/bin/added']).decode('utf8')
    return ['%d.%d' % sys.version_info[:2], said, os.path.exists('/usr/bin/chroot'), os.path.exists('/usr/bin/.wh.chroot')]
";
    Spec::python(code).with("Runtime", runtime).deploy(&server.client())
}

#[test]
fn a_runtime_is_installed_from_a_registry_and_from_a_layout_as_the_image_says_it_is() {
    let name = LAYOUT.version.runtime();
    let registry = registry(|body| body);
    let logins = logins(&registry);
    let layout = LAYOUT.path().display();
    let data = Arc::new(tempfile::tempdir().expect("a folder"));
    let server = Settings::default().on(&data).start();
    let expected = json!([name.trim_start_matches("Python"), "by the image\n", false, false]);
    for (image, begins) in [
        (
            format!("oci:{registry}/team/python:tagged"),
            format!("oci:{registry}/team/python@sha256:"),
        ),
        (format!("oci:{layout}:tagged"), format!("oci:{layout}:tagged@sha256:")),
        (format!("oci:{layout}"), format!("oci:{layout}@sha256:")),
    ] {
        let added = add(data.path(), &name, &image, logins.path()).expect("added");
        let source = added["source"].as_str().expect("a source");
        assert!(source.starts_with(&begins), "{added}");
        let function = deploy(&server, &name);
        assert_eq!(function.invoke(&json!({})).returned(), &expected, "{image}");
    }
}

#[test]
fn an_image_that_is_not_what_it_says_or_not_what_is_wanted_is_refused_and_nothing_is_left() {
    let name = LAYOUT.version.runtime();
    let spoilt = registry(|mut body| {
        if let Some(byte) = body.get_mut(1000) {
            *byte ^= 1;
        }
        body
    });
    let cut = registry(|mut body| {
        body.truncate(100_000);
        body
    });
    let whole = registry(|body| body);
    let nobody = tempfile::tempdir().expect("a folder");
    let login = |registry: &str| logins(registry);
    let data = tempfile::tempdir().expect("a folder");
    let refused = |name: &str, image: &str, logins: &Path, reason: &str| {
        let said = add(data.path(), name, image, logins).expect_err(image);
        assert!(said.contains(reason), "{image}: {said}");
        let left: Vec<_> = fs::read_dir(data.path().join("runtimes"))
            .expect("a folder")
            .flatten()
            .collect();
        assert_eq!(left.len(), 1, "the lock alone: {left:?}");
    };
    let image = |registry: &str| format!("oci:{registry}/team/python:tagged");
    for registry in [&spoilt, &cut] {
        refused(&name, &image(registry), login(registry).path(), "sha256:");
    }
    refused(&name, &image(&whole), nobody.path(), "oci:127.0.0.1");
    refused(
        &name,
        &format!("oci:{whole}/team/absent:tagged"),
        login(&whole).path(),
        "team/absent",
    );
    let layout = LAYOUT.path().display();
    refused(
        &name,
        &format!("oci:{layout}:other"),
        nobody.path(),
        "it has no \\\"other\\\"",
    );
    refused("Python3.6", &format!("oci:{layout}"), nobody.path(), "has no python3.6");
    refused("Nodejs18.15", &format!("oci:{layout}"), nobody.path(), "has no node");
    refused(&name, "oci:/nowhere", nobody.path(), "/nowhere");

    // A layout whose largest piece has been changed since.
    let copy = tempfile::tempdir().expect("a folder");
    let copied = Command::new("cp")
        .arg("-a")
        .arg(LAYOUT.path())
        .arg(copy.path().join("layout"))
        .status();
    assert!(copied.expect("cp starts").success());
    let (digest, path) = LAYOUT.largest();
    let spoilt = copy
        .path()
        .join("layout")
        .join(path.strip_prefix(LAYOUT.path()).expect("inside"));
    let mut content = fs::read(&spoilt).expect("there");
    content[1000] ^= 1;
    fs::write(&spoilt, content).expect("written");
    let image = format!("oci:{}", copy.path().join("layout").display());
    refused(&name, &image, nobody.path(), &format!("{digest} is not what came"));
}
