//! What calls used, summed by function and minute until the keeper writes it down.
//!
//! The sums belong to a place in the local log: they count every record up to it since the last place written down.
//! The place is committed together with the sums, so that a killed process counts again exactly what was not.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use skiff_domain::{FunctionKey, FunctionUid, Qualifier, StatusCode};
use skiff_store::{Bucket, Epoch, NodeId, OPS_MAX, UsageCounts, UsageRow};

use super::frame::View;

/// Rows of one commit, which has one more operation for the place.
const ROWS_MAX: usize = OPS_MAX - 1;

/// A place in the local log: behind this many bytes of this segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

/// How far the meter was written down: a document of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Metered {
    pub(crate) place: Place,
    /// The number of the next row.
    pub(crate) next_row: u64,
}

/// The sums, shared by the writer and the keeper.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter(Arc<Mutex<Sums>>);

/// Sums up to a place.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    rows: HashMap<(FunctionUid, Qualifier, i64), (FunctionKey, UsageCounts)>,
    pub(crate) place: Place,
}

impl Meter {
    /// Nothing counted behind this place yet.
    pub(crate) fn from(place: Place) -> Self {
        let sums = Sums {
            place,
            ..Sums::default()
        };
        Self(Arc::new(Mutex::new(sums)))
    }

    /// Counts some records, up to this place.
    pub(crate) fn add<'a>(&self, records: impl Iterator<Item = View<'a>>, place: Place) {
        let mut sums = self.0.lock();
        for record in records {
            sums.add(&record);
        }
        sums.place = place;
    }

    /// Takes what was counted.
    pub(crate) fn take(&self) -> Sums {
        let mut sums = self.0.lock();
        let rows = std::mem::take(&mut sums.rows);
        Sums {
            rows,
            place: sums.place,
        }
    }
}

impl Sums {
    fn add(&mut self, record: &View<'_>) {
        let (Ok(uid), Ok(label), Some(key)) = (record.uid.parse(), record.label.parse(), record.key()) else {
            return;
        };
        let ended_at = record
            .started_at
            .saturating_add(record.duration)
            .unwrap_or(Timestamp::MAX);
        let minute_s = Bucket::Minute.floor_s(ended_at.as_second(), 0);
        let row = self.rows.entry((uid, label, minute_s));
        row.or_insert((key, UsageCounts::default())).1.add(&counts(record));
        // Only a store that is away for hours lets so many rows wait. The bill stays right, its minutes become hours
        // and then days.
        for bucket in [Bucket::Hour, Bucket::Day] {
            if self.rows.len() > ROWS_MAX {
                self.coarsen(bucket);
            }
        }
    }

    fn coarsen(&mut self, bucket: Bucket) {
        for ((uid, label, minute_s), (key, counts)) in std::mem::take(&mut self.rows) {
            let row = self.rows.entry((uid, label, bucket.floor_s(minute_s, 0)));
            row.or_insert((key, UsageCounts::default())).1.add(&counts);
        }
    }

    /// The rows to be committed and the number of the row after them.
    pub(crate) fn rows(self, node: &NodeId, first: u64) -> (Vec<UsageRow>, u64) {
        let row = |(seq, ((uid, label, minute_s), (key, counts)))| UsageRow {
            node: node.clone(),
            epoch: Epoch(0),
            seq,
            minute: Timestamp::from_second(minute_s).unwrap_or(Timestamp::UNIX_EPOCH),
            uid,
            key,
            label,
            counts,
        };
        let rows: Vec<UsageRow> = (first..).zip(self.rows).map(row).collect();
        let next = first + rows.len() as u64;
        (rows, next)
    }
}

/// What one attempt counts for. Throttled ones did not run: they are counted apart and not billed (CONTRACT 6).
pub(crate) fn counts(record: &View<'_>) -> UsageCounts {
    if is_throttle(record.status) {
        return UsageCounts {
            throttles: 1,
            ..UsageCounts::default()
        };
    }
    UsageCounts {
        invocations: 1,
        errors: u64::from(record.status != StatusCode::Success),
        throttles: 0,
        cold_starts: u64::from(record.cold_start),
        duration_us: u64::try_from(record.duration.as_micros()).unwrap_or(u64::MAX),
        billed_ms: record.billed_ms,
        mb_ms: u64::from(record.memory_mb).saturating_mul(record.billed_ms),
        egress_bytes: 0,
        memory_peak_bytes: record.memory_peak_bytes,
    }
}

/// True when a quota refused the attempt.
pub(crate) fn is_throttle(status: StatusCode) -> bool {
    matches!(status, StatusCode::ConcurrencyExceeded | StatusCode::ScaleUpLimit)
}
