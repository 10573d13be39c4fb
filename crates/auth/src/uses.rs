//! What each TC3 signature came with, of that which it does not cover: official clients do not sign the action.
//!
//! Requests with the same body that a client signs in one second have one signature, whatever their actions, so that
//! one signature with several actions is no replay as long as they come together. Later it is.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

use parking_lot::Mutex;

use crate::CLOCK_SKEW_S_MAX;
use crate::error::AuthError;

/// Within this time of its first use a signature is taken with anything: its second, and what one request may take
/// longer on its way than another.
const TOGETHER_S_MAX: i64 = 5;
/// A signature from a clock that is ahead is valid for this long from its first use on.
const REMEMBERED_S: i64 = 2 * CLOCK_SKEW_S_MAX;
/// Entries of one generation, about 9 MB: 250,000 requests that differ. Beyond two of them the oldest are forgotten,
/// because to refuse every caller would be worse than to take a replay.
const ENTRIES_MAX: usize = 500_000;

/// Signatures seen, and what with.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    hasher: RandomState,
    seen: Mutex<Seen>,
}

/// When each hash was first seen, in two generations: the older goes when the younger has become old, or full.
#[derive(Debug, Default)]
struct Seen {
    current: HashMap<u64, i64>,
    previous: HashMap<u64, i64>,
    began_s: i64,
}

impl Uses {
    /// Takes a valid signature with what it came with, or refuses it because it came with something else before.
    pub(crate) fn take(&self, signature: &str, with: impl Hash, now_s: i64) -> Result<(), AuthError> {
        let this_use = self.hasher.hash_one((signature, with));
        let signature = self.hasher.hash_one(signature);
        let mut seen = self.seen.lock();
        seen.turn(now_s);
        if seen.first_s(this_use).is_some() {
            return Ok(());
        }
        match seen.first_s(signature) {
            Some(first_s) if now_s - first_s > TOGETHER_S_MAX => return Err(AuthError::OtherUse),
            Some(_) => {}
            None => {
                seen.current.insert(signature, now_s);
            }
        }
        seen.current.insert(this_use, now_s);
        Ok(())
    }
}

impl Seen {
    fn first_s(&self, hash: u64) -> Option<i64> {
        self.current.get(&hash).or_else(|| self.previous.get(&hash)).copied()
    }

    fn turn(&mut self, now_s: i64) {
        if now_s - self.began_s >= REMEMBERED_S || self.current.len() >= ENTRIES_MAX {
            self.previous = std::mem::take(&mut self.current);
            self.began_s = now_s;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_taken_with_several_actions_together_and_later_with_those_alone() {
        let uses = Uses::default();
        for (now_s, signature, action, expected) in [
            (1000, "a", "GetFunction", Ok(())),
            (1005, "a", "ListFunctions", Ok(())),
            (1006, "a", "DeleteFunction", Err(AuthError::OtherUse)),
            (1006, "a", "ListFunctions", Ok(())),
            (1599, "a", "GetFunction", Ok(())),
            (1599, "a", "DeleteFunction", Err(AuthError::OtherUse)),
            (1600, "b", "DeleteFunction", Ok(())),
            // As long as it can be valid, also behind a turn of the generations.
            (1600, "a", "DeleteFunction", Err(AuthError::OtherUse)),
        ] {
            assert_eq!(
                uses.take(signature, action, now_s),
                expected,
                "{signature} {action} at {now_s}"
            );
        }
    }

    #[test]
    fn memory_of_uses_is_bounded_and_the_oldest_are_forgotten() {
        let uses = Uses::default();
        assert_eq!(uses.take("first", "GetFunction", 1000), Ok(()));
        for number in 0..ENTRIES_MAX {
            assert_eq!(uses.take(&number.to_string(), "Invoke", 1000), Ok(()));
        }
        let seen = uses.seen.lock();
        assert!(seen.current.len() + seen.previous.len() <= 2 * ENTRIES_MAX);
        drop(seen);
        assert_eq!(uses.take("first", "DeleteFunction", 1100), Ok(()));
    }
}
