//! The entry point a user names: what it may look like, and which file of the package it means.

use skiff_domain::RuntimeName;

use crate::family::Family;
use crate::{native, wasm};

/// Longest handler, in bytes (CONTRACT 2.5 names no number; API documents say 60, longer package paths are real).
const HANDLER_BYTES_MAX: usize = 128;

/// A handler that names no entry point of its runtime.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Handler {given:?} is not valid for {runtime}: {rule}")]
pub struct InvalidHandler {
    /// What was given, cut to 80 characters.
    pub given: String,
    /// For which runtime.
    pub runtime: RuntimeName,
    /// The rule, as a sentence for the user.
    pub rule: &'static str,
}

/// The files of a package, any one of which holds this entry point. The last part of a path may begin with `*`, for
/// whatever there is.
pub fn entry_files(runtime: &RuntimeName, handler: &str) -> Result<Vec<String>, InvalidHandler> {
    let invalid = |rule| InvalidHandler {
        given: handler.chars().take(80).collect(),
        runtime: runtime.clone(),
        rule,
    };
    match Family::of(runtime) {
        Family::Python { .. } => {
            let rule = "write file.function, e.g. index.main_handler for main_handler in index.py";
            let module = python_module(handler).ok_or_else(|| invalid(rule))?;
            let path = module.replace('.', "/");
            Ok(["{}.py", "{}/__init__.py", "{}.so", "{}.abi3.so", "{}.pyc"]
                .iter()
                .map(|form| form.replace("{}", &path))
                .collect())
        }
        Family::Node { major, .. } => {
            let rule = "write file.function, e.g. index.main_handler for exports.main_handler in index.js";
            let path = node_file(handler).ok_or_else(|| invalid(rule))?;
            // ES modules came with Node 12.
            let forms = ["{}.js", "{}.cjs", "{}/index.js", "{}.node", "{}.mjs"];
            let forms = forms.iter().filter(|form| major >= 12 || !form.ends_with("mjs"));
            Ok(forms.map(|form| form.replace("{}", path)).collect())
        }
        Family::Java { .. } => {
            let rule = "write package.Class::method, e.g. example.Hello::mainHandler";
            let class = java_class(handler).ok_or_else(|| invalid(rule))?;
            let class = format!("{}.class", class.replace('.', "/"));
            // What is in a jar shows when it is loaded.
            Ok(vec![class, "*.jar".to_owned(), "lib/*.jar".to_owned()])
        }
        Family::Custom => {
            // The program reads it from its environment, and reads it as it likes.
            let legal = handler.len() <= HANDLER_BYTES_MAX && !handler.chars().any(char::is_control);
            let rule = "write at most 128 bytes without control characters: the program finds it in _HANDLER";
            legal
                .then(|| vec![native::BOOTSTRAP.to_owned()])
                .ok_or_else(|| invalid(rule))
        }
        Family::Php { .. } => {
            let rule = "write file.function, e.g. index.main_handler for main_handler in index.php";
            let path = node_file(handler).filter(|_| !handler.contains('$'));
            path.map(|path| vec![format!("{path}.php")])
                .ok_or_else(|| invalid(rule))
        }
        Family::Go => {
            let rule = "write the name of the program in the package, e.g. main";
            is_program(handler)
                .then(|| vec![handler.to_owned()])
                .ok_or_else(|| invalid(rule))
        }
        Family::Wasm => {
            let rule = "write the path of a module or component in the package, e.g. main.wasm";
            (is_program(handler) && handler.ends_with(wasm::SUFFIX))
                .then(|| vec![handler.to_owned()])
                .ok_or_else(|| invalid(rule))
        }
        Family::Other => Err(invalid(
            "this runtime is not installed, so its handlers cannot be checked",
        )),
    }
}

/// Whether the file that a handler begins in is itself executed.
#[must_use]
pub fn entry_is_program(runtime: &RuntimeName) -> bool {
    matches!(Family::of(runtime), Family::Custom | Family::Go)
}

/// The module of `module.function`; the module may stand in folders: `jobs.daily.run`.
fn python_module(handler: &str) -> Option<&str> {
    let (module, function) = handler.rsplit_once('.')?;
    let is_name = |name: &str, more: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || c == '_' || more.contains(c))
    };
    let legal = handler.len() <= HANDLER_BYTES_MAX
        && is_name(function, "")
        && !function.starts_with(|c: char| c.is_ascii_digit())
        && module.split('.').all(|part| is_name(part, "-"));
    legal.then_some(module)
}

/// The class of `package.Class::method`; it may be of no package, or inside another: `example.Jobs$Daily::run`.
fn java_class(handler: &str) -> Option<&str> {
    let (class, method) = handler.split_once("::")?;
    let legal = handler.len() <= HANDLER_BYTES_MAX && is_identifier(method) && class.split('.').all(is_identifier);
    legal.then_some(class)
}

/// The file of `file.function`, without its ending; it may stand in folders: `src/daily.run`.
fn node_file(handler: &str) -> Option<&str> {
    let (file, function) = handler.rsplit_once('.')?;
    let legal = handler.len() <= HANDLER_BYTES_MAX && is_identifier(function) && is_path(file);
    legal.then_some(file)
}

