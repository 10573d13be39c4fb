//! Finds records: among the unsealed first, then in the chunks the index names, and orders them.
//!
//! Two passes. The first looks at every record's head and remembers where the best ones are; the second copies those
//! of the page. So a search holds heads of at most [`REACH_MAX`] records, a few chunks, and one page of texts.

mod best;
mod filter;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt};
use skiff_domain::AttemptRecord;
use skiff_store::{NodeId, Store};

use super::error::QueryError;
use super::frame::{Frames, MAGIC};
use super::index::{self, ChunkId, FunctionRow, Lookup, nanoseconds};
use super::query::{LogPage, LogQuery, Order, OrderBy, REACH_MAX};
use super::segment::Segment;
use super::shelf::Unsealed;
use best::{Best, Found, Hit};
use filter::Filter;

/// Chunks looked at side by side.
const WIDTH: usize = 2;
/// Sources kept unpacked between the passes.
const KEPT_MAX: usize = 4;
/// Bytes of the texts of a page: what a client can be expected to take at once.
const PAGE_BYTES_MAX: usize = 16 << 20;

/// What a search looks into.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) unsealed: Unsealed,
    pub(crate) blobs: Arc<dyn ObjectStore>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) node: NodeId,
}

/// Where records are.
#[derive(Debug, Clone)]
enum Source {
    Active(Vec<Bytes>),
    Closed(Segment),
    Chunk(ChunkId),
}

/// A chunk that may hold what is sought.
#[derive(Debug)]
struct Candidate {
    chunk: ChunkId,
    rows: Vec<FunctionRow>,
    min_ns: i64,
    max_ns: i64,
}

impl Search {
    pub(crate) async fn run(mut self, query: &LogQuery) -> Result<LogPage, QueryError> {
        let reach = query
            .offset
            .checked_add(query.limit)
            .filter(|reach| *reach <= REACH_MAX);
        let reach = reach.ok_or(QueryError::TooFar)? as usize;
        let filter = Arc::new(Filter::new(query));
        let mut pass = Pass {
            best: Best::new(query, if query.limit == 0 { 0 } else { reach }),
            sources: Vec::new(),
            kept: Vec::new(),
            total: 0,
        };
        let candidates = self.candidates(query).await?;
        let closed = std::mem::take(&mut self.unsealed.closed);
        let active = std::mem::take(&mut self.unsealed.active);
        let unsealed = closed.into_iter().map(Source::Closed).chain([Source::Active(active)]);
        self.look(&mut pass, &filter, unsealed.collect()).await?;
        self.look_sealed(&mut pass, query, &filter, candidates).await?;
        self.page(pass, query.offset as usize).await
    }

