//! Which runtimes there are: read at the start, and again at each SIGHUP, as are the roles.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use skiff_auth::Keyring;
use skiff_runtimes::Manifest;
use skiff_worker::Worker;

use super::roles;
use super::signals::HangUps;
use crate::tasks::TASKS;

/// The runtimes of a server that starts.
pub(super) async fn at_the_start(data_dir: &Path) -> anyhow::Result<Vec<Manifest>> {
    let folder = data_dir.to_owned();
    let tidied = tokio::task::spawn_blocking(move || skiff_installer::tidy(&folder)).await?;
    if let Err(error) = tidied {
        tracing::warn!(%error, "what is left of removed runtimes could not be removed");
    }
    read(data_dir).await
}

/// Tells the worker of each change, and reads the roles again, for as long as it is polled.
pub(super) async fn follow(data_dir: PathBuf, worker: Worker, keyring: Arc<Keyring>, mut hang_ups: HangUps) {
    loop {
        hang_ups.next().await;
        match roles::read(&data_dir) {
            Ok(roles) => {
                tracing::info!(roles = roles.len(), "SIGHUP: roles read again");
                keyring.set_roles(roles);
            }
            Err(error) => tracing::error!("SIGHUP: the roles stay as they are: {error:#}"),
        }
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
    let read = tokio::task::spawn_blocking(move || skiff_runtimes::available(&folder, TASKS)).await?;
    let (manifests, unusable) = read.context("read the runtimes")?;
    for error in unusable {
        tracing::warn!(%error, "an installed runtime cannot be used; remove it and add it again");
    }
    Ok(manifests)
}
