//! Whole calls over fake instances, in paused time.

mod calls;
mod lives;
mod provisioned;
mod shared;
mod stops;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use skiff_domain::{AttemptRecord, StatusCode};
use tokio::task::JoinHandle;

use super::*;
use crate::fakes::{FakeInstances, FakeState, Plan, Recorded, identity, invocation, version};

/// An invoker with everything around it.
struct World {
    instances: Arc<FakeInstances>,
    recorded: Arc<Recorded>,
    invoker: Arc<Invoker<FakeInstances>>,
    version: Arc<Version>,
}

impl World {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let instances = Arc::new(FakeInstances::default());
        let recorded = Arc::new(Recorded::default());
        let recorder = Arc::clone(&recorded) as Arc<dyn Recorder>;
        let invoker = Invoker::new(Arc::clone(&instances), recorder, limits, identity());
        Self {
            instances,
            recorded,
            invoker: Arc::new(invoker),
            version: Arc::new(version("hello")),
        }
    }

    fn plan(self, plans: impl IntoIterator<Item = Plan>) -> Self {
        self.instances.plans.lock().extend(plans);
        self
    }

    fn state(&self) -> &FakeState {
        &self.instances.state
    }

    /// Runs one call to its end.
    async fn call(&self, event: &str) -> Outcome {
        self.invoker.invoke(invocation(&self.version, event)).await
    }

    /// Begins a call and lets it come to its first wait.
    async fn begin(&self, event: &str) -> JoinHandle<Outcome> {
        let invoker = Arc::clone(&self.invoker);
        let invocation = invocation(&self.version, event);
        let call = tokio::spawn(async move { invoker.invoke(invocation).await });
        settle().await;
        call
    }

    /// `running waiting idle` of the version, `0 0 0` when it is not known.
    fn load(&self) -> (u32, u32, u32) {
        let load = self.invoker.load();
        let of_version = load
            .iter()
            .find(|load| Arc::ptr_eq(&load.version, &self.version) || *load.version == *self.version);
        of_version.map_or((0, 0, 0), |load| (load.running, load.waiting, load.idle))
    }

    fn records(&self) -> Vec<AttemptRecord> {
        self.recorded.0.lock().clone()
    }

    fn statuses(&self) -> Vec<u16> {
        self.records().iter().map(|record| record.status.code()).collect()
    }
}

/// Lets every task that can go on go on. Time stands still.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
