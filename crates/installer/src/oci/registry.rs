//! An image in a registry.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::time::Duration;

use futures::TryStreamExt;
use oci_client::client::{ClientConfig, ClientProtocol, current_platform_resolver};
use oci_client::manifest::{OciDescriptor, OciImageManifest, OciManifest};
use oci_client::{Client, Reference, RegistryOperation};
use sha2::{Digest, Sha256};
use tokio::runtime::{Builder, Runtime};

use crate::error::AddError;
use crate::oci::documents::{Documents, is_this_machine};
use crate::oci::login;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two pieces of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// One image of a registry. What has no size before it comes is of [`Documents`]; the pieces are the client's.
pub(super) struct Registry {
    runtime: Runtime,
    client: Client,
    reference: Reference,
    documents: Documents,
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
        let login = login::of(&registry);
        let documents = Documents::of(reference, &login).map_err(|error| of_image(reference, &error))?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let this = Self {
            runtime: runtime.map_err(AddError::io("tokio"))?,
            client: Client::new(config),
            reference: reference.clone(),
            documents,
        };
        // With a token it asks nobody; with a login the registry itself, which wants that.
        let login = this.documents.login(&login);
        let known = this.runtime.block_on(async {
            let auth = this.client.auth(reference, &login, RegistryOperation::Pull);
            auth.await
        });
        known.map_err(|error| this.failed(&error))?;
        Ok(this)
    }

    /// The manifest for this machine's processor, and its digest, which it has been held against.
    pub(super) fn manifest(&self) -> Result<(OciImageManifest, String), AddError> {
        let named = self.reference.digest();
        let (manifest, digest) = self.document(named.or(self.reference.tag()).unwrap_or("latest"), named)?;
        let index = match manifest {
            OciManifest::Image(manifest) => return Ok((manifest, digest)),
            OciManifest::ImageIndex(index) => index,
        };
        let refused = |reason: &str| AddError::Image {
            image: format!("oci:{}", self.reference),
            reason: reason.to_owned(),
        };
        let own = current_platform_resolver(&index.manifests);
        let own = own.ok_or_else(|| refused("it is not for this machine's processor"))?;
        match self.document(&own, Some(&own))? {
            (OciManifest::Image(manifest), digest) => Ok((manifest, digest)),
            (OciManifest::ImageIndex(_), _) => Err(refused("its index leads to another index")),
        }
    }

    /// A manifest and its digest, which is this one where it is known.
    fn document(&self, which: &str, digest: Option<&str>) -> Result<(OciManifest, String), AddError> {
        let text = self.documents.manifest(which);
        let text = text.map_err(|error| of_image(&self.reference, &error))?;
        let sum = Sha256::digest(&text);
        let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        let found = format!("sha256:{sum}");
        if let Some(digest) = digest.filter(|digest| *digest != found) {
            return Err(AddError::Digest {
                digest: digest.to_owned(),
            });
        }
        let manifest = serde_json::from_slice(&text).map_err(|error| self.failed(&error))?;
        Ok((manifest, found))
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

/// What went wrong with a document, said with the image it was for.
fn of_image(reference: &Reference, error: &AddError) -> AddError {
    AddError::Registry {
        url: format!("oci:{reference}"),
        reason: error.to_string(),
    }
}
