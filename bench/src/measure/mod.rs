//! The questions, one file each.

mod burst;
mod cold;
mod executed;
mod memory;
mod rate;
mod sandboxes;
mod snapshot;
mod upload;
mod warm;

use anyhow::Result;
use clap::ValueEnum;

use crate::Bench;
use crate::report::Section;

pub(crate) use sandboxes::ZYGOTE_ARGUMENT;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Question {
    /// Cold start to the first handler statement and to the response
    Cold,
    /// Warm call over HTTP
    Warm,
    /// Calls per second at 1, 16 and 64 connections
    Rate,
    /// Sandboxes per second
    Sandboxes,
    /// Memory per idle instance
    Memory,
    /// Upload of 1 MB to invocable
    Upload,
    /// Cold start of Node.js and Java, which are executed for each instance
    Executed,
    /// 50 calls at once of a function without an instance
    Burst,
    /// Cold start of Python with numpy, initialised once
    Snapshot,
}

impl Question {
    /// Measures, from nothing to a section.
    pub(crate) fn answer(self, bench: &Bench) -> Section {
        let (id, title, measure): (_, _, fn(&Bench, &mut Section) -> Result<()>) = match self {
            Self::Cold => ("cold", "(a) Cold start", cold::measure),
            Self::Warm => (
                "warm",
                "(b) Warm call over HTTP, one kept-alive connection",
                warm::measure,
            ),
            Self::Rate => ("rate", "(c) Calls per second", rate::measure),
            Self::Sandboxes => ("sandboxes", "(d) Sandboxes per second", sandboxes::measure),
            Self::Memory => ("memory", "(e) Memory per idle instance", memory::measure),
            Self::Upload => ("upload", "(f) Upload to invocable", upload::measure),
            Self::Executed => ("executed", "(g) Cold start of Node.js and Java", executed::measure),
            Self::Burst => ("burst", "(h) A burst of cold starts", burst::measure),
            Self::Snapshot => (
                "snapshot",
                "(i) Cold start of code that is initialised once",
                snapshot::measure,
            ),
        };
        let mut section = Section::new(id, title);
        // What was measured before it failed is still true.
        section.error = measure(bench, &mut section).err().map(|error| format!("{error:#}"));
        section
    }
}
