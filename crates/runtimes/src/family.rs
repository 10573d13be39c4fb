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
        let go = || (name == "Go1").then_some(Self::Go);
        let custom = || (name == "CustomRuntime").then_some(Self::Custom);
        python()
            .or_else(node)
            .or_else(java)
            .or_else(custom)
            .or_else(go)
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
        assert_eq!(of("Java8"), Family::Java { major: 8 });
        for other in ["Php8.0"] {
            assert_eq!(of(other), Family::Other, "{other}");
        }
    }
}
