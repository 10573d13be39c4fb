//! Runtimes that boot and take code the same way.

use skiff_domain::RuntimeName;

/// What kind of runtime a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `CPython`: booted once as a zygote, instances are forks of it.
    Python,
    /// A runtime this build has no bootstrap for.
    Other,
}

impl Family {
    /// The family of a runtime.
    #[must_use]
    pub fn of(runtime: &RuntimeName) -> Self {
        if runtime.as_str().starts_with("Python3.") {
            Self::Python
        } else {
            Self::Other
        }
    }
}
