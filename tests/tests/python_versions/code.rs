//! What is made of a package when it is deployed.

use serde_json::json;
use skiff_tests::Package;

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
        let package = Package::python(code)
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
        let shadowed = Package::python(&says("module")).file("index/__init__.py", says("package").as_bytes());
        let function = python(*version, shadowed).deploy(&client());
        let found = function.invoke(&json!({}));
        assert_eq!(found.returned()[0], "package", "{version:?}");
        let alone = Package::python(&says("module"))
            .file("index.txt", b"text")
            .file("index.so.conf", b"text");
        let function = python(*version, alone).deploy(&client());
        let found = function.invoke(&json!({}));
        assert_eq!(found.returned()[0], "module", "{version:?}");
        let file = found.returned()[1].as_str().expect("a path").to_owned();
        assert!(file.starts_with("/var/user/index.py"), "{version:?}: {file}");
    }
}

#[test]
fn a_packages_modules_come_before_those_of_the_library_in_every_python() {
    let says = |what: &str| format!("def main_handler(event, context):\n    return {what:?}\n");
    let finds = |package: &dyn Fn() -> Package, handler: &str, found: &str| {
        for version in versions() {
            let function = python(*version, package()).with("Handler", handler).deploy(&client());
            assert_eq!(
                function.invoke(&json!({})).returned(),
                found,
                "{handler} of {version:?}"
            );
        }
    };
    let beside = "import json, random\n\ndef main_handler(event, context):\n    return random.NAME + json.dumps([1])\n";
    let beside = || Package::python(beside).file("random.py", b"NAME = 'mine'\n");
    finds(&beside, "index.main_handler", "mine[1]");
    let named = says("mine").replace("main_handler", "deepcopy");
    let named = || Package::default().file("copy.py", named.as_bytes());
    finds(&named, "copy.deepcopy", "mine");
    let package = Package::default;
    let package = || {
        package()
            .file("email/__init__.py", b"")
            .file("email/send.py", says("sent").as_bytes())
    };
    finds(&package, "email.send.main_handler", "sent");
}

#[test]
fn a_handler_that_no_import_finds_is_told_why_in_every_python() {
    for version in versions() {
        let handler = "def main_handler(event, context):\n    return 1\n".as_bytes();
        let deploys = |package: Package, handler: &str| {
            let function = python(*version, package).with("Handler", handler).deploy(&client());
            function.invoke(&json!({}))
        };
        let first = deploys(Package::default().file("os.py", handler), "os.main_handler");
        assert_eq!(first.status, 437, "{version:?}");
        let text = "os is a module that Python has imported before it looks at a package";
        assert!(
            first.error_message().starts_with(text),
            "{version:?}: {}",
            first.error_message()
        );
        let hidden = Package::default().file("a.py", b"").file("a/b.py", handler);
        let hidden = deploys(hidden, "a.b.main_handler");
        assert_eq!(hidden.status, 443, "{version:?}: {}", hidden.error_message());
        assert!(hidden.error_message().contains("No module named"), "{version:?}");
    }
}
