//! Counters per function, for Prometheus.
//!
//! Owns which series there are. A series begins with a function's first attempt and ends with the function: the client
//! library never forgets one by itself. No series has a label of which there is one per call.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use skiff_domain::{AttemptRecord, FunctionKey, FunctionUid, StatusCode};

use crate::logs::Dropped;
use crate::logs::is_throttle;
use crate::nameless::nameless;

/// Run times in seconds, from a warm call to the longest allowed.
const DURATION_BUCKETS_S: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0, 60.0, 300.0,
];
/// Peaks of memory in bytes, at the limits users choose.
const MEMORY_BUCKETS: [f64; 8] = [16e6, 32e6, 64e6, 128e6, 256e6, 512e6, 1024e6, 2048e6];
/// Deleted functions remembered: calls that were running end within the longest time limit.
const FORGOTTEN_MAX: usize = 1024;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FunctionLabels {
    namespace: String,
    function: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ErrorLabels {
    namespace: String,
    function: String,
    status: u16,
}

/// What was counted of one function since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// The function.
    pub key: FunctionKey,
    /// Attempts that ran or were to run.
    pub invocations: u64,
    /// Of those, the ones that did not end well.
    pub errors: u64,
    /// Attempts refused by a concurrency quota.
    pub throttles: u64,
    /// Attempts an instance was started for.
    pub cold_starts: u64,
    /// Billed time.
    pub billed_ms: u64,
}

/// The metrics' handle. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Mutex<Registry>,
    families: Families,
    functions: RwLock<Functions>,
    dropped: Dropped,
}

#[derive(Debug)]
struct Families {
    invocations: Family<FunctionLabels, Counter>,
    errors: Family<ErrorLabels, Counter>,
    throttles: Family<FunctionLabels, Counter>,
    cold_starts: Family<FunctionLabels, Counter>,
    billed_ms: Family<FunctionLabels, Counter>,
    duration: Family<FunctionLabels, Histogram, fn() -> Histogram>,
    memory_peak: Family<FunctionLabels, Histogram, fn() -> Histogram>,
}

/// Which functions have series.
#[derive(Debug, Default)]
struct Functions {
    series: HashMap<FunctionUid, Arc<Series>>,
    forgotten: VecDeque<FunctionUid>,
}

