//! The meter: what functions used, minute by minute, and sums of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use skiff_domain::{FunctionKey, FunctionUid, NamespaceName, Qualifier};

use crate::key::NodeId;
use crate::op::Epoch;

/// Largest count of a row: 2^53, which every engine sums without overflow and every JSON reader takes exactly.
pub const COUNT_MAX: u64 = 1 << 53;

/// What was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UsageCounts {
    /// Attempts that ran or were to run. Throttled ones are not among them.
    pub invocations: u64,
    /// Of those, the ones that did not end well.
    pub errors: u64,
    /// Attempts refused by a concurrency quota.
    pub throttles: u64,
    /// Attempts an instance had to be started for.
    pub cold_starts: u64,
    /// Run time, in microseconds.
    pub duration_us: u64,
    /// Billed time, in milliseconds.
    pub billed_ms: u64,
    /// Resource use: memory limit in MB times billed milliseconds. GB-seconds are this by 1024 000.
    pub mb_ms: u64,
    /// Bytes sent to the outside.
    pub egress_bytes: u64,
    /// The highest peak of memory, in bytes. The one count that is not a sum.
    pub memory_peak_bytes: u64,
}

impl UsageCounts {
    /// Adds another's counts to this one's, up to [`COUNT_MAX`].
    pub fn add(&mut self, other: &Self) {
        let add = |to: &mut u64, more: u64| *to = to.saturating_add(more).min(COUNT_MAX);
        add(&mut self.invocations, other.invocations);
        add(&mut self.errors, other.errors);
        add(&mut self.throttles, other.throttles);
        add(&mut self.cold_starts, other.cold_starts);
        add(&mut self.duration_us, other.duration_us);
        add(&mut self.billed_ms, other.billed_ms);
        add(&mut self.mb_ms, other.mb_ms);
        add(&mut self.egress_bytes, other.egress_bytes);
        self.memory_peak_bytes = self.memory_peak_bytes.max(other.memory_peak_bytes);
    }

    /// The largest of them.
    #[must_use]
    pub fn max(&self) -> u64 {
        let sums = [
            self.invocations,
            self.errors,
            self.throttles,
            self.cold_starts,
            self.duration_us,
            self.billed_ms,
            self.mb_ms,
            self.egress_bytes,
        ];
        sums.into_iter().fold(self.memory_peak_bytes, u64::max)
    }

    /// Resource use in GB-seconds, as bills show it (CONTRACT 6).
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a bill's figure is rounded far above 2^-52")]
    pub fn gb_seconds(&self) -> f64 {
        self.mb_ms as f64 / 1_024_000.0
    }
}

/// What one version of a function used in one minute, as far as one node saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// Who counted.
    pub node: NodeId,
    /// The counter's incarnation.
    pub epoch: Epoch,
    /// The row's number there. `(node, epoch, seq)` is written once.
    pub seq: u64,
    /// The minute's beginning.
    pub minute: Timestamp,
    /// The function.
    pub uid: FunctionUid,
    /// Its name.
    pub key: FunctionKey,
    /// The version.
    pub label: Qualifier,
    /// What was used.
    pub counts: UsageCounts,
}

/// How the time of a sum is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// By minutes: for alarms and graphs.
    Minute,
    /// By hours: what a bill adds up.
    Hour,
    /// By days of UTC+8, as bills have them.
    Day,
    /// One sum for the whole time.
    Whole,
}

impl Bucket {
    /// The beginning of the piece this time lies in, in seconds of the Unix epoch; `start` for [`Bucket::Whole`].
    #[must_use]
    pub fn floor_s(self, at_s: i64, start_s: i64) -> i64 {
        const UTC8_S: i64 = 8 * 3600;
        match self {
            Self::Minute => at_s - at_s.rem_euclid(60),
            Self::Hour => at_s - at_s.rem_euclid(3600),
            Self::Day => at_s - (at_s + UTC8_S).rem_euclid(86_400),
            Self::Whole => start_s,
        }
    }
}

/// Whose sums are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageBy {
    /// One sum for all.
    Total,
    /// One for each function.
    Function,
}

/// A question to the meter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageQuery {
    /// From this minute.
    pub start: Timestamp,
    /// Up to this minute, which is not included.
    pub end: Timestamp,
    /// Only this function.
    pub uid: Option<FunctionUid>,
    /// Only functions of this namespace.
    pub namespace: Option<NamespaceName>,
    /// How time is cut.
    pub bucket: Bucket,
    /// Whose sums are kept apart.
    pub by: UsageBy,
}

/// A sum over a piece of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageSum {
    /// When the piece begins; the query's start for [`Bucket::Whole`].
    pub start: Timestamp,
    /// The function and its name, for [`UsageBy::Function`].
    pub function: Option<(FunctionUid, FunctionKey)>,
    /// The sum.
    pub counts: UsageCounts,
}
