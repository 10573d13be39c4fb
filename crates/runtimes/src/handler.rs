//! The entry point a user names: what it may look like, and which file of the package it means.

use skiff_domain::RuntimeName;

use crate::family::Family;

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

/// The files of a package, any one of which holds this entry point.
pub fn entry_files(runtime: &RuntimeName, handler: &str) -> Result<Vec<String>, InvalidHandler> {
    let invalid = |rule| InvalidHandler {
        given: handler.chars().take(80).collect(),
        runtime: runtime.clone(),
        rule,
    };
    match Family::of(runtime) {
        Family::Python => {
            let rule = "write file.function, e.g. index.main_handler for main_handler in index.py";
            let module = python_module(handler).ok_or_else(|| invalid(rule))?;
            let path = module.replace('.', "/");
            Ok(["{}.py", "{}/__init__.py", "{}.so", "{}.abi3.so", "{}.pyc"]
                .iter()
                .map(|form| form.replace("{}", &path))
                .collect())
        }
        Family::Other => Err(invalid(
            "this runtime is not installed, so its handlers cannot be checked",
        )),
    }
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
