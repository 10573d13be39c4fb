//! News that come by the thousand and are told now and then.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Lets one of many through in each period, and counts the others.
#[derive(Debug)]
pub(crate) struct Seldom {
    period: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    told: Option<Instant>,
    unsaid: u64,
}

impl Seldom {
    pub(crate) fn new(period: Duration) -> Self {
        Self {
            period,
            state: Mutex::default(),
        }
    }

    /// How many were held back since the last that was told, when this one is to be told.
    pub(crate) fn is_due(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock();
        let is_due = state.told.is_none_or(|told| now.duration_since(told) >= self.period);
        if is_due {
            state.told = Some(now);
            return Some(std::mem::take(&mut state.unsaid));
        }
        state.unsaid += 1;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_period_is_told_with_the_number_of_those_before() {
        let seldom = Seldom::new(Duration::from_secs(10));
        let start = Instant::now();
        let told: Vec<_> = [0, 1, 9, 10, 19, 40]
            .map(|second| seldom.is_due(start + Duration::from_secs(second)))
            .to_vec();
        assert_eq!(told, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
