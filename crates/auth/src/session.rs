//! Temporary credentials: what a function with a role is handed, and how it is believed later.
//!
//! Nothing is stored. The token says whose they are and until when, under a seal of the root credential; the secret key
//! follows from it. So they stay good over a restart, and end with the root credential, the role, or their time.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::credentials::{Credentials, SecretId};
use crate::digest::{hex, hmac_sha256};
use crate::error::AuthError;
use crate::identity::Session;
use crate::keyring::Keyring;

/// How long temporary credentials are good (CONTRACT 1.3: at most 6 hours).
pub const SESSION_LIFE: SignedDuration = SignedDuration::from_hours(6);
/// Longest token looked at.
const TOKEN_BYTES_MAX: usize = 2048;

/// Temporary credentials as they are handed out.
#[derive(Debug, Clone)]
pub struct Temporary {
    /// Id and key.
    pub credentials: Credentials,
    /// What goes along with them: `X-TC-Token`.
    pub token: String,
}

/// What a token says.
#[derive(Serialize, Deserialize)]
struct Claims {
    secret_id: SecretId,
    role: String,
    function: String,
    until_s: i64,
}

impl Keyring {
    /// Credentials of a role for a function, `namespace/name`, good for six hours from now on.
    pub fn temporary(&self, role: &str, function: &str, now: Timestamp) -> std::io::Result<Temporary> {
        let secret_id = Credentials::random()?.secret_id;
        let claims = Claims {
            secret_id: secret_id.clone(),
            role: role.to_owned(),
            function: function.to_owned(),
            until_s: (now + SESSION_LIFE).as_second(),
        };
        let claims = serde_json::to_vec(&claims)?;
        let seal = self.session_key(b"seal", &claims);
        let token = format!("{}.{}", URL_SAFE_NO_PAD.encode(&claims), URL_SAFE_NO_PAD.encode(seal));
        let secret_key = self.secret_key_of(&claims);
        let secret_key = secret_key.parse().map_err(std::io::Error::other)?;
        Ok(Temporary {
            credentials: Credentials { secret_id, secret_key },
            token,
        })
    }

    /// The credentials a token goes with, and whose they are.
    pub(crate) fn session(
        &self,
        secret_id: &SecretId,
        token: &str,
        now: Timestamp,
    ) -> Result<(Credentials, Session), AuthError> {
        let claims = self.sealed(token).ok_or(AuthError::TokenMismatch)?;
        let secret_key = self.secret_key_of(&claims);
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| AuthError::TokenMismatch)?;
        if claims.secret_id != *secret_id {
            return Err(AuthError::TokenMismatch);
        }
        if now.as_second() > claims.until_s {
            return Err(AuthError::TokenExpired);
        }
        let policy = self.roles().get(&claims.role).cloned();
        let policy = policy.ok_or_else(|| AuthError::RoleGone(claims.role.clone()))?;
        let credentials = Credentials {
            secret_id: claims.secret_id,
            secret_key: secret_key.parse().map_err(|_| AuthError::TokenMismatch)?,
        };
        let session = Session {
            role: claims.role,
            function: claims.function,
            policy,
        };
        Ok((credentials, session))
    }

    /// What a token says, if this server has sealed it.
    fn sealed(&self, token: &str) -> Option<Vec<u8>> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let (claims, seal) = token.split_once('.')?;
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        let seal = URL_SAFE_NO_PAD.decode(seal).ok()?;
        let expected = self.session_key(b"seal", &claims);
        bool::from(expected.ct_eq(&seal)).then_some(claims)
    }

    fn secret_key_of(&self, claims: &[u8]) -> String {
        hex(&self.session_key(b"secret key", claims))
    }

    /// A key of its own for each purpose: none of them tells another.
    fn session_key(&self, purpose: &[u8], claims: &[u8]) -> [u8; 32] {
        let key = hmac_sha256(self.root_key().as_bytes(), b"skiff session");
        hmac_sha256(&hmac_sha256(&key, purpose), claims)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::policy::{Policy, Roles};

    fn keyring() -> Keyring {
        let keyring = Keyring::new(Credentials::new("AKIDlocaltest", "localsecret").unwrap());
        keyring.set_roles(Roles::from([("orders".to_owned(), Arc::new(Policy::default()))]));
        keyring
    }

    #[test]
    fn temporary_credentials_are_good_for_six_hours_also_after_a_restart() {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let temporary = keyring().temporary("orders", "default/hello", now).unwrap();
        let Temporary { credentials, token } = temporary;
        let again = keyring();
        let ask = |at| again.session(&credentials.secret_id, &token, at);
        for hours in [0, 3, 6] {
            let (found, session) = ask(now + SignedDuration::from_hours(hours)).unwrap();
            assert_eq!(found, credentials);
            assert_eq!(
                (session.role.as_str(), session.function.as_str()),
                ("orders", "default/hello")
            );
        }
        let late = now + SESSION_LIFE + SignedDuration::from_secs(1);
        assert_eq!(ask(late).unwrap_err(), AuthError::TokenExpired);
        again.set_roles(Roles::new());
        assert_eq!(ask(now).unwrap_err().code(), "AuthFailure.UnauthorizedOperation");
    }

    #[test]
    fn a_token_that_was_changed_or_goes_with_another_id_or_server_is_refused() {
        let now = Timestamp::UNIX_EPOCH;
        let keyring = keyring();
        let one = keyring.temporary("orders", "default/one", now).unwrap();
        let two = keyring.temporary("orders", "default/two", now).unwrap();
        assert_ne!(one.credentials.secret_key.reveal(), two.credentials.secret_key.reveal());
        let refused = |keyring: &Keyring, id: &SecretId, token: &str| {
            keyring.session(id, token, now).err().map(|error| error.code())
        };
        let failure = Some("AuthFailure.TokenFailure");
        let id = &one.credentials.secret_id;
        assert_eq!(refused(&keyring, id, &one.token), None);
        assert_eq!(refused(&keyring, id, &two.token), failure);
        let (claims, seal) = one.token.split_once('.').unwrap();
        let (other_claims, _) = two.token.split_once('.').unwrap();
        for token in [
            "",
            ".",
            "x.y",
            claims,
            &format!("{other_claims}.{seal}"),
            &"x".repeat(5000),
        ] {
            assert_eq!(refused(&keyring, id, token), failure, "{token}");
        }
        let stranger = Keyring::new(Credentials::new("AKIDlocaltest", "another").unwrap());
        assert_eq!(refused(&stranger, id, &one.token), failure);
    }
}
