//! Which runtimes there are: read at the start, and again at each SIGHUP.

use std::path::{Path, PathBuf};

use anyhow::Context;
use skiff_runtimes::Manifest;
use skiff_worker::Worker;

use super::signals::HangUps;

/// The runtimes of a server that starts.
pub(super) async fn at_the_start(data_dir: &Path) -> anyhow::Result<Vec<Manifest>> {
    let folder = data_dir.to_owned();
    let tidied = tokio::task::spawn_blocking(move || skiff_installer::tidy(&folder)).await?;
    if let Err(error) = tidied {
        tracing::warn!(%error, "what is left of removed runtimes could not be removed");
    }
    read(data_dir).await
}

/// Tells the worker of each change, for as long as it is polled.
pub(super) async fn follow(data_dir: PathBuf, worker: Worker, mut hang_ups: HangUps) {
    loop {
        hang_ups.next().await;
        match read(&data_dir).await {
            Ok(manifests) => {
                worker.set_runtimes(manifests);
                let names: Vec<_> = worker.runtimes().iter().map(ToString::to_string).collect();
                tracing::info!(runtimes = names.join(" "), "SIGHUP: runtimes read again");
            }
            Err(error) => tracing::error!("SIGHUP: the runtimes stay as they are: {error:#}"),
        }
    }
}

async fn read(data_dir: &Path) -> anyhow::Result<Vec<Manifest>> {
    let folder = data_dir.to_owned();
    let read = tokio::task::spawn_blocking(move || skiff_runtimes::available(&folder)).await?;
    let (manifests, unusable) = read.context("read the runtimes")?;
    for error in unusable {
        tracing::warn!(%error, "an installed runtime cannot be used; remove it and add it again");
    }
    Ok(manifests)
}
