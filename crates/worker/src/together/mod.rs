//! An instance that runs several events at once. A task of its own, the [host](host), owns what runs inside; those who
//! hold a handle hand it their calls.
//!
//! What one call does is its own affair as far as it can be told apart: its answer, its time, its fault. What is everybody's
//! ends all of them: the process's end, its memory, an answer to what nobody asked.

mod calls;
mod host;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use skiff_domain::{AttemptReport, Call, InstanceConcurrency};
use skiff_invoker::Visit;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::answer;
use crate::freezer::Rest;
use crate::nursery::StemCell;
use host::Host;

/// One holder's share of an instance. Cheap to clone; when the last one is dropped the instance ends.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    orders: mpsc::Sender<Order>,
    service: Arc<Service>,
}

/// A call on its way to the host.
#[derive(Debug)]
struct Order {
    call: Call,
    visit: Option<Visit>,
    begun: Instant,
    report: oneshot::Sender<AttemptReport>,
}

/// Whether an instance is in service.
#[derive(Debug)]
struct Service {
    open: AtomicBool,
    /// Told when a caller has given up.
    given_up: Notify,
}

impl Service {
    fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// No further call is to be offered.
    fn close(&self) {
        self.open.store(false, Ordering::Release);
    }
}

/// A caller that waits for its report. Dropped without one it gives its call up, which nothing can take back: the instance
/// goes out of service.
struct Waiting<'a> {
    report: oneshot::Receiver<AttemptReport>,
    service: &'a Service,
    over: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.report.close();
            self.service.close();
            self.service.given_up.notify_one();
        }
    }
}

impl Handle {
    /// Puts an instance into service, out of a stem cell that has taken its code.
    pub(crate) fn open(cell: StemCell, rest: Arc<Rest>, tasks: &TaskTracker) -> Self {
        let (orders, arrivals) = mpsc::channel(InstanceConcurrency::MAX as usize);
        let service = Arc::new(Service {
            open: AtomicBool::new(true),
            given_up: Notify::new(),
        });
        tasks.spawn(Host::new(cell, rest, arrivals, Arc::clone(&service)).serve());
        Self { orders, service }
    }

    /// Runs one event, or lets somebody in.
    ///
    /// # Cancel safety
    /// Dropping the future gives this call up: the instance takes no further one, and ends after its others.
    pub(crate) async fn run(&self, call: Call, visit: Option<Visit>) -> AttemptReport {
        let (report, reported) = oneshot::channel();
        let order = Order {
            call,
            visit,
            begun: Instant::now(),
            report,
        };
        if let Err(mpsc::error::SendError(order)) = self.orders.send(order).await {
            return answer::dead_already(order.call.event, order.visit.as_ref());
        }
        let mut waiting = Waiting {
            report: reported,
            service: &self.service,
            over: false,
        };
        let report = (&mut waiting.report).await;
        waiting.over = true;
        report.unwrap_or_else(|_| answer::lost())
    }

    /// False once it is out of service.
    pub(crate) fn is_alive(&self) -> bool {
        self.service.is_open()
    }
}
