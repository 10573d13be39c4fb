//! Stops what computes while its instance is idle: an event is paid for, the time between events is not.
//!
//! Freezing costs a fifth of a millisecond at the next call, so only those are frozen that were caught computing.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use skiff_sandbox::Cgroup;

/// Between two looks.
const PERIOD: Duration = Duration::from_millis(500);
/// Processor time an instance may use between two events: enough to finish what the last one began, e.g. to write a
/// file or start a child, and nothing to compute with.
const ALLOWANCE: Duration = Duration::from_millis(500);

/// All instances there are.
#[derive(Debug, Default)]
pub(crate) struct Freezer {
    instances: Mutex<Vec<Weak<Rest>>>,
}

/// Whether one instance is at rest, and frozen.
#[derive(Debug)]
pub(crate) struct Rest {
    cgroup: Arc<Cgroup>,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Busy,
    /// Idle; its processor time at the first look, once there was one.
    Idle(Option<Duration>),
    Frozen,
}

impl Freezer {
    /// Registers an instance that has just been initialised.
    pub(crate) fn register(&self, cgroup: Arc<Cgroup>) -> Arc<Rest> {
        let rest = Arc::new(Rest {
            cgroup,
            state: Mutex::new(State::Idle(None)),
        });
        let mut instances = self.instances.lock();
        instances.retain(|instance| instance.strong_count() > 0);
        instances.push(Arc::downgrade(&rest));
        rest
    }

    /// Looks again and again, for as long as it is polled.
    pub(crate) async fn watch(&self) {
        let mut tick = tokio::time::interval(PERIOD);
        loop {
            tick.tick().await;
            let instances: Vec<_> = self.instances.lock().iter().filter_map(Weak::upgrade).collect();
            instances.iter().for_each(|rest| rest.look());
        }
    }
}

impl Rest {
    /// An event is coming: thaws what is frozen.
    pub(crate) fn end(&self) {
        let mut state = self.state.lock();
        if matches!(*state, State::Frozen)
            && let Err(error) = self.cgroup.thaw()
        {
            // The call will time out, and the instance with it.
            tracing::error!(%error, "an instance could not be thawed");
        }
        *state = State::Busy;
    }

    /// The event is over.
    pub(crate) fn begin(&self) {
        *self.state.lock() = State::Idle(None);
    }

    fn look(&self) {
        let mut state = self.state.lock();
        let State::Idle(before) = *state else { return };
        let now = self.cgroup.usage().cpu;
        let before = before.unwrap_or(now);
        *state = State::Idle(Some(before));
        if now.saturating_sub(before) > ALLOWANCE {
            match self.cgroup.freeze() {
                Ok(()) => *state = State::Frozen,
                Err(error) => tracing::warn!(%error, "an idle instance that computes could not be frozen"),
            }
        }
    }
}