/// A file of the package; it may stand in folders: `bin/main`.
fn is_program(handler: &str) -> bool {
    handler.len() <= HANDLER_BYTES_MAX && is_path(handler)
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
}

/// Names of files that are not hidden, one below the other.
fn is_path(path: &str) -> bool {
    path.split('/').all(|name| {
        !name.is_empty() && !name.starts_with('.') && name.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(handler: &str) -> Option<String> {
        let python = "Python3.11".parse().expect("known");
        entry_files(&python, handler).ok().map(|files| files[0].clone())
    }

    #[test]
    fn a_python_handler_is_a_file_and_a_function() {
        assert_eq!(check("index.main_handler").as_deref(), Some("index.py"));
        assert_eq!(check("my-probe.run").as_deref(), Some("my-probe.py"));
        assert_eq!(check("jobs.daily.run").as_deref(), Some("jobs/daily.py"));
    }

    #[test]
    fn a_node_handler_is_a_file_and_an_exported_function() {
        let check = |runtime: &str, handler: &str| entry_files(&runtime.parse().expect("known"), handler).ok();
        for (handler, file) in [
            ("index.main_handler", "index.js"),
            ("my-probe.$run", "my-probe.js"),
            ("src/daily.run", "src/daily.js"),
            ("app.prod.run", "app.prod.js"),
        ] {
            assert_eq!(check("Nodejs18.15", handler).expect(handler)[0], file);
        }
        for bad in [
            "",
            "index",
            ".run",
            "index.",
            "../index.run",
            "/index.run",
            "a//b.run",
            "index.9x",
            "in dex.run",
        ] {
            assert_eq!(check("Nodejs18.15", bad), None, "{bad}");
        }
        let modules = |runtime| {
            check(runtime, "index.run")
                .expect("legal")
                .contains(&"index.mjs".to_owned())
        };
        assert!(modules("Nodejs14.18") && !modules("Nodejs10.15"));
    }

    #[test]
    fn a_java_handler_is_a_class_and_a_method() {
        let check = |handler: &str| entry_files(&"Java17".parse().expect("known"), handler).ok();
        for (handler, file) in [
            ("example.Hello::mainHandler", "example/Hello.class"),
            ("Hello::handle", "Hello.class"),
            ("com.example.Jobs$Daily::run", "com/example/Jobs$Daily.class"),
        ] {
            assert_eq!(check(handler).expect(handler), [file, "*.jar", "lib/*.jar"]);
        }
        for bad in [
            "",
            "example.Hello",
            "example.Hello.mainHandler",
            "::mainHandler",
            "example.Hello::",
            "example..Hello::run",
            "../Hello::run",
            "example/Hello::run",
            "example.9Hello::run",
            "a::b::c",
        ] {
            assert_eq!(check(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_custom_runtime_begins_in_its_bootstrap_whatever_the_handler() {
        let check = |handler: &str| entry_files(&"CustomRuntime".parse().expect("known"), handler);
        for (runtime, is_program) in [("CustomRuntime", true), ("Go1", true), ("Php7.4", false)] {
            assert_eq!(
                entry_is_program(&runtime.parse().expect("known")),
                is_program,
                "{runtime}"
            );
        }
        for handler in ["index.main_handler", "", "a b/c:d", "处理"] {
            assert_eq!(check(handler), Ok(vec!["bootstrap".to_owned()]), "{handler}");
        }
        assert!(check("a\nb").is_err() && check(&"a".repeat(129)).is_err());
    }

    #[test]
    fn a_php_handler_is_a_file_and_a_function() {
        let check = |handler: &str| entry_files(&"Php7.4".parse().expect("known"), handler).ok();
        for (handler, file) in [("index.main_handler", "index.php"), ("src/daily.run", "src/daily.php")] {
            assert_eq!(check(handler), Some(vec![file.to_owned()]));
        }
        for bad in ["", "index", "index.", "../index.run", "index.$run", "index.9x"] {
            assert_eq!(check(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_go_handler_is_the_name_of_a_program() {
        let check = |handler: &str| entry_files(&"Go1".parse().expect("known"), handler);
        for handler in ["main", "bin/my-probe", "main.x86"] {
            assert_eq!(check(handler), Ok(vec![handler.to_owned()]));
        }
        for bad in ["", "/main", "../main", "bin/", "a b", ".hidden"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_wasm_handler_is_the_name_of_a_module() {
        let check = |handler: &str| entry_files(&"Wasm1".parse().expect("known"), handler);
        for handler in ["main.wasm", "target/wasm32-wasip1/my-probe.wasm"] {
            assert_eq!(check(handler), Ok(vec![handler.to_owned()]));
        }
        for bad in [
            "",
            "main",
            "main.cwasm",
            "../main.wasm",
            "/main.wasm",
            ".wasm",
            "main.wasm/",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_names_no_file_or_climbs_is_refused() {
        for bad in [
            "",
            "index",
            ".main",
            "index.",
            "../index.main",
            "a/b.main",
            "in dex.main",
            "index.9x",
            "a..b",
        ] {
            assert_eq!(check(bad), None, "{bad}");
        }
        assert_eq!(check(&format!("{}.f", "a".repeat(200))), None);
    }
}
