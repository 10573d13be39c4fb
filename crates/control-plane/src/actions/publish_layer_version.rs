//! `PublishLayerVersion`.

use std::sync::Arc;

use bytes::Bytes;
use skiff_artifacts::{AdmitError, BadPackage, Package};
use skiff_domain::limits::{LAYERS_MAX, VERSIONS_PER_LAYER_MAX};
use skiff_domain::{LayerName, VersionNumber};

use crate::change::ChangeError;
use crate::document::Document;
use crate::layer::{CompatibleRuntimes, Layer, LayerVersion, License};
use crate::plane::{COMPILE_TIME_MAX, ControlPlane, Inner};
use crate::settings::Description;
use crate::state::{State, Write};
use crate::tags::Tags;

/// A version of a layer to be.
#[derive(Debug, Clone)]
pub struct PublishLayerVersion {
    /// Of which layer; it is made with its first version.
    pub name: LayerName,
    /// Its content: a zip.
    pub content: Bytes,
    /// The runtimes it is for.
    pub runtimes: CompatibleRuntimes,
    /// What it is for.
    pub description: Description,
    /// Its license.
    pub license: License,
    /// What the layer is filed under; as before where none is given.
    pub tags: Option<Tags>,
}

/// Why a version of a layer was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishLayerVersionError {
    /// Its content is not taken.
    #[error("{}", of_a_layer(.0))]
    Package(#[from] AdmitError),
    /// There are as many layers as there can be.
    #[error("there are {LAYERS_MAX} layers, the most there can be: delete all versions of one first")]
    TooManyLayers,
    /// The layer has as many versions as it can have.
    #[error("Layer {0} has {VERSIONS_PER_LAYER_MAX} versions, the most it can have: delete one first")]
    TooManyVersions(LayerName),
    /// It could not be stored.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

/// Why a layer's content is not taken.
fn of_a_layer(error: &AdmitError) -> String {
    match error {
        AdmitError::Bad(BadPackage::Empty) => {
            "ZipFile holds no file, and links alone are none: put the layer's files into it".to_owned()
        }
        error => error.to_string(),
    }
}

impl PublishLayerVersionError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Package(error) => error.code(),
            Self::TooManyLayers => "LimitExceeded.Layers",
            Self::TooManyVersions(_) => "LimitExceeded.LayerVersions",
            Self::Change(error) => error.code(),
        }
    }
}

impl ControlPlane {
    /// Publishes a version of a layer. Once this returns functions can have it. On error nothing is kept of it.
    pub async fn publish_layer_version(
        &self,
        input: PublishLayerVersion,
    ) -> Result<Arc<LayerVersion>, PublishLayerVersionError> {
        let published = publish(&self.inner, input).await;
        if published.is_err() {
            self.inner.collect().await;
        }
        published
    }
}

async fn publish(
    inner: &Arc<Inner>,
    input: PublishLayerVersion,
) -> Result<Arc<LayerVersion>, PublishLayerVersionError> {
    // Asked again when it is committed; asked first because unpacking costs more.
    next_number(&inner.state.load(), &input.name)?;
    let package = inner.artifacts.admit(input.content.clone()).await?;
    compile(inner, &input.runtimes, &package).await;
    let write = |inner: Arc<Inner>| async move {
        let change = |state: &State| {
            let number = next_number(state, &input.name)?;
            let tags = state.layer(&input.name).map(|layer| layer.tags.clone());
            let layer = Layer {
                name: input.name.clone(),
                last_version: number,
                tags: input.tags.clone().or(tags).unwrap_or_default(),
            };
            let version = LayerVersion {
                name: input.name.clone(),
                number,
                published_at: (inner.now)(),
                description: input.description.clone(),
                license: input.license.clone(),
                runtimes: input.runtimes.clone(),
                code: package.digest(),
                code_bytes: package.zip_bytes(),
                unpacked_bytes: package.unpacked_bytes(),
            };
            let writes = vec![
                Write::Put(Document::Layer(layer)),
                Write::Put(Document::LayerVersion(Box::new(version.clone()))),
            ];
            Ok::<_, PublishLayerVersionError>((writes, Arc::new(version)))
        };
        inner.change(change).await
    };
    inner.run(write).await
}

/// The number of a layer's next version, if it can have one.
fn next_number(state: &State, name: &LayerName) -> Result<VersionNumber, PublishLayerVersionError> {
    let Some(layer) = state.layer(name) else {
        return if state.layers().filter(|layer| state.has_versions(layer)).count() < LAYERS_MAX {
            Ok(VersionNumber::FIRST)
        } else {
            Err(PublishLayerVersionError::TooManyLayers)
        };
    };
    if state.layer_versions(name).count() >= VERSIONS_PER_LAYER_MAX {
        return Err(PublishLayerVersionError::TooManyVersions(name.clone()));
    }
    Ok(layer.last_version.next())
}

/// Compiles the content for the runtimes that are here, best effort and in a bounded time altogether.
async fn compile(inner: &Inner, runtimes: &CompatibleRuntimes, package: &Package) {
    let installed = inner.runtimes.installed();
    let compiling = async {
        for runtime in runtimes.as_slice().iter().filter(|runtime| installed.contains(runtime)) {
            inner
                .compile(runtime, package.digest(), Arc::clone(package.folder()))
                .await;
        }
    };
    if tokio::time::timeout(COMPILE_TIME_MAX, compiling).await.is_err() {
        tracing::warn!(code = %package.digest(), "compiling a layer took too long and was given up");
    }
}
