//! Which calls are new since the last look.
//!
//! A record appears when its call ends, under the time the call began: a call that ran for minutes appears behind newer
//! ones. So every look goes back as far as a call can last, and what was shown is remembered for as long.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use skiff_domain::limits::{INIT_TIMEOUT_S_MAX, TIMEOUT_S_MAX};

use super::window::windows;
use super::{Page, REACH};
use crate::error::CliError;

/// Longest life of a call: waiting for an instance, its initialisation, its run.
const LOOK_BACK: SignedDuration = SignedDuration::from_secs(2 * INIT_TIMEOUT_S_MAX as i64 + TIMEOUT_S_MAX as i64);
/// A look ends at the first page without news, except every so many looks, when it reads the whole window.
const FULL_EVERY: u32 = 10;

/// What was shown, and from when on calls are of interest.
pub(super) struct Follow {
    /// What is older was shown or was not asked for.
    from: Timestamp,
    /// Shown calls, with the look that saw them last.
    seen: HashMap<String, u32>,
    looks: u32,
}

impl Follow {
    /// Begins now.
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            from: now.saturating_sub(LOOK_BACK).unwrap_or(now),
            seen: HashMap::new(),
            looks: 0,
        }
    }

    /// A call met elsewhere is no news.
    pub(super) fn remember(&mut self, call: &Value) {
        self.seen.insert(key(call), self.looks);
    }

    /// Calls not met before, oldest first. `page` gives a page of a window, newest first.
    pub(super) fn news(
        &mut self,
        now: Timestamp,
        page: impl Fn((Timestamp, Timestamp), usize) -> Result<Page, CliError>,
    ) -> Result<Vec<Value>, CliError> {
        self.looks += 1;
        self.from = now
            .saturating_sub(LOOK_BACK)
            .map_or(self.from, |from| from.max(self.from));
        let full = self.looks.is_multiple_of(FULL_EVERY);
        let mut news = Vec::new();
        for window in windows(self.from, now) {
            let mut offset = 0;
            while offset < REACH {
                let page = page(window, offset)?;
                let next = page.next(offset);
                let before = news.len();
                for call in page.calls {
                    // Being met again keeps a call remembered.
                    if self.seen.insert(key(&call), self.looks).is_none() {
                        news.push(call);
                    }
                }
                match next {
                    Some(next) if full || news.len() > before => offset = next,
                    _ => break,
                }
            }
        }
        if full {
            // A full look has met every call still in the window.
            self.seen.retain(|_, look| *look == self.looks);
        }
        news.reverse();
        Ok(news)
    }
}

fn key(call: &Value) -> String {
    format!(
        "{}/{}",
        call["RequestId"].as_str().unwrap_or_default(),
        call["RetryNum"]
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::PAGE;
    use super::*;

    /// A log that grows: calls by number, newest first, in one window.
    fn look(follow: &mut Follow, now: Timestamp, calls: &[u32]) -> Vec<u64> {
        look_by(PAGE, follow, now, calls)
    }

    /// The same, from a server of which no more than so many calls fit into a page.
    fn look_by(fitting: usize, follow: &mut Follow, now: Timestamp, calls: &[u32]) -> Vec<u64> {
        let log: Vec<Value> = calls
            .iter()
            .map(|id| json!({"RequestId": id.to_string(), "RetryNum": 0}))
            .collect();
        let news = follow
            .news(now, |_, offset| {
                Ok(Page {
                    calls: log.iter().skip(offset).take(fitting).cloned().collect(),
                    total: log.len(),
                })
            })
            .expect("no error");
        news.iter()
            .filter_map(|call| call["RequestId"].as_str()?.parse().ok())
            .collect()
    }

    #[test]
    fn every_call_is_shown_once_also_one_that_ends_behind_newer_ones() {
        let now = Timestamp::now();
        let mut follow = Follow::new(now);
        assert_eq!(look(&mut follow, now, &[2, 1]), [1, 2]);
        assert_eq!(look(&mut follow, now, &[3, 2, 1]), [3]);
        assert_eq!(look(&mut follow, now, &[3, 2, 9, 1]), [9], "ended late");
        for _ in 0..25 {
            assert!(look(&mut follow, now, &[3, 2, 9, 1]).is_empty());
        }
    }

    #[test]
    fn pages_cut_short_by_long_logs_are_not_the_last_ones() {
        let now = Timestamp::now();
        let mut follow = Follow::new(now);
        let calls: Vec<u32> = (1..=240).rev().collect();
        assert_eq!(look_by(16, &mut follow, now, &calls).len(), 240);
    }

    #[test]
    fn a_late_call_behind_a_full_page_of_old_ones_is_found_by_the_full_look() {
        let now = Timestamp::now();
        let mut follow = Follow::new(now);
        let old: Vec<u32> = (1000..1250).rev().collect();
        assert_eq!(look(&mut follow, now, &old).len(), 250);
        let late: Vec<u32> = old.iter().copied().chain([7]).collect();
        let found: Vec<u64> = (0..FULL_EVERY).flat_map(|_| look(&mut follow, now, &late)).collect();
        assert_eq!(found, [7]);
    }
}
