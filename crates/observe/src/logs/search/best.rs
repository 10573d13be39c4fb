//! The first so many records of an order, and where they are.

use std::cmp::Ordering;

use skiff_domain::RequestId;

use crate::logs::frame::View;
use crate::logs::index::nanoseconds;
use crate::logs::query::{LogQuery, Order, OrderBy};

/// Where a record is: which source, which piece of it, and where in there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) source: usize,
    pub(crate) body: usize,
    pub(crate) at: usize,
}

/// What a record is ordered by first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Number(u128),
    Text(Box<str>),
}

/// A record that may come into the page.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    rank: Rank,
    started_ns: i64,
    id: RequestId,
    retry_num: u32,
    pub(crate) text_bytes: usize,
    pub(crate) found: Found,
}

/// Keeps the first `reach` of all that are added.
#[derive(Debug)]
pub(crate) struct Best {
    order_by: OrderBy,
    order: Order,
    reach: usize,
    hits: Vec<Hit>,
    is_sorted: bool,
}

impl Best {
    pub(crate) fn new(query: &LogQuery, reach: usize) -> Self {
        Self {
            order_by: query.order_by,
            order: query.order,
            reach,
            hits: Vec::new(),
            is_sorted: true,
        }
    }

    /// Another one for the same question, with nothing in it.
    pub(crate) fn empty(&self) -> Self {
        Self {
            hits: Vec::new(),
            is_sorted: true,
            ..*self
        }
    }

    pub(crate) fn add(&mut self, record: &View<'_>, found: Found) {
        let rank = match self.order_by {
            OrderBy::FunctionName => Rank::Text(record.name.into()),
            OrderBy::Duration => Rank::Number(record.duration.as_nanos()),
            OrderBy::MemUsage => Rank::Number(record.memory_peak_bytes.into()),
            OrderBy::StartTime => Rank::Number(0),
        };
        self.push(Hit {
            rank,
            started_ns: nanoseconds(record.started_at),
            id: record.request_id,
            retry_num: record.retry_num,
            text_bytes: record.text_bytes(),
            found,
        });
    }

    pub(crate) fn merge(&mut self, other: Self) {
        other.hits.into_iter().for_each(|hit| self.push(hit));
    }

    /// The hits in order.
    pub(crate) fn into_sorted(mut self) -> Vec<Hit> {
        self.settle();
        self.hits
    }

    /// When the last of a full page was accepted; `None` while it is not full.
    pub(crate) fn last_ns(&mut self) -> Option<i64> {
        self.settle();
        self.hits
            .last()
            .filter(|_| self.hits.len() == self.reach)
            .map(|hit| hit.started_ns)
    }

    fn push(&mut self, hit: Hit) {
        if self.reach == 0 {
            return;
        }
        self.hits.push(hit);
        self.is_sorted = false;
        // Seldom enough to be cheap, often enough to stay small.
        if self.hits.len() >= self.reach * 2 + 64 {
            self.settle();
        }
    }

    fn settle(&mut self) {
        if !self.is_sorted {
            let order = self.order;
            self.hits.sort_by(|a, b| match order {
                Order::Asc => a.compare(b),
                Order::Desc => b.compare(a),
            });
            self.hits.truncate(self.reach);
            self.is_sorted = true;
        }
    }
}

impl Hit {
    fn compare(&self, other: &Self) -> Ordering {
        let key = |hit: &Self| (hit.started_ns, hit.id, hit.retry_num);
        self.rank.cmp(&other.rank).then_with(|| key(self).cmp(&key(other)))
    }
}