/// One function's series, found once and then only added to.
#[derive(Debug)]
struct Series {
    key: FunctionKey,
    invocations: Counter,
    throttles: Counter,
    cold_starts: Counter,
    billed_ms: Counter,
    duration: Histogram,
    memory_peak: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// No series yet.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("skiff");
        let dropped = Dropped::default();
        registry.register(
            "log_records_dropped",
            "Attempts whose record was not kept: more came than could be written",
            dropped.records.clone(),
        );
        registry.register(
            "log_texts_dropped",
            "Attempts whose log and result were not kept: more came than could be written",
            dropped.texts.clone(),
        );
        Self(Arc::new(Inner {
            families: Families::register(&mut registry),
            registry: Mutex::new(registry),
            functions: RwLock::default(),
            dropped,
        }))
    }

    /// Counts an attempt.
    pub fn observe(&self, record: &AttemptRecord) {
        let Some(series) = self.series(record) else { return };
        if is_throttle(record.status) {
            series.throttles.inc();
            return;
        }
        series.invocations.inc();
        series.billed_ms.inc_by(record.billed_ms);
        series.cold_starts.inc_by(u64::from(record.cold_start));
        series.duration.observe(record.duration.as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "no machine has 2^53 bytes of memory")]
        series.memory_peak.observe(record.memory_peak_bytes as f64);
        if record.status != StatusCode::Success {
            self.0
                .families
                .errors
                .get_or_create(&error_labels(&record.key, record.status))
                .inc();
        }
    }

    /// Removes a deleted function's series. What still comes of it is not counted.
    pub fn forget(&self, uid: &FunctionUid) {
        let mut functions = self.0.functions.write();
        if functions.forgotten.len() == FORGOTTEN_MAX {
            functions.forgotten.pop_front();
        }
        functions.forgotten.push_back(uid.clone());
        let Some(series) = functions.series.remove(uid) else {
            return;
        };
        // A new function of the same name has taken the series over.
        if functions.series.values().all(|other| other.key != series.key) {
            self.0.families.remove(&series.key);
        }
    }

    /// What was counted of every function that has series, by name.
    #[must_use]
    pub fn counts(&self) -> Vec<Counts> {
        let errors = |key: &FunctionKey| {
            let of_status = |status| {
                self.0
                    .families
                    .errors
                    .get(&error_labels(key, status))
                    .map_or(0, |count| count.get())
            };
            StatusCode::ALL.into_iter().map(of_status).sum()
        };
        let functions = self.0.functions.read();
        let mut counts: Vec<Counts> = functions
            .series
            .values()
            .map(|series| Counts {
                key: series.key.clone(),
                invocations: series.invocations.get(),
                errors: errors(&series.key),
                throttles: series.throttles.get(),
                cold_starts: series.cold_starts.get(),
                billed_ms: series.billed_ms.get(),
            })
            .collect();
        // A function deleted and made again has one set of series for both of its lives.
        counts.sort_by(|one, other| one.key.cmp(&other.key));
        counts.dedup_by(|one, other| one.key == other.key);
        counts
    }

    /// Lets another part register metrics of its own, below the same prefix.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.0.registry.lock());
    }

    /// All of it in the OpenMetrics text format.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut to = String::new();
        // Writing to a string does not fail; what another part registered may.
        if let Err(error) = text::encode(&mut to, &self.0.registry.lock()) {
            tracing::error!(%error, "metrics could not be written");
        }
        to
    }

    /// The same without the names of functions: what differs in nothing else is added up.
    #[must_use]
    pub fn encode_nameless(&self) -> String {
        nameless(&self.encode())
    }

    /// Where records that are not kept are counted.
    pub(crate) fn dropped(&self) -> &Dropped {
        &self.0.dropped
    }

    fn series(&self, record: &AttemptRecord) -> Option<Arc<Series>> {
        if let Some(series) = self.0.functions.read().series.get(&record.uid) {
            return Some(Arc::clone(series));
        }
        let mut functions = self.0.functions.write();
        if functions.forgotten.contains(&record.uid) {
            return None;
        }
        let series = functions.series.entry(record.uid.clone());
        Some(Arc::clone(
            series.or_insert_with(|| Arc::new(self.0.families.series(&record.key))),
        ))
    }
}

impl Families {
    fn register(registry: &mut Registry) -> Self {
        let families = Self {
            invocations: Family::default(),
            errors: Family::default(),
            throttles: Family::default(),
            cold_starts: Family::default(),
            billed_ms: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS_S)),
            memory_peak: Family::new_with_constructor(|| Histogram::new(MEMORY_BUCKETS)),
        };
        registry.register(
            "invocations",
            "Attempts that ran or were to run",
            families.invocations.clone(),
        );
        registry.register(
            "errors",
            "Attempts that did not end well, by status code",
            families.errors.clone(),
        );
        registry.register(
            "throttles",
            "Attempts refused by a concurrency quota",
            families.throttles.clone(),
        );
        registry.register(
            "cold_starts",
            "Attempts an instance was started for",
            families.cold_starts.clone(),
        );
        registry.register("billed_milliseconds", "Billed time", families.billed_ms.clone());
        let seconds = "Run time of the handler";
        registry.register_with_unit("duration", seconds, Unit::Seconds, families.duration.clone());
        let bytes = "Peak memory of the instance";
        registry.register_with_unit("memory_peak", bytes, Unit::Bytes, families.memory_peak.clone());
        families
    }

    fn series(&self, key: &FunctionKey) -> Series {
        let labels = labels(key);
        Series {
            key: key.clone(),
            invocations: self.invocations.get_or_create_owned(&labels),
            throttles: self.throttles.get_or_create_owned(&labels),
            cold_starts: self.cold_starts.get_or_create_owned(&labels),
            billed_ms: self.billed_ms.get_or_create_owned(&labels),
            duration: self.duration.get_or_create_owned(&labels),
            memory_peak: self.memory_peak.get_or_create_owned(&labels),
        }
    }

    fn remove(&self, key: &FunctionKey) {
        let labels = labels(key);
        self.invocations.remove(&labels);
        self.throttles.remove(&labels);
        self.cold_starts.remove(&labels);
        self.billed_ms.remove(&labels);
        self.duration.remove(&labels);
        self.memory_peak.remove(&labels);
        for status in StatusCode::ALL {
            self.errors.remove(&error_labels(key, status));
        }
    }
}

