//! Signed links: a path that who has the link may get until a moment, without a credential.

use jiff::Timestamp;
use subtle::ConstantTimeEq;

use crate::digest::{hex, hmac_sha256};
use crate::keyring::Keyring;

impl Keyring {
    /// The signature of a link to this path that is good until then. It stays valid over a restart.
    #[must_use]
    pub fn sign_link(&self, path: &str, until: Timestamp) -> String {
        self.link_signature(path, until.as_second())
    }

    /// Whether this is the signature of a link to this path that is still good.
    #[must_use]
    pub fn verify_link(&self, path: &str, until_s: i64, signature: &str, now: Timestamp) -> bool {
        let expected = self.link_signature(path, until_s);
        now.as_second() <= until_s && bool::from(expected.as_bytes().ct_eq(signature.as_bytes()))
    }

    fn link_signature(&self, path: &str, until_s: i64) -> String {
        // A key of its own: what signs links signs nothing else, whatever they say.
        let key = hmac_sha256(self.root_key().as_bytes(), b"skiff link");
        hex(&hmac_sha256(&key, format!("{path}\n{until_s}").as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Credentials;

    #[test]
    fn a_link_is_good_for_its_path_and_until_its_end() {
        let keyring = |key: &str| Keyring::new(Credentials::new("AKIDlocaltest", key).expect("valid"));
        let at = |second| Timestamp::from_second(second).expect("a time");
        let mine = keyring("localsecret");
        let signature = mine.sign_link("/packages/a", at(1000));
        let check = |path, until, signature: &str, now| mine.verify_link(path, until, signature, at(now));
        assert!(check("/packages/a", 1000, &signature, 1000));
        assert!(!check("/packages/a", 1000, &signature, 1001), "it has ended");
        assert!(!check("/packages/a", 2000, &signature, 1000), "its end was changed");
        assert!(!check("/packages/b", 1000, &signature, 1000), "its path was changed");
        assert!(!check("/packages/a", 1000, "", 1000), "it is not signed");
        assert!(!keyring("other").verify_link("/packages/a", 1000, &signature, at(1000)));
    }
}
