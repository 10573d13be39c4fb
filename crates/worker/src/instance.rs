//! One initialised instance, in one of the two ways there are.

use std::sync::Arc;

use skiff_domain::{AttemptReport, Call, InstanceConcurrency};
use skiff_invoker::{Instance, Visit};
use tokio_util::task::TaskTracker;

use crate::alone::Alone;
use crate::freezer::Rest;
use crate::nursery::StemCell;
use crate::together::Handle;

/// A handle at an instance of one version. Dropping the last one kills what runs inside.
#[derive(Debug)]
pub struct WorkerInstance(Way);

#[derive(Debug)]
enum Way {
    /// One event at a time, by whoever holds it.
    Alone(Box<Alone>),
    /// Several, by a task of its own.
    Together(Handle),
}

impl WorkerInstance {
    /// An instance out of a stem cell that has taken its code.
    pub(crate) fn new(cell: StemCell, rest: Arc<Rest>, concurrency: InstanceConcurrency, tasks: &TaskTracker) -> Self {
        Self(if concurrency.is_shared() {
            Way::Together(Handle::open(cell, rest, tasks))
        } else {
            Way::Alone(Box::new(Alone::new(cell, rest)))
        })
    }

    async fn run(&mut self, call: Call, visit: Option<Visit>) -> AttemptReport {
        match &mut self.0 {
            Way::Alone(alone) => alone.run(call, visit).await,
            Way::Together(handle) => handle.run(call, visit).await,
        }
    }
}

impl Instance for WorkerInstance {
    async fn invoke(&mut self, call: Call) -> AttemptReport {
        self.run(call, None).await
    }

    async fn visit(&mut self, call: Call, visit: Visit) -> AttemptReport {
        self.run(call, Some(visit)).await
    }

    fn share(&self) -> Self {
        match &self.0 {
            Way::Alone(_) => unreachable!("only an instance that takes several events at once is shared"),
            Way::Together(handle) => Self(Way::Together(handle.clone())),
        }
    }

    fn is_alive(&self) -> bool {
        match &self.0 {
            Way::Alone(alone) => alone.is_alive(),
            Way::Together(handle) => handle.is_alive(),
        }
    }
}
