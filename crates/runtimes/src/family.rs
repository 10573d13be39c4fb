//! Runtimes that boot and take code the same way.

use skiff_domain::RuntimeName;

/// What kind of runtime a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `CPython`: booted once as a zygote, instances are forks of it.
    Python {
        /// 3 of `Python3.11`.
        major: u32,
        /// 11 of `Python3.11`.
        minor: u32,
    },
    /// Node.js: executed anew for each instance.
    Node {
        /// 18 of `Nodejs18.15`.
        major: u32,
        /// 15 of `Nodejs18.15`.
        minor: u32,
    },
    /// Java: executed anew for each instance.
    Java {
        /// 17 of `Java17`.
        major: u32,
    },
    /// `CustomRuntime`: a program of the package that speaks the runtime API.
    Custom,
    /// `Go1`: a program of the package that answers the published library's calls.
    Go,
    /// PHP from 7 on: executed anew for each instance.
    Php {
        /// 7 of `Php7.4`.
        major: u32,
        /// 4 of `Php7.4`; none of `Php7`.
        minor: Option<u32>,
    },
    /// `Wasm1`: a module or component of the package, which Skiff's own program runs.
    Wasm,
    /// A runtime this build has no bootstrap for.
    Other,
}

impl Family {
    /// The family of a runtime.
    #[must_use]
    pub fn of(runtime: &RuntimeName) -> Self {
        let name = runtime.as_str();
        let python = || {
            let (major, minor) = name.strip_prefix("Python")?.split_once('.')?;
            Some(Self::Python {
                major: major.parse().ok()?,
                minor: minor.parse().ok()?,
            })
        };
        let node = || {
            let (major, minor) = name.strip_prefix("Nodejs")?.split_once('.')?;
            Some(Self::Node {
                major: major.parse().ok()?,
                minor: minor.parse().ok()?,
            })
        };
        let java = || {
            let major = name.strip_prefix("Java")?.parse().ok()?;
            Some(Self::Java { major })
        };
        let php = || {
            let version = name.strip_prefix("Php")?;
            let (major, minor) = match version.split_once('.') {
                None => (version, None),
                Some((major, minor)) => (major, Some(minor.parse().ok()?)),
            };
            let major = major.parse().ok().filter(|major| *major >= 7)?;
            Some(Self::Php { major, minor })
        };
        let go = || (name == "Go1").then_some(Self::Go);
        let wasm = || (name == "Wasm1").then_some(Self::Wasm);
        let custom = || (name == "CustomRuntime").then_some(Self::Custom);
        python()
            .or_else(node)
            .or_else(java)
            .or_else(custom)
            .or_else(go)
            .or_else(php)
            .or_else(wasm)
            .unwrap_or(Self::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_runtime_is_of_a_family_by_its_name() {
        let of = |name: &str| Family::of(&name.parse().expect("known"));
        assert_eq!(of("Python3.11"), Family::Python { major: 3, minor: 11 });
        assert_eq!(of("Python2.7"), Family::Python { major: 2, minor: 7 });
        assert_eq!(of("Nodejs6.10"), Family::Node { major: 6, minor: 10 });
        assert_eq!(of("Nodejs22.14"), Family::Node { major: 22, minor: 14 });
        assert_eq!(of("CustomRuntime"), Family::Custom);
        assert_eq!(of("Go1"), Family::Go);
        assert_eq!(of("Wasm1"), Family::Wasm);
        assert_eq!(of("Java8"), Family::Java { major: 8 });
        for (name, minor) in [("Php7", None), ("Php7.4", Some(4))] {
            assert_eq!(of(name), Family::Php { major: 7, minor });
        }
        assert_eq!(of("Php5.6"), Family::Other);
    }
}