fn labels(key: &FunctionKey) -> FunctionLabels {
    FunctionLabels {
        namespace: key.namespace.to_string(),
        function: key.name.to_string(),
    }
}

fn error_labels(key: &FunctionKey, status: StatusCode) -> ErrorLabels {
    ErrorLabels {
        namespace: key.namespace.to_string(),
        function: key.name.to_string(),
        status: status.code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::fixtures::record;

    fn has(metrics: &Metrics, line: &str) -> bool {
        metrics.encode().lines().any(|found| found == line)
    }

    #[test]
    fn counts_are_what_was_observed() {
        let metrics = Metrics::new();
        (0..6).for_each(|n| metrics.observe(&record(n)));
        let counts = metrics.counts();
        assert_eq!(
            counts.iter().map(|count| count.invocations).collect::<Vec<_>>(),
            [2, 2, 2]
        );
        assert_eq!(counts.iter().map(|count| count.errors).collect::<Vec<_>>(), [1, 1, 1]);
    }

    #[test]
    fn attempts_are_counted_by_function_and_status() {
        let metrics = Metrics::new();
        // Of six records functions 0, 1 and 2 have two each; 0 and 5 raised, 1 was out of time.
        (0..6).for_each(|n| metrics.observe(&record(n)));
        let throttled = AttemptRecord {
            status: StatusCode::ConcurrencyExceeded,
            ..record(0)
        };
        metrics.observe(&throttled);
        for line in [
            r#"skiff_invocations_total{namespace="default",function="fn-0"} 2"#,
            r#"skiff_errors_total{namespace="default",function="fn-0",status="430"} 1"#,
            r#"skiff_errors_total{namespace="default",function="fn-1",status="433"} 1"#,
            r#"skiff_errors_total{namespace="default",function="fn-2",status="430"} 1"#,
            r#"skiff_throttles_total{namespace="default",function="fn-0"} 1"#,
            r#"skiff_cold_starts_total{namespace="default",function="fn-0"} 1"#,
            r#"skiff_duration_seconds_count{namespace="default",function="fn-1"} 2"#,
            r#"skiff_memory_peak_bytes_count{namespace="default",function="fn-2"} 2"#,
            "skiff_log_records_dropped_total 0",
            "# EOF",
        ] {
            assert!(has(&metrics, line), "{line} in {}", metrics.encode());
        }
        assert!(!metrics.encode().contains(&record(1).request_id.to_string()));
    }

    #[test]
    fn a_deleted_function_leaves_no_series() {
        let metrics = Metrics::new();
        (0..6).for_each(|n| metrics.observe(&record(n)));
        metrics.forget(&record(0).uid);
        metrics.observe(&record(0));
        let text = metrics.encode();
        assert!(!text.contains("fn-0"), "{text}");
        assert!(text.contains("fn-1"));
        // A new function of the same name begins at zero, and is not hit when its forerunner is forgotten late.
        let successor = AttemptRecord {
            uid: FunctionUid::from_random([9; 5]),
            ..record(1)
        };
        metrics.observe(&successor);
        metrics.forget(&record(1).uid);
        assert!(
            metrics
                .encode()
                .contains(r#"invocations_total{namespace="default",function="fn-1"}"#)
        );
        metrics.forget(&successor.uid);
        assert!(!metrics.encode().contains("fn-1"));
    }

    #[test]
    fn other_parts_register_theirs() {
        let metrics = Metrics::new();
        let requests = Counter::<u64>::default();
        metrics.register(|registry| registry.register("requests", "Requests", requests.clone()));
        requests.inc();
        assert!(has(&metrics, "skiff_requests_total 1"));
    }
}
