//! An image in a registry.

use std::fs::File;
use std::io::{Seek, Write};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use futures::TryStreamExt;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::manifest::{OciDescriptor, OciImageManifest};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use tokio::runtime::{Builder, Runtime};

use crate::error::AddError;
use crate::oci::login;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two pieces of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// One image of a registry.
pub(super) struct Registry {
    runtime: Runtime,
    client: Client,
    reference: Reference,
    login: RegistryAuth,
}

impl Registry {
    pub(super) fn of(reference: &Reference) -> Result<Self, AddError> {
        // Another one that is the process's already does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let registry = reference.resolve_registry().to_owned();
        let protocol = if is_this_machine(&registry) {
            ClientProtocol::HttpsExcept(vec![registry.clone()])
        } else {
            ClientProtocol::Https
        };
        let config = ClientConfig {
            protocol,
            connect_timeout: Some(CONNECT_TIMEOUT),
            read_timeout: Some(READ_TIMEOUT),
            ..ClientConfig::default()
        };
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(Self {
            runtime: runtime.map_err(AddError::io("tokio"))?,
            client: Client::new(config),
            login: login::of(&registry),
            reference: reference.clone(),
        })
    }

    /// The manifest for this machine's processor, and its digest, which it has been held against.
    pub(super) fn manifest(&self) -> Result<(OciImageManifest, String), AddError> {
        let pulled = self.runtime.block_on(async {
            self.client
                .auth(&self.reference, &self.login, RegistryOperation::Pull)
                .await?;
            self.client.pull_image_manifest(&self.reference, &self.login).await
        });
        pulled.map_err(|error| self.failed(&error))
    }

    /// Fetches a piece of this size, to be checked by whoever reads it.
    pub(super) fn blob(&self, piece: &OciDescriptor, size: u64, spool: &Path) -> Result<File, AddError> {
        let mut file = tempfile::tempfile_in(spool).map_err(AddError::io(spool))?;
        let fetched = self.runtime.block_on(async {
            let mut stream = match self.client.pull_blob_stream(&self.reference, piece).await {
                Ok(sized) => sized.stream,
                Err(error) => return Err(self.failed(&error)),
            };
            let mut left = size;
            loop {
                let chunk = stream.try_next().await.map_err(|error| self.failed(&error))?;
                let Some(chunk) = chunk else {
                    return Ok(());
                };
                left = left.checked_sub(chunk.len() as u64).ok_or_else(|| AddError::Digest {
                    digest: piece.digest.clone(),
                })?;
                file.write_all(&chunk).map_err(AddError::io(spool))?;
            }
        });
        fetched?;
        file.rewind().map_err(AddError::io(spool))?;
        Ok(file)
    }

    fn failed(&self, error: &dyn std::error::Error) -> AddError {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(deeper) = cause {
            let text = deeper.to_string();
            if !reason.contains(&text) {
                reason = format!("{reason}: {text}");
            }
            cause = deeper.source();
        }
        AddError::Registry {
            url: format!("oci:{}", self.reference),
            reason,
        }
    }
}

/// A registry of this machine has no certificate.
fn is_this_machine(registry: &str) -> bool {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_of_this_machine_alone_are_spoken_to_without_tls() {
        for own in [
            "localhost",
            "localhost:5000",
            "127.0.0.1:5000",
            "127.1.2.3",
            "[::1]:5000",
        ] {
            assert!(is_this_machine(own), "{own}");
        }
        for other in [
            "localhost.example",
            "registry.example:5000",
            "10.0.0.1:5000",
            "127.0.0.1.example",
        ] {
            assert!(!is_this_machine(other), "{other}");
        }
    }
}
