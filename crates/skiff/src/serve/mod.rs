//! `skiff serve`: everything is built in the order of what needs what, and let go in the opposite one.

mod adapters;
mod blobs;
mod caller;
mod connections;
mod gauges;
mod inbound;
mod listeners;
mod logging;
mod pages;
mod roles;
mod runtimes;
mod signals;
mod status;
mod wiring;

use anyhow::{Context, anyhow};

use crate::config::Config;
use crate::data_dir::DataDir;
use crate::serve::signals::HangUps;

/// Runs the server until it is told to stop and has drained.
pub(crate) fn run(config: &Config) -> anyhow::Result<()> {
    logging::start(&config.log)?;
    if let Err(finding) = skiff_sandbox::doctor::require() {
        let mend = if finding.mend.is_empty() {
            String::new()
        } else {
            format!(": {}", finding.mend)
        };
        return Err(anyhow!(
            "this host cannot isolate functions: {}: {}{mend}",
            finding.what,
            finding.detail
        ));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    let hang_ups = runtime.block_on(async { HangUps::listen() })?;
    let data_dir = DataDir::take(&config.data_dir)?;
    raise_open_files();
    runtime.block_on(wiring::serve(config, &data_dir, hang_ups))
}

/// Every sandbox costs the server a few descriptors, so it takes as many as it may.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    ) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}
