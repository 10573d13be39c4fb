//! What the store knows of sealed chunks.
//!
//! ```text
//! log/chunk/<chunk>                                       size, age and functions: for retention
//! log/ids/<chunk>                                         the first four bytes of every request id, sorted
//! log/fn/<namespace>/<name>/<uid>/<latest ms>-<chunk>     times and counts of one function in one chunk
//! ```
//! A chunk's name is `<node>.<segment>`. Rows of a function sort by the latest call they hold, so that a search from a
//! time on reads only the rows from there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use skiff_domain::{NamespaceName, RequestId};
use skiff_store::{Expect, InvalidKey, Key, NodeId, Op, Prefix, Store, StoreError};

use super::frame::{Frames, MAGIC, View};
use super::query::{CLASSES, class};

/// Documents read at a time.
const PAGE: u32 = 1000;

/// A sealed chunk's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ChunkId {
    pub(crate) node: NodeId,
    pub(crate) seq: u64,
}

impl std::fmt::Display for ChunkId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:016x}", self.node, self.seq)
    }
}

impl ChunkId {
    fn parse(text: &str) -> Option<Self> {
        let (node, seq) = text.rsplit_once('.')?;
        Some(Self {
            node: node.parse().ok()?,
            seq: u64::from_str_radix(seq, 16).ok()?,
        })
    }

    /// Where its bytes are among the blobs.
    pub(crate) fn path(&self) -> object_store::path::Path {
        ["logs", self.node.as_str(), &format!("{:016x}.zst", self.seq)]
            .into_iter()
            .collect()
    }

    fn chunk_key(&self) -> Result<Key, InvalidKey> {
        Key::of(["log", "chunk", &self.to_string()])
    }

    fn ids_key(&self) -> Result<Key, InvalidKey> {
        Key::of(["log", "ids", &self.to_string()])
    }
}

/// `log/chunk/<chunk>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChunkRow {
    /// Size of the blob.
    pub(crate) bytes: u64,
    /// When its latest call was accepted.
    pub(crate) max_ns: i64,
    /// The keys of its rows by function.
    functions: Vec<Key>,
}

/// `log/fn/…`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FunctionRow {
    /// When its first call was accepted.
    pub(crate) min_ns: i64,
    /// When its last call was.
    pub(crate) max_ns: i64,
    /// Calls by [`class`].
    pub(crate) counts: [u64; CLASSES],
}

/// Everything the store is told of one chunk.
#[derive(Debug)]
pub(crate) struct Summary {
    functions: BTreeMap<(String, String, String), FunctionRow>,
    ids: Vec<[u8; 4]>,
}

impl Summary {
    /// Reads a segment through.
    pub(crate) fn of(segment: &[u8]) -> Self {
        let mut summary = Self {
            functions: BTreeMap::new(),
            ids: Vec::new(),
        };
        for (_, view) in Frames::from(segment, MAGIC.len()) {
            summary.add(&view);
        }
        summary.ids.sort_unstable();
        summary
    }

    fn add(&mut self, view: &View<'_>) {
        self.ids.push(fingerprint(view.request_id));
        let at_ns = nanoseconds(view.started_at);
        let function = (view.namespace.to_owned(), view.name.to_owned(), view.uid.to_owned());
        let row = self.functions.entry(function).or_insert(FunctionRow {
            min_ns: at_ns,
            max_ns: at_ns,
            counts: [0; CLASSES],
        });
        row.min_ns = row.min_ns.min(at_ns);
        row.max_ns = row.max_ns.max(at_ns);
        row.counts[class(view.status)] += 1;
    }

    /// The operations that make a chunk of this many bytes known, the one that says it is whole last.
    pub(crate) fn ops(self, chunk: &ChunkId, bytes: u64) -> Result<(Vec<Op>, ChunkRow), StoreError> {
        let mut row = ChunkRow {
            bytes,
            max_ns: self.functions.values().map(|row| row.max_ns).max().unwrap_or(i64::MIN),
            functions: Vec::new(),
        };
        let mut ops = vec![put(chunk.ids_key(), self.ids.concat())?];
        for ((namespace, name, uid), function) in self.functions {
            let leaf = format!("{}-{chunk}", leaf_ms(function.max_ns));
            let key = Key::of(["log", "fn", &namespace, &name, &uid, &leaf]);
            row.functions.push(key.clone().map_err(broken)?);
            ops.push(put(key, json(&function)?)?);
        }
        ops.push(put(chunk.chunk_key(), json(&row)?)?);
        Ok((ops, row))
    }
}

/// True once a chunk is known.
pub(crate) async fn is_sealed(store: &dyn Store, chunk: &ChunkId) -> Result<bool, StoreError> {
    let key = chunk.chunk_key().map_err(broken)?;
    Ok(store.get(&key).await?.is_some())
}

