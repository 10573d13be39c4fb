//! The handler's module is imported in a way of our own; what users can see of it is what importlib does.

use serde_json::json;
use skiff_tests::{Package, Spec};

use crate::common::{client, python};

#[test]
fn the_handlers_module_is_what_an_import_would_have_made_it() {
    let code = "
import copyreg, importlib, importlib.util, inspect, os, pickle, pkgutil, sys

class Thing:
    pass

def main_handler(event, context):
    own = sys.modules[__name__]
    spec = importlib.util.find_spec(__name__)
    again = importlib.util.module_from_spec(importlib.util.spec_from_file_location('index', __file__))
    names = sorted(name for name in vars(again) if name.startswith('__'))
    reloaded = importlib.reload(own)
    return {
        'same': importlib.import_module('index') is own is reloaded, 'file': __file__, 'cached': __cached__ == spec.cached,
        'package': __package__, 'loader': type(__loader__).__name__, 'origin': spec.origin, 'located': spec.has_location,
        'source': 'def main_handler' in inspect.getsource(main_handler), 'data': len(pkgutil.get_data(__name__, 'index.py')) > 9,
        'pickled': type(pickle.loads(pickle.dumps(Thing()))).__name__,
        'missing': [name for name in names if name not in vars(own)], 'byte code': os.path.exists(__cached__),
    }
";
    let expected = json!({
        "same": true, "file": "/var/user/index.py", "cached": true, "package": "", "loader": "SourceFileLoader",
        "origin": "/var/user/index.py", "located": true, "source": true, "data": true, "pickled": "Thing",
        "missing": [], "byte code": true,
    });
    assert_eq!(python(code).invoke(&json!({})).returned(), &expected);
}

#[test]
fn what_an_import_would_find_first_is_found_first() {
    let answers = |text: &str| format!("def main_handler(event, context):\n    return '{text}'\n");
    let replaced = "import sys, types\nself = types.SimpleNamespace(main_handler=lambda event, context: 'replaced')\n\
                    sys.modules[__name__] = self\n";
    for (package, handler, expected) in [
        (
            Package::python(&answers("module")).file("index/__init__.py", answers("package").as_bytes()),
            "index.main_handler",
            "package",
        ),
        (
            Package::python(&answers("module")).file("index.d/data.py", b""),
            "index.main_handler",
            "module",
        ),
        (
            Package::python("").file("a/b.py", answers("dotted").as_bytes()),
            "a.b.main_handler",
            "dotted",
        ),
        (Package::python(replaced), "index.main_handler", "replaced"),
        (
            Package::python("raise SystemError\n").file("app.py", answers("another").as_bytes()),
            "app.main_handler",
            "another",
        ),
    ] {
        let function = Spec::package(package).with("Handler", handler).deploy(&client());
        assert_eq!(function.invoke(&json!({})).returned(), expected, "{handler}");
    }
}
