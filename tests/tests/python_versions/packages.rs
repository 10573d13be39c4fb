//! Packages that come along in the zip: of `pip`, of a C compiler.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use skiff_tests::{Function, Package, pip};

use crate::kept::two_of_what_was_kept;
use crate::world::{Cases, Version, client, packages, python, versions};

/// What `pip install --target` makes for a version, made once.
fn vendored(version: Version, requirements: &[&str]) -> PathBuf {
    let name = format!("{}-{}", version.runtime(), requirements.join("-"));
    let (folder, making) = (packages().join(&name), packages().join(format!(".{name}")));
    if folder.exists() {
        return folder;
    }
    drop(fs::remove_dir_all(&making));
    let processor = std::env::consts::ARCH;
    let platforms = ["manylinux1", "manylinux2014", "manylinux_2_17", "manylinux_2_28"];
    let status = pip()
        .args([
            "install",
            "-q",
            "--disable-pip-version-check",
            "--no-compile",
            "--only-binary=:all:",
        ])
        .args(["--implementation", "cp"])
        .args(["--python-version", &format!("{}.{}", version.major, version.minor)])
        .args(platforms.map(|platform| format!("--platform={platform}_{processor}")))
        .arg("--target")
        .arg(&making)
        .args(requirements)
        .status();
    assert!(status.expect("pip starts").success(), "{version:?} {requirements:?}");
    fs::rename(&making, &folder).expect("renamed");
    folder
}

/// Adds a folder's files; tests of packages are nobody's need.
fn add(mut package: Package, folder: &Path, inside: &str) -> Package {
    let mut entries: Vec<_> = fs::read_dir(folder).expect("a folder").flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{inside}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            if entry.file_name() != "tests" && entry.file_name() != "bin" {
                package = add(package, &entry.path(), &format!("{name}/"));
            }
        } else {
            package = package.file(&name, &fs::read(entry.path()).expect("readable"));
        }
    }
    package
}

#[test]
fn packages_vendored_by_pip_are_imported_with_their_compiled_parts_in_every_python() {
    let code = "
import markupsafe, six
from markupsafe import _speedups

def main_handler(event, context):
    return [str(markupsafe.escape('<&>')), _speedups.__file__.endswith('.so'), six.text_type(markupsafe.Markup('x'))]
";
    for version in versions() {
        let folder = vendored(*version, &["markupsafe", "six"]);
        let package = add(Package::python(code), &folder, "");
        let function = python(*version, package).deploy(&client());
        let expected = json!(["&lt;&amp;&gt;", true, "x"]);
        assert_eq!(function.invoke(&json!({})).returned(), &expected, "{version:?}");
    }
}

#[test]
fn a_shared_object_of_the_package_is_loaded_by_ctypes_in_every_python() {
    let made = tempfile::tempdir().expect("a folder");
    let object = |name: &str, code: &str| {
        let (source, target) = (made.path().join("code.c"), made.path().join(name));
        fs::write(&source, code).expect("a file");
        let mut compiler = Command::new("gcc");
        let status = compiler
            .args(["-shared", "-fPIC", "-nostdlib", "-o"])
            .args([&target, &source])
            .status();
        assert!(status.expect("gcc starts").success());
        fs::read(target).expect("made")
    };
    let square = object("libsquare.so", "int square(int x) { return x * x; }");
    let cube = object("libcube.so", "int cube(int x) { return x * x * x; }");
    for version in versions() {
        let package = Cases::Common
            .package()
            .file("lib/libsquare.so", &square)
            .file("libcube.so", &cube);
        let function = python(*version, package).deploy(&client());
        let answer = function.invoke(&json!({"case": "native"}));
        assert_eq!(answer.returned(), &json!([144, 27]), "{version:?}");
    }
}

/// A function of large packages whose code is initialised once.
fn deploy_to_be_kept(version: Version, package: Package) -> Function {
    python(version, package)
        .with("MemorySize", 512)
        .with("InitTimeout", 60)
        .with(
            "Environment",
            json!({"Variables": [{"Key": "SKIFF_SNAPSHOT", "Value": "on"}]}),
        )
        .deploy(&client())
}

#[test]
fn keys_of_a_library_with_a_generator_of_its_own_differ_where_the_code_was_initialised_once() {
    let code = "
import os, uuid
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

born = uuid.uuid4().hex
# Its generator is set up from here on.
ed25519.Ed25519PrivateKey.generate()

def main_handler(event, context):
    if event.get('exit'):
        os._exit(3)
    private = ed25519.Ed25519PrivateKey.generate().private_bytes_raw()
    return {'born': born, 'keys': [private.hex(), AESGCM.generate_key(128).hex()]}
";
    let host = versions()
        .iter()
        .find(|version| version.is_hosts())
        .expect("the host's");
    let folder = vendored(*host, &["cryptography"]);
    let function = deploy_to_be_kept(*host, add(Package::python(code), &folder, ""));
    function.invoke(&json!({}));
    let [one, other] = two_of_what_was_kept(|| {
        assert_eq!(function.invoke(&json!({"exit": true})).status, 439);
        function.invoke(&json!({})).returned().clone()
    });
    for key in [0, 1] {
        assert_ne!(one["keys"][key], other["keys"][key], "key {key}");
    }
}

#[test]
fn numpy_and_h5py_compute_in_two_pythons_also_where_the_code_was_initialised_once() {
    let code = "
import io, os, uuid
import h5py, numpy

born = uuid.uuid4().hex
# Threads of the library, which it begins for this.
large = numpy.arange(250000.0).reshape(500, 500)
large.dot(large)

def main_handler(event, context):
    if event.get('exit'):
        os._exit(3)
    with h5py.File('/tmp/x.h5', 'w') as file:
        file['cube'] = numpy.arange(27, dtype='f8').reshape(3, 3, 3)
    with h5py.File('/tmp/x.h5', 'r') as file:
        cube = file['cube'][:]
    inverse = numpy.linalg.inv(numpy.array([[2.0, 0.0], [0.0, 4.0]]))
    product = float(large.dot(numpy.eye(500)).sum())
    return {
        'born': born, 'drawn': float(numpy.random.random()),
        'computed': [float(cube.sum()), inverse.tolist(), numpy.fft.fft([1, 0, 0, 0]).real.tolist(), product],
    }
";
    let host = versions()
        .iter()
        .find(|version| version.is_hosts())
        .expect("the host's");
    let other = versions()
        .iter()
        .find(|version| version.major == 3 && version.minor >= 9 && !version.is_hosts());
    for version in [host, other.expect("another")] {
        let folder = vendored(*version, &["numpy", "h5py"]);
        let function = deploy_to_be_kept(*version, add(Package::python(code), &folder, ""));
        let expected = json!([351.0, [[0.5, 0.0], [0.0, 0.25]], [1.0, 1.0, 1.0, 1.0], 31_249_875_000.0]);
        let compute = || {
            let found = function.invoke(&json!({})).returned().clone();
            assert_eq!(found["computed"], expected, "{version:?}");
            found
        };
        compute();
        let [one, other] = two_of_what_was_kept(|| {
            assert_eq!(function.invoke(&json!({"exit": true})).status, 439);
            compute()
        });
        assert_ne!(one["drawn"], other["drawn"], "{version:?}");
    }
}