/// The chunks of one node, with what retention asks of them.
pub(crate) async fn chunks(store: &dyn Store, node: &NodeId) -> Result<BTreeMap<u64, ChunkRow>, StoreError> {
    let prefix = Prefix::leading(&format!("log/chunk/{node}.")).map_err(broken)?;
    let mut chunks = BTreeMap::new();
    each(store, &prefix, None, |key, value| {
        // Another node's name may go on behind the dot.
        if let Some(chunk) = ChunkId::parse(key.leaf()).filter(|chunk| chunk.node == *node) {
            chunks.insert(chunk.seq, serde_json::from_slice(value).map_err(broken)?);
        }
        Ok(())
    })
    .await?;
    Ok(chunks)
}

/// The operations that make a chunk unknown.
pub(crate) fn forget(chunk: &ChunkId, row: &ChunkRow) -> Result<Vec<Op>, StoreError> {
    let mut keys = row.functions.clone();
    keys.push(chunk.ids_key().map_err(broken)?);
    // Last: while it is there, a removal that was cut short is taken up again.
    keys.push(chunk.chunk_key().map_err(broken)?);
    let delete = |key| Op::Delete {
        key,
        expect: Expect::Any,
    };
    Ok(keys.into_iter().map(delete).collect())
}

/// Whose rows a search looks at.
#[derive(Debug)]
pub(crate) struct Lookup<'a> {
    pub(crate) namespace: &'a NamespaceName,
    pub(crate) name: Option<&'a str>,
    pub(crate) uid: Option<&'a str>,
    pub(crate) start: Option<Timestamp>,
    pub(crate) end: Option<Timestamp>,
}

/// The rows that may hold calls of a search, each with its chunk.
pub(crate) async fn find(store: &dyn Store, lookup: &Lookup<'_>) -> Result<Vec<(ChunkId, FunctionRow)>, StoreError> {
    let mut folder = vec!["log", "fn", lookup.namespace.as_str()];
    folder.extend(lookup.name);
    folder.extend(lookup.name.and(lookup.uid));
    // Only a whole function's rows are sorted by time.
    let is_by_time = folder.len() == 5;
    let start_ns = lookup.start.map_or(i64::MIN, nanoseconds);
    let end_ns = lookup.end.map_or(i64::MAX, nanoseconds);
    let start_leaf = leaf_ms(start_ns);
    let folder = Key::of(folder.iter().copied()).map_err(broken)?;
    let after = is_by_time.then(|| Key::of(folder.as_str().split('/').chain([start_leaf.as_str()])));
    let after = after.transpose().map_err(broken)?;
    let mut found = Vec::new();
    each(store, &Prefix::folder(&folder), after, |key, value| {
        let mut segments = key.as_str().rsplit('/');
        let leaf = segments.next().unwrap_or_default();
        let uid = segments.next().unwrap_or_default();
        if lookup.uid.is_some_and(|wanted| wanted != uid) {
            return Ok(());
        }
        let row: FunctionRow = serde_json::from_slice(value).map_err(broken)?;
        let chunk = leaf.split_once('-').and_then(|(_, chunk)| ChunkId::parse(chunk));
        if let Some(chunk) = chunk.filter(|_| row.max_ns >= start_ns && row.min_ns <= end_ns) {
            found.push((chunk, row));
        }
        Ok(())
    })
    .await?;
    Ok(found)
}

/// False when a chunk surely holds no call of this id.
pub(crate) async fn may_hold(store: &dyn Store, chunk: &ChunkId, id: RequestId) -> Result<bool, StoreError> {
    let key = chunk.ids_key().map_err(broken)?;
    let Some(ids) = store.get(&key).await? else {
        return Ok(false);
    };
    let (ids, _) = ids.value.as_chunks::<4>();
    Ok(ids.binary_search(&fingerprint(id)).is_ok())
}

async fn each(
    store: &dyn Store,
    prefix: &Prefix,
    mut after: Option<Key>,
    mut take: impl FnMut(&Key, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    loop {
        let page = store.list(prefix, after.as_ref(), PAGE).await?;
        for entry in &page.entries {
            take(&entry.key, &entry.doc.value)?;
        }
        after = page.next().cloned();
        if after.is_none() {
            return Ok(());
        }
    }
}

fn fingerprint(id: RequestId) -> [u8; 4] {
    let [a, b, c, d, ..] = *id.0.as_bytes();
    [a, b, c, d]
}

pub(crate) fn nanoseconds(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(if at < Timestamp::UNIX_EPOCH { i64::MIN } else { i64::MAX })
}

/// Milliseconds so that their text sorts as they do: those of this age have thirteen digits.
fn leaf_ms(ns: i64) -> String {
    format!("{:013}", ns.max(0) / 1_000_000)
}

fn put(key: Result<Key, InvalidKey>, value: Vec<u8>) -> Result<Op, StoreError> {
    Ok(Op::Put {
        key: key.map_err(broken)?,
        value: value.into(),
        expect: Expect::Any,
    })
}

fn json(row: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(row).map_err(broken)
}

/// A row that is not one of ours.
fn broken(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Engine(Box::new(error))
}
