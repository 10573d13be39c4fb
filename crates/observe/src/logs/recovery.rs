//! Takes up what the last process left: segments, the place the meter had come to, the chunks to be retained.

use std::collections::BTreeMap;

use skiff_store::Store;

use super::config::LogStoreConfig;
use super::error::OpenError;
use super::frame::{Frames, MAGIC};
use super::index::{self, ChunkId, ChunkRow};
use super::keeper::metered_key;
use super::meter::{Meter, Metered, Place};
use super::segment::{self, Segment};
use super::shelf::{Shelf, Unsealed};

/// Where to go on from.
pub(crate) struct Recovered {
    pub(crate) active: Segment,
    pub(crate) shelf: Shelf,
    pub(crate) meter: Meter,
    pub(crate) metered: Metered,
    pub(crate) chunks: BTreeMap<u64, ChunkRow>,
}

pub(crate) async fn recover(config: &LogStoreConfig) -> Result<Recovered, OpenError> {
    let io = |source| OpenError::Io {
        path: config.dir.clone(),
        source,
    };
    let store = &*config.store;
    segment::make_folder(&config.dir).map_err(io)?;
    let mut segments = Vec::new();
    for segment in segment::recover(&config.dir).map_err(io)? {
        let chunk = ChunkId {
            node: config.node.clone(),
            seq: segment.seq,
        };
        // Killed between sealing and removing.
        if index::is_sealed(store, &chunk).await.map_err(OpenError::Store)? {
            segment.remove().map_err(io)?;
        } else {
            segments.push(segment);
        }
    }
    let metered = metered(store, config).await?;
    let meter = Meter::from(metered.place);
    for segment in &segments {
        count_again(&meter, segment, metered.place).map_err(io)?;
    }
    let last = segments
        .last()
        .map_or(0, |segment| segment.seq)
        .max(metered.place.segment);
    let goes_on = segments.pop_if(|segment| goes_on(segment, metered.place, config.segment_bytes));
    let active = match goes_on {
        Some(active) => active,
        None => Segment::create(&config.dir, last + 1).map_err(io)?,
    };
    let frames = active.read().map_err(io)?.slice(MAGIC.len()..);
    let unsealed = Unsealed {
        closed: segments,
        active_seq: active.seq,
        active_since: (!frames.is_empty()).then(|| config.clock.now()),
        active: if frames.is_empty() { Vec::new() } else { vec![frames] },
    };
    Ok(Recovered {
        active,
        shelf: Shelf::new(unsealed),
        meter,
        metered,
        chunks: index::chunks(store, &config.node).await.map_err(OpenError::Store)?,
    })
}

/// True for a segment that can be appended to: not full, and not behind what was metered of it, as after a power cut
/// that took a part the meter had seen.
fn goes_on(segment: &Segment, metered: Place, segment_bytes: u64) -> bool {
    let end = Place {
        segment: segment.seq,
        offset: segment.size,
    };
    segment.size < segment_bytes && end >= metered
}

async fn metered(store: &dyn Store, config: &LogStoreConfig) -> Result<Metered, OpenError> {
    let broken =
        |error: Box<dyn std::error::Error + Send + Sync>| OpenError::Store(skiff_store::StoreError::Engine(error));
    let key = metered_key(&config.node).map_err(|error| broken(error.into()))?;
    let doc = store.get(&key).await.map_err(OpenError::Store)?;
    let read = doc.map(|doc| serde_json::from_slice(&doc.value)).transpose();
    Ok(read.map_err(|error| broken(error.into()))?.unwrap_or_default())
}

/// Counts what of a segment the meter had not written down.
fn count_again(meter: &Meter, segment: &Segment, metered: Place) -> std::io::Result<()> {
    let place = Place {
        segment: segment.seq,
        offset: segment.size,
    };
    if place <= metered {
        return Ok(());
    }
    let from = if segment.seq == metered.segment {
        metered.offset
    } else {
        0
    };
    let bytes = segment.read()?;
    let from = usize::try_from(from).unwrap_or(usize::MAX).max(MAGIC.len());
    meter.add(Frames::from(&bytes, from).map(|(_, view)| view), place);
    Ok(())
}
