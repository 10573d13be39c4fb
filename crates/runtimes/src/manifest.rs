//! A runtime that can run here.

use skiff_domain::RuntimeName;

use skiff_sandbox::{Boot, Template};

use crate::family::Family;
use crate::native;

/// How the worker and an initialised instance speak to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// In the frames of [`crate::wire`].
    Frames,
    /// The program asks for events, over the runtime API ([`crate::native::api`]).
    RuntimeApi,
    /// The program listens, and answers `net/rpc` ([`crate::go`]).
    Rpc,
    /// The program listens, and answers HTTP ([`crate::native::WEB_ADDRESS`]).
    Web,
}

/// A runtime: its name, where it comes from, and how its root file system comes about and boots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its documented name, e.g. `Python3.11`.
    pub name: RuntimeName,
    /// Where it comes from, e.g. `host:/usr/bin/python3.11` or `npm:18.15.0`.
    pub source: String,
    /// Bytes it takes in the data dir; none for what is the host's.
    pub bytes: Option<u64>,
    /// Whether packages have files that it compiles.
    pub compiles: bool,
    /// What the sandbox makes of it.
    pub template: Template,
}

impl Manifest {
    /// Whether an instance can be kept once its code is initialised, and others become it.
    #[must_use]
    pub fn can_be_kept(&self) -> bool {
        matches!(self.template.boot, Boot::Fork(_))
    }

    /// Whether its stem cells take the order to load before the code is there.
    #[must_use]
    pub fn can_prepare(&self) -> bool {
        matches!(
            Family::of(&self.name),
            Family::Python { major: 3, .. } | Family::Node { .. }
        )
    }

    /// How events get to its functions and results back.
    #[must_use]
    pub fn speech(&self) -> Speech {
        match Family::of(&self.name) {
            Family::Custom => Speech::RuntimeApi,
            Family::Go => Speech::Rpc,
            _ => Speech::Frames,
        }
    }

    /// The same root for web functions: whatever the runtime, what boots there is a program of the package's.
    #[must_use]
    pub fn for_web(&self) -> Self {
        let mut web = self.clone();
        web.template.boot = Boot::Wait(native::TASK.to_owned());
        web
    }
}
