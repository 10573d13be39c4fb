//! The v1 nonces of the last minutes: each is taken once.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;

use crate::CLOCK_SKEW_S_MAX;
use crate::error::AuthError;

/// Nonces remembered at once: 300 a second over the whole window, and about 16 MB.
const REMEMBERED_MAX: usize = 200_000;
/// Longest nonce taken, in bytes. Clients send up to 20 digits.
const NONCE_BYTES_MAX: usize = 64;
/// How often those that are too old to be replayed are forgotten.
const SWEEP: Duration = Duration::from_secs(10);

/// Nonces seen and until when each could be replayed.
#[derive(Debug, Default)]
pub(crate) struct Nonces(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    until_s: HashMap<Box<str>, i64>,
    swept_at_s: i64,
}

impl Nonces {
    /// Takes a nonce signed at `signed_at` s, or refuses it because it was taken before.
    pub(crate) fn spend(&self, nonce: &str, signed_at_s: i64, now_s: i64) -> Result<(), AuthError> {
        if nonce.len() > NONCE_BYTES_MAX {
            return Err(AuthError::InvalidAuthorization(
                "the Nonce is longer than 64 characters",
            ));
        }
        let mut seen = self.0.lock();
        if now_s - seen.swept_at_s >= SWEEP.as_secs().cast_signed() || seen.until_s.len() >= REMEMBERED_MAX {
            seen.until_s.retain(|_, until_s| *until_s >= now_s);
            seen.swept_at_s = now_s;
        }
        if seen.until_s.contains_key(nonce) {
            return Err(AuthError::Replayed);
        }
        if seen.until_s.len() >= REMEMBERED_MAX {
            return Err(AuthError::TooManyNonces);
        }
        seen.until_s.insert(nonce.into(), signed_at_s + CLOCK_SKEW_S_MAX);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_taken_once_while_its_signature_is_valid() {
        let nonces = Nonces::default();
        assert_eq!(nonces.spend("11886", 1000, 1000), Ok(()));
        assert_eq!(nonces.spend("11886", 1000, 1001), Err(AuthError::Replayed));
        assert_eq!(nonces.spend("11886", 1000, 1300), Err(AuthError::Replayed));
        assert_eq!(nonces.spend("11887", 1000, 1300), Ok(()));
        assert_eq!(
            nonces.spend("11886", 1311, 1311),
            Ok(()),
            "a request that old is refused by its timestamp"
        );
    }

    #[test]
    fn memory_is_bounded_and_full_means_refused() {
        let nonces = Nonces::default();
        for nonce in 0..REMEMBERED_MAX {
            nonces.spend(&nonce.to_string(), 1000, 1000).unwrap();
        }
        assert_eq!(nonces.spend("one more", 1000, 1000), Err(AuthError::TooManyNonces));
        assert_eq!(nonces.spend("one more", 1301, 1301), Ok(()), "old ones make room");
        assert!(nonces.spend(&"9".repeat(65), 1301, 1301).is_err());
    }
}
