//! What is running now, as metrics: read when they are asked for, so nothing has to be kept in step.

use std::fmt;
use std::sync::{Arc, Weak};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use skiff_invoker::{FunctionLoad, Invoke};
use skiff_observe::Metrics;
use skiff_worker::Worker;

/// Shows the load among the metrics. The invoker records into these metrics, so it is held weakly here.
pub(super) fn register(metrics: &Metrics, invoker: &Arc<dyn Invoke>, worker: Worker) {
    let gauges = Gauges {
        invoker: Arc::downgrade(invoker),
        worker,
    };
    metrics.register(|registry| registry.register_collector(Box::new(gauges)));
}

struct Gauges {
    invoker: Weak<dyn Invoke>,
    worker: Worker,
}

impl fmt::Debug for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gauges").finish_non_exhaustive()
    }
}

/// A gauge per function.
type OfFunction = (&'static str, &'static str, fn(&FunctionLoad) -> u32);

const OF_FUNCTIONS: [OfFunction; 6] = [
    ("calls_running", "Calls accepted and not yet answered", |load| {
        load.running
    }),
    ("calls_waiting", "Of those, calls waiting for an instance", |load| {
        load.waiting
    }),
    ("instances_busy", "Instances that run calls", |load| load.busy),
    ("instances_idle", "Initialised instances with nothing to do", |load| {
        load.idle
    }),
    ("instances_provisioned", "Instances that are to be kept ready", |load| {
        load.provisioned
    }),
    ("instances_provisioned_ready", "Of those, the ones there are", |load| {
        load.ready
    }),
];

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let worker = self.worker.status();
        let sandboxes =
            encoder.encode_descriptor("sandboxes", "Sandboxes alive or ready to be", None, MetricType::Gauge)?;
        gauge(worker.sandboxes, sandboxes)?;
        let mut cells =
            encoder.encode_descriptor("stem_cells", "Stem cells ready for code", None, MetricType::Gauge)?;
        for runtime in &worker.runtimes {
            let labels = [("runtime", runtime.name.as_str())];
            gauge(
                u32::try_from(runtime.stem_cells).unwrap_or(u32::MAX),
                cells.encode_family(&labels)?,
            )?;
        }
        let Some(invoker) = self.invoker.upgrade() else {
            return Ok(());
        };
        let loads = invoker.load();
        for (name, help, value) in OF_FUNCTIONS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for load in &loads {
                let key = &load.version.key;
                let labels = [
                    ("namespace", key.namespace.as_str()),
                    ("function", key.name.as_str()),
                    ("version", load.version.label.as_str()),
                    ("revision", &load.version.revision.0.to_string()),
                ];
                gauge(value(load), family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

fn gauge(value: u32, encoder: MetricEncoder<'_>) -> fmt::Result {
    ConstGauge::new(i64::from(value)).encode(encoder)
}
