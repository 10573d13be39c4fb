//! Deals the account's concurrency out: what is stored becomes what the invoker keeps to.

use std::sync::Arc;

use skiff_domain::Allotment;

use crate::plane::Inner;
use crate::state::State;

impl Inner {
    /// Hands out what is right now, where it is not what was handed out last. Call it after every change: whoever
    /// comes last hands out the newest.
    pub(crate) fn deal(&self) {
        let mut dealt = self.dealt.lock();
        let now = allotment(&self.state.load());
        if now != **dealt {
            *dealt = Arc::new(now);
            self.allot.allot(&dealt);
        }
    }
}

fn allotment(state: &State) -> Allotment {
    let reserved = state.functions().filter_map(|function| {
        let reserved_mb = function.reserved_mb?;
        Some((function.uid.clone(), reserved_mb))
    });
    Allotment {
        account_mb: state.account().concurrency_mb,
        reserved_mb: reserved.collect(),
    }
}