    /// The chunks to look into, those first whose records come first.
    async fn candidates(&self, query: &LogQuery) -> Result<Vec<Candidate>, QueryError> {
        let lookup = Lookup {
            namespace: &query.namespace,
            name: query.function.as_ref().map(|name| name.as_str()),
            uid: query.uid.as_ref().map(|uid| uid.as_str()),
            start: query.start,
            end: query.end,
        };
        let rows = index::find(&*self.store, &lookup).await.map_err(QueryError::Store)?;
        let mut chunks: BTreeMap<ChunkId, Candidate> = BTreeMap::new();
        for (chunk, row) in rows {
            if chunk.node == self.node && self.unsealed.holds(chunk.seq) {
                continue;
            }
            let candidate = chunks.entry(chunk.clone()).or_insert(Candidate {
                chunk,
                rows: Vec::new(),
                min_ns: row.min_ns,
                max_ns: row.max_ns,
            });
            candidate.min_ns = candidate.min_ns.min(row.min_ns);
            candidate.max_ns = candidate.max_ns.max(row.max_ns);
            candidate.rows.push(row);
        }
        let mut candidates: Vec<Candidate> = chunks.into_values().collect();
        match query.order {
            Order::Asc => candidates.sort_by_key(|candidate| candidate.min_ns),
            Order::Desc => candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.max_ns)),
        }
        Ok(candidates)
    }

    async fn look_sealed(
        &self,
        pass: &mut Pass,
        query: &LogQuery,
        filter: &Arc<Filter>,
        candidates: Vec<Candidate>,
    ) -> Result<(), QueryError> {
        let mut next = Vec::new();
        for candidate in candidates {
            if let Some(id) = query.request_id {
                let may_hold = index::may_hold(&*self.store, &candidate.chunk, id).await;
                if !may_hold.map_err(QueryError::Store)? {
                    continue;
                }
            }
            // Those looked at before may already fill the page with better ones.
            match candidate.count(query) {
                Some(count) if candidate.is_behind(query, &mut pass.best) => pass.total += count,
                _ => next.push(Source::Chunk(candidate.chunk)),
            }
            if next.len() == WIDTH {
                self.look(pass, filter, std::mem::take(&mut next)).await?;
            }
        }
        self.look(pass, filter, next).await
    }

    /// The first pass over some sources, side by side.
    async fn look(&self, pass: &mut Pass, filter: &Arc<Filter>, sources: Vec<Source>) -> Result<(), QueryError> {
        let first = pass.sources.len();
        let looks = sources.iter().enumerate().map(|(n, source)| {
            let (mut best, filter) = (pass.best.empty(), Arc::clone(filter));
            async move {
                let Some(bodies) = self.load(source).await? else {
                    return Ok(None);
                };
                let scan = move || {
                    let mut total = 0;
                    for (body, bytes) in bodies.iter().enumerate() {
                        for (at, view) in Frames::from(bytes, 0).filter(|(_, view)| filter.holds(view)) {
                            total += 1;
                            best.add(
                                &view,
                                Found {
                                    source: first + n,
                                    body,
                                    at,
                                },
                            );
                        }
                    }
                    (bodies, best, total)
                };
                let scanned = tokio::task::spawn_blocking(scan).await;
                scanned
                    .map(Some)
                    .map_err(|error| QueryError::Io(io::Error::other(error)))
            }
        });
        let looked = futures::future::try_join_all(looks).await?;
        for (n, (bodies, best, total)) in looked.into_iter().enumerate().filter_map(|(n, look)| Some((n, look?))) {
            if pass.kept.len() < KEPT_MAX && total > 0 {
                pass.kept.push((first + n, bodies));
            }
            pass.best.merge(best);
            pass.total += total;
        }
        pass.sources.extend(sources);
        Ok(())
    }

    /// The frames of a source, in one or several pieces. `None` when retention has removed it meanwhile, or when it is
    /// damaged: what is whole elsewhere is found all the same.
    async fn load(&self, source: &Source) -> Result<Option<Vec<Bytes>>, QueryError> {
        let segment = match source {
            Source::Active(bodies) => return Ok(Some(bodies.clone())),
            Source::Closed(segment) => {
                let segment = segment.clone();
                let read = tokio::task::spawn_blocking(move || segment.read()).await;
                read.map_err(io::Error::other).flatten().map_err(QueryError::Io)?
            }
            Source::Chunk(chunk) => {
                let packed = match self.blobs.get(&chunk.path()).await {
                    Err(object_store::Error::NotFound { .. }) => return Ok(None),
                    found => found
                        .map_err(QueryError::Blob)?
                        .bytes()
                        .await
                        .map_err(QueryError::Blob)?,
                };
                let unpack = move || zstd::stream::decode_all(&*packed).map(Bytes::from);
                let unpacked = tokio::task::spawn_blocking(unpack)
                    .await
                    .map_err(io::Error::other)
                    .flatten();
                match unpacked {
                    Ok(bytes) if bytes.starts_with(MAGIC) => bytes,
                    damaged => {
                        let error = damaged.err();
                        tracing::error!(%chunk, ?error, "a chunk of the logs is damaged; its records are left out");
                        return Ok(None);
                    }
                }
            }
        };
        Ok(Some(vec![segment.slice(MAGIC.len()..)]))
    }

    /// The second pass: the records of the page.
    async fn page(&self, mut pass: Pass, offset: usize) -> Result<LogPage, QueryError> {
        let total = pass.total;
        let mut room = PAGE_BYTES_MAX;
        let mut hits: Vec<Hit> = pass.best.into_sorted().into_iter().skip(offset).collect();
        let fitting = hits.iter().take_while(|hit| {
            let fits = hit.text_bytes <= room;
            room = room.saturating_sub(hit.text_bytes);
            fits
        });
        // One record always fits, however long its log.
        let fitting = fitting.count().max(1);
        hits.truncate(fitting);
        let mut records: Vec<Option<AttemptRecord>> = vec![None; hits.len()];
        let mut places: BTreeMap<usize, Vec<(usize, Found)>> = BTreeMap::new();
        for (n, hit) in hits.iter().enumerate() {
            places.entry(hit.found.source).or_default().push((n, hit.found));
        }
        for (source, places) in places {
            let kept = pass.kept.iter().position(|(kept, _)| *kept == source);
            let bodies = match kept {
                Some(kept) => pass.kept.swap_remove(kept).1,
                None => self.load(&pass.sources[source]).await?.unwrap_or_default(),
            };
            for (n, found) in places {
                let body = bodies.get(found.body);
                let view = body.and_then(|body| Frames::from(body, found.at).next());
                records[n] = view.and_then(|(_, view)| view.to_record());
            }
        }
        Ok(LogPage {
            total,
            records: records.into_iter().flatten().collect(),
        })
    }
}

/// The state of the first pass.
#[derive(Debug)]
struct Pass {
    best: Best,
    sources: Vec<Source>,
    kept: Vec<(usize, Vec<Bytes>)>,
    total: u64,
}

impl Candidate {
    /// How many of its records match, when the index alone can tell.
    fn count(&self, query: &LogQuery) -> Option<u64> {
        let is_counted = query.qualifier.is_none() && query.request_id.is_none() && query.keyword.is_none();
        let is_inside = query.start.is_none_or(|start| nanoseconds(start) <= self.min_ns)
            && query.end.is_none_or(|end| nanoseconds(end) >= self.max_ns);
        let classes = query
            .outcome
            .map_or(&[0, 1, 2, 3, 4][..], super::query::Outcome::classes);
        let counted = |row: &FunctionRow| classes.iter().map(|class| row.counts[*class]).sum::<u64>();
        (is_counted && is_inside).then(|| self.rows.iter().map(counted).sum())
    }

    /// True when none of its records can come into the page.
    fn is_behind(&self, query: &LogQuery, best: &mut Best) -> bool {
        if query.limit == 0 {
            return true;
        }
        if query.order_by != OrderBy::StartTime {
            return false;
        }
        best.last_ns().is_some_and(|last_ns| match query.order {
            Order::Asc => self.min_ns > last_ns,
            Order::Desc => self.max_ns < last_ns,
        })
    }
}
