//! HTTP Basic with the secret id and key, for direct invocation by tools that cannot sign.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use subtle::ConstantTimeEq;

use crate::error::AuthError;
use crate::identity::Identity;
use crate::keyring::Keyring;

const INVALID_FORM: AuthError = AuthError::InvalidAuthorization("write Basic and base64 of <SecretId>:<SecretKey>");

/// Says who sent this `Authorization: Basic …` header. The key itself travels in it: loopback or TLS only.
/// A temporary credential comes with its token beside it.
pub fn verify_basic(
    authorization: &str,
    token: Option<&str>,
    keyring: &Keyring,
    now: Timestamp,
) -> Result<Identity, AuthError> {
    let (scheme, encoded) = authorization.trim().split_once(' ').ok_or(INVALID_FORM)?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return Err(INVALID_FORM);
    }
    let decoded = STANDARD.decode(encoded.trim()).map_err(|_| INVALID_FORM)?;
    let text = str::from_utf8(&decoded).map_err(|_| INVALID_FORM)?;
    let (secret_id, secret_key) = text.split_once(':').ok_or(INVALID_FORM)?;
    let found = keyring.find(secret_id, token, now)?;
    if bool::from(
        found
            .credentials
            .secret_key
            .reveal()
            .as_bytes()
            .ct_eq(secret_key.as_bytes()),
    ) {
        return Ok(found.identity());
    }
    Err(AuthError::WrongKey)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Credentials;

    #[test]
    fn only_the_right_pair_is_believed() {
        let keyring = Keyring::new(Credentials::new("AKIDlocaltest", "localsecret").unwrap());
        let now = Timestamp::UNIX_EPOCH;
        let check = |pair: &str| verify_basic(&format!("Basic {}", STANDARD.encode(pair)), None, &keyring, now);
        assert!(check("AKIDlocaltest:localsecret").is_ok());
        for (pair, code) in [
            ("AKIDlocaltest:localsecreT", "AuthFailure.SignatureFailure"),
            ("AKIDlocaltest:", "AuthFailure.SignatureFailure"),
            ("AKIDother:localsecret", "AuthFailure.SecretIdNotFound"),
            (":localsecret", "AuthFailure.InvalidSecretId"),
            ("AKIDlocaltest", "AuthFailure.InvalidAuthorization"),
        ] {
            assert_eq!(check(pair).unwrap_err().code(), code, "{pair}");
        }
        for header in ["", "Basic", "Basic %%%", "Bearer QUJD", "Basic /w=="] {
            assert_eq!(
                verify_basic(header, None, &keyring, now).unwrap_err().code(),
                "AuthFailure.InvalidAuthorization"
            );
        }
    }
}
