//! Starts in flight, each a task of its own: it goes on whether or not anyone still waits for it.

use std::sync::Arc;

use parking_lot::Mutex;
use skiff_domain::{StartError, Version};
use tokio::time::{Instant, timeout};

use super::{Common, Shared, WORKER_GRACE, Warm};
use crate::context::ContextTemplate;
use crate::port::Instances;
use crate::schedule::Start;

/// How many idle instances give way to one start that finds no room.
const EVICTIONS_PER_START_MAX: u32 = 8;

impl<I: Instances> Shared<I> {
    /// Begins a start.
    pub(crate) fn begin(self: &Arc<Self>, start: Start) {
        let shared = Arc::clone(self);
        // From here on the start is accounted for even if its task is never run.
        let pending = PendingStart {
            shared,
            start: Some(start),
        };
        self.tasks.spawn(pending.run());
    }

    /// Starts an instance. When there is no room, those that were idle longest give way.
    async fn start(&self, version: &Arc<Version>) -> Result<Warm<I::Instance>, StartError> {
        let mut evictions = 0;
        loop {
            // What calls need is made while the instance initialises itself, not after.
            let context = async { ContextTemplate::new(version, &self.identity) };
            let (started, context) = tokio::join!(biased; self.instances.start(version), context);
            match started {
                Ok((instance, init)) => {
                    return Ok(Warm {
                        instance,
                        common: Arc::new(Common {
                            context,
                            init: Mutex::new(Some(init)),
                            meter: version.concurrency.is_shared().then(Arc::default),
                        }),
                    });
                }
                Err(StartError::NoRoom(what)) => {
                    let evicted = if evictions < EVICTIONS_PER_START_MAX {
                        self.schedule.lock().evict()
                    } else {
                        None
                    };
                    if evicted.is_none() {
                        if let Some(unsaid) = self.no_room_news.is_due(Instant::now().into_std()) {
                            let function = &version.key;
                            tracing::warn!(%function, unsaid, "no room for another instance, calls end with 449: {what}");
                        }
                        return Err(StartError::NoRoom(what));
                    }
                    drop(evicted);
                    evictions += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// A start in flight. However it ends, a panic and an abort among the ways, the schedule is told once.
struct PendingStart<I: Instances> {
    shared: Arc<Shared<I>>,
    start: Option<Start>,
}

impl<I: Instances> PendingStart<I> {
    async fn run(mut self) {
        let Some(start) = &self.start else { return };
        let version = Arc::clone(&start.version);
        let patience = version.init_timeout + WORKER_GRACE;
        let result = tokio::select! {
            started = timeout(patience, self.shared.start(&version)) => started.unwrap_or_else(|_| {
                Err(StartError::Platform("the start did not end; it is given up".to_owned()))
            }),
            () = self.shared.stop.cancelled() => Err(StartError::Platform("the service is stopping".to_owned())),
        };
        self.settle(result);
    }

    fn settle(&mut self, result: Result<Warm<I::Instance>, StartError>) {
        let Some(start) = self.start.take() else { return };
        let version = Arc::clone(&start.version);
        let now = Instant::now().into_std();
        let actions = match result {
            Ok(warm) => self.shared.schedule.lock().started(start, warm, now),
            Err(error) => {
                if let StartError::Platform(cause) = &error {
                    tracing::error!(function = %version.key, cause, "an instance could not be started");
                }
                self.shared.schedule.lock().start_failed(start, &error, now)
            }
        };
        // First what can wait: whom a task wakes last, tokio has run next, and on the same processor.
        if self.shared.schedule.lock().keeps_ready(&version) {
            self.shared.provision.notify_one();
        }
        for action in actions {
            self.shared.perform(&version, Some(action));
        }
    }
}

impl<I: Instances> Drop for PendingStart<I> {
    fn drop(&mut self) {
        self.settle(Err(StartError::Platform("the start was abandoned".to_owned())));
    }
}
