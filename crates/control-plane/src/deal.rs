//! Deals the account's concurrency out: what is stored, and the clock, become what the invoker keeps to.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use skiff_domain::{Allotment, Provisioned, VersionRef};

use crate::plane::{ControlPlane, Inner};
use crate::state::State;

/// Longest time without a look at the clock, which may jump.
const LOOK_PERIOD: Duration = Duration::from_secs(60);

impl ControlPlane {
    /// Has timed actions take place when they are due. Run it beside serving; it never ends.
    ///
    /// # Cancel safety
    /// Dropping the future leaves everything as it is.
    pub async fn keep_time(&self) {
        let inner = &self.inner;
        loop {
            inner.deal();
            let now = (inner.now)();
            let state = inner.state.load_full();
            let provisions = state.functions().flat_map(|function| function.provisions.values());
            let next = provisions.filter_map(|provision| provision.next(now)).min();
            let wait = next.map_or(LOOK_PERIOD, |next| {
                let wait = Duration::try_from(next.duration_since(now)).unwrap_or_default();
                wait.min(LOOK_PERIOD)
            });
            // What is due changes with what is stored.
            let _ = tokio::time::timeout(wait, inner.changed.notified()).await;
        }
    }
}

impl Inner {
    /// Hands out what is right now, and says which stem cells are needed, where it is not what was handed out last. Call it after every change: whoever
    /// comes last hands out the newest.
    pub(crate) fn deal(&self) {
        let mut dealt = self.dealt.lock();
        let now = allotment(&self.state.load(), (self.now)());
        if now != **dealt {
            *dealt = Arc::new(now);
            self.allot.allot(&dealt);
        }
        drop(dealt);
        let mut used = self.used.lock();
        let now = self
            .state
            .load()
            .versions()
            .map(|version| version.stem_kind())
            .collect();
        if now != *used {
            *used = now;
            self.pools.keep(&used);
        }
    }
}

fn allotment(state: &State, now: Timestamp) -> Allotment {
    let reserved = state.functions().filter_map(|function| {
        let reserved_mb = function.reserved_mb?;
        Some((function.uid.clone(), reserved_mb))
    });
    let provisioned = state.functions().flat_map(|function| {
        let table = state.table(&function.key);
        let provisions = function.provisions.iter();
        provisions.filter_map(move |(number, provision)| {
            Some(Provisioned {
                version: Arc::clone(table?.version(VersionRef::Number(*number))?),
                capacity: provision.capacity(now),
            })
        })
    });
    let mut provisioned: Vec<_> = provisioned.collect();
    provisioned.sort_by(|a, b| {
        let place = |one: &Provisioned| (one.version.uid.clone(), one.version.label.clone());
        place(a).cmp(&place(b))
    });
    Allotment {
        account_mb: state.account().concurrency_mb,
        reserved_mb: reserved.collect(),
        provisioned,
    }
}
