//! What is made of a package when it is deployed.

use serde_json::json;

use crate::world::{client, python, versions};

#[test]
fn sources_are_compiled_when_they_are_deployed_by_their_own_python() {
    let code = "
import imp_or_not, os, sys

def byte_code(path):
    folder, name = os.path.split(path)
    tag = getattr(sys, 'implementation', None) and sys.implementation.cache_tag
    return os.path.join(folder, '__pycache__', name[:-2] + tag + '.pyc') if tag else path + 'c'

def main_handler(event, context):
    paths = ['/var/user/index.py', '/var/user/imp_or_not.py', '/var/user/inner/__init__.py']
    return [os.path.exists(byte_code(path)) for path in paths] + [os.path.exists(byte_code('/var/user/broken.py'))]
";
    for version in versions() {
        let package = skiff_tests::Package::python(code)
            .file("imp_or_not.py", b"")
            .file("inner/__init__.py", b"NAME = 'inner'\n")
            .file("broken.py", b"def (:\n");
        let function = python(*version, package).deploy(&client());
        assert_eq!(
            function.invoke(&json!({})).returned(),
            &json!([true, true, true, false]),
            "{version:?}"
        );
    }
}

#[test]
fn a_package_of_the_entrys_name_is_found_first_and_other_files_of_it_are_not_minded_in_every_python() {
    let says = |what: &str| format!("def main_handler(event, context):\n    return [{what:?}, __file__]\n");
    for version in versions() {
        let shadowed =
            skiff_tests::Package::python(&says("module")).file("index/__init__.py", says("package").as_bytes());
        let function = python(*version, shadowed).deploy(&client());
        let found = function.invoke(&json!({}));
        assert_eq!(found.returned()[0], "package", "{version:?}");
        let alone = skiff_tests::Package::python(&says("module"))
            .file("index.txt", b"text")
            .file("index.so.conf", b"text");
        let function = python(*version, alone).deploy(&client());
        let found = function.invoke(&json!({}));
        assert_eq!(found.returned()[0], "module", "{version:?}");
        let file = found.returned()[1].as_str().expect("a path").to_owned();
        assert!(file.starts_with("/var/user/index.py"), "{version:?}: {file}");
    }
}
