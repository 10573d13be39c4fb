//! `GetLayerVersion`, `ListLayerVersions`, `ListLayers`, `DeleteLayerVersion`, and what functions bind.

use std::sync::Arc;

use skiff_domain::{LayerName, LayerRef, RuntimeName};

use crate::change::ChangeError;
use crate::configuration::Configuration;
use crate::document::{Document, DocumentId};
use crate::layer::{EMPTIED_LAYERS_MAX, InvalidLayers, Layer, LayerVersion, Layers};
use crate::listing::{Listing, Page};
use crate::plane::{ControlPlane, Inner};
use crate::state::{State, Write};

/// A version of a layer, and the layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerView {
    /// The layer.
    pub layer: Arc<Layer>,
    /// The version.
    pub version: Arc<LayerVersion>,
}

/// Which layers, and which part of them.
#[derive(Debug, Clone, Default)]
pub struct ListLayers {
    /// Part of the name.
    pub search_key: Option<String>,
    /// The runtimes of which they are for any; for whatever they are where none is given.
    pub runtimes: Vec<RuntimeName>,
    /// Which part.
    pub page: Page,
}

/// Why something cannot be done with a layer.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// There is no such layer.
    #[error("Layer {0} does not exist")]
    Missing(LayerName),
    /// The layer has no such version.
    #[error("Layer {} has no version {}", .0.name, .0.number)]
    VersionMissing(LayerRef),
    /// The change could not be stored.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl LayerError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "ResourceNotFound.Layer",
            Self::VersionMissing(_) => "ResourceNotFound.LayerVersion",
            Self::Change(error) => error.code(),
        }
    }
}

impl ControlPlane {
    /// A version of a layer.
    pub fn get_layer_version(&self, wanted: &LayerRef) -> Result<LayerView, LayerError> {
        find(&self.inner.state.load(), wanted)
    }

    /// The versions of a layer, by number; where runtimes are given, those that are for any of them.
    pub fn list_layer_versions(
        &self,
        name: &LayerName,
        runtimes: &[RuntimeName],
    ) -> Result<Vec<LayerView>, LayerError> {
        let state = self.inner.state.load();
        let layer = state.layer(name).ok_or_else(|| LayerError::Missing(name.clone()))?;
        let wanted = |version: &&Arc<LayerVersion>| is_for_any(version, runtimes);
        let found = state.layer_versions(name).filter(wanted).map(|version| LayerView {
            layer: Arc::clone(layer),
            version: Arc::clone(version),
        });
        Ok(found.collect())
    }

    /// The layers, by name, each with its newest version; where runtimes are given, with the newest that is for any
    /// of them.
    #[must_use]
    pub fn list_layers(&self, input: &ListLayers) -> Listing<LayerView> {
        let state = self.inner.state.load();
        let within = |name: &LayerName| {
            let part = input.search_key.as_ref();
            part.is_none_or(|part| name.as_str().contains(part.as_str()))
        };
        let newest = |layer: &Arc<Layer>| {
            let fits = |version: &&Arc<LayerVersion>| is_for_any(version, &input.runtimes);
            let version = state.layer_versions(&layer.name).rev().find(fits)?;
            Some(LayerView {
                layer: Arc::clone(layer),
                version: Arc::clone(version),
            })
        };
        let layers = state.layers().filter(|layer| within(&layer.name));
        Listing::cut(layers.filter_map(newest).collect(), input.page)
    }

    /// Deletes a version of a layer. Functions that have it keep it; no other can come to have it.
    pub async fn delete_layer_version(&self, wanted: LayerRef) -> Result<(), LayerError> {
        let write = |inner: Arc<Inner>| async move {
            let change = |state: &State| {
                let found = find(state, &wanted)?;
                let id = DocumentId::LayerVersion(wanted.name.clone(), wanted.number);
                // The layer is written too: whoever publishes at the same time counts anew.
                let layer = Document::Layer(Layer::clone(&found.layer));
                let mut writes = vec![Write::Put(layer), Write::Remove(id)];
                if state.layer_versions(&wanted.name).count() == 1
                    && let Some(forgotten) = state.layer_to_forget(EMPTIED_LAYERS_MAX)
                {
                    writes.push(Write::Remove(DocumentId::Layer(forgotten.clone())));
                }
                Ok::<_, LayerError>((writes, ()))
            };
            inner.change(change).await?;
            inner.collect_later();
            Ok(())
        };
        self.inner.run(write).await
    }
}

/// Whether a version is for any of these; without any, whatever it is for.
fn is_for_any(version: &LayerVersion, runtimes: &[RuntimeName]) -> bool {
    let of = version.runtimes.as_slice();
    runtimes.is_empty() || of.iter().any(|runtime| runtimes.contains(runtime))
}

fn find(state: &State, wanted: &LayerRef) -> Result<LayerView, LayerError> {
    let layer = state.layer(&wanted.name);
    let layer = layer.ok_or_else(|| LayerError::Missing(wanted.name.clone()))?;
    let version = state.layer_version(wanted);
    let version = version.ok_or_else(|| LayerError::VersionMissing(wanted.clone()))?;
    Ok(LayerView {
        layer: Arc::clone(layer),
        version: Arc::clone(version),
    })
}

/// The layers of these names for a function. One that the function has already is found though it was deleted.
pub(crate) fn bind(
    state: &State,
    wanted: &[LayerRef],
    current: Option<&Configuration>,
) -> Result<Layers, InvalidLayers> {
    let bound = wanted.iter().map(|wanted| {
        let kept = || current.and_then(|current| current.layers.find(wanted));
        match state.layer_version(wanted).or_else(kept) {
            Some(version) => Ok(Arc::clone(version)),
            None if state.layer(&wanted.name).is_none() => Err(InvalidLayers::LayerMissing(wanted.name.clone())),
            None => Err(InvalidLayers::VersionMissing(wanted.clone())),
        }
    });
    Layers::new(bound.collect::<Result<_, _>>()?)
}
