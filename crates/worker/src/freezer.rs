//! Stops what computes while its instance is idle: an event is paid for, the time between events is not.
//!
//! Freezing costs a fifth of a millisecond at the next call, so only those are frozen that were caught computing.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use skiff_sandbox::Cgroup;

/// Between two looks.
const PERIOD: Duration = Duration::from_millis(500);
/// Processor time an instance may use between events in all its life: enough to finish what one began, e.g. to write a
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
struct State {
    phase: Phase,
    /// Processor time used between events so far, as far as it was seen. Past the allowance the instance is frozen
    /// whenever it is idle, for the rest of its life.
    used: Duration,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Busy,
    /// Idle; its processor time at the last look, once there was one.
    Idle(Option<Duration>),
    Frozen,
}

impl Freezer {
    /// Registers an instance that has just been initialised.
    pub(crate) fn register(&self, cgroup: Arc<Cgroup>) -> Arc<Rest> {
        let rest = Arc::new(Rest {
            cgroup,
            state: Mutex::new(State {
                phase: Phase::Idle(None),
                used: Duration::ZERO,
            }),
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
        match state.phase {
            Phase::Frozen => {
                if let Err(error) = self.cgroup.thaw() {
                    // The call will time out, and the instance with it.
                    tracing::error!(%error, "an instance could not be thawed");
                }
            }
            // Calls that come often must not hide what happens between them.
            Phase::Idle(Some(before)) => state.used += self.cgroup.cpu().saturating_sub(before),
            Phase::Idle(None) | Phase::Busy => {}
        }
        state.phase = Phase::Busy;
    }

    /// The event is over.
    pub(crate) fn begin(&self) {
        let mut state = self.state.lock();
        state.phase = Phase::Idle(None);
        self.freeze_a_thief(&mut state);
    }

    fn look(&self) {
        let mut state = self.state.lock();
        let Phase::Idle(before) = state.phase else { return };
        let now = self.cgroup.cpu();
        state.used += now.saturating_sub(before.unwrap_or(now));
        state.phase = Phase::Idle(Some(now));
        self.freeze_a_thief(&mut state);
    }

    fn freeze_a_thief(&self, state: &mut State) {
        if state.used <= ALLOWANCE {
            return;
        }
        match self.cgroup.freeze() {
            Ok(()) => state.phase = Phase::Frozen,
            Err(error) => tracing::warn!(%error, "an idle instance that computes could not be frozen"),
        }
    }
}
