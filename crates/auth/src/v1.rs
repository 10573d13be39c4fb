//! The v1 signature, `HmacSHA1` or `HmacSHA256` over all parameters (CONTRACT 2.3).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use subtle::ConstantTimeEq;

use crate::digest::{hmac_sha1, hmac_sha256};
use crate::error::AuthError;
use crate::identity::Identity;
use crate::keyring::Keyring;
use crate::request::{SignedRequest, check_skew, hosts};

/// The parameter the signature itself is in; not part of what is signed.
const SIGNATURE: &str = "Signature";

/// Says who signed this request. A request without any of the parameters is not signed at all.
pub(crate) fn verify(request: &SignedRequest<'_>, keyring: &Keyring, now: Timestamp) -> Result<Identity, AuthError> {
    let parameter = |wanted: &str| {
        request
            .parameters
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.as_str())
    };
    if parameter(SIGNATURE).is_none() && parameter("SecretId").is_none() {
        return Err(AuthError::NotSigned);
    }
    let required = |name: &'static str| parameter(name).ok_or(AuthError::Missing(name));
    let given = required(SIGNATURE)?;
    let secret_id = required("SecretId")?;
    let nonce = required("Nonce")?;
    let signed_at_s: i64 = required("Timestamp")?
        .parse()
        .map_err(|_| AuthError::InvalidTimestamp("Timestamp"))?;
    check_skew(signed_at_s, now)?;
    let method = Method::of(parameter("SignatureMethod"))?;
    let found = keyring.find(secret_id, parameter("Token"), now)?;

    let given = STANDARD.decode(given).map_err(|_| AuthError::SignatureMismatch)?;
    let key = found.credentials.secret_key.reveal().as_bytes();
    let parameters = sorted(request.parameters);
    let matches = |host: &str| {
        let text = format!("{}{host}{}?{parameters}", request.method, request.path);
        bool::from(method.sign(key, text.as_bytes()).ct_eq(&given))
    };
    if !hosts(request.headers)?.into_iter().any(matches) {
        return Err(AuthError::SignatureMismatch);
    }
    keyring.spend(nonce, signed_at_s, now)?;
    Ok(found.identity())
}

/// `k=v&…` by name, values as they are, `_` in names as `.`.
fn sorted(parameters: &[(String, String)]) -> String {
    let mut parameters: Vec<_> = parameters.iter().filter(|(name, _)| name != SIGNATURE).collect();
    parameters.sort();
    let pairs: Vec<String> = parameters
        .into_iter()
        .map(|(name, value)| format!("{}={value}", name.replace('_', ".")))
        .collect();
    pairs.join("&")
}

#[derive(Debug, Clone, Copy)]
enum Method {
    HmacSha1,
    HmacSha256,
}

impl Method {
    fn of(name: Option<&str>) -> Result<Self, AuthError> {
        match name {
            None | Some("HmacSHA1") => Ok(Self::HmacSha1),
            Some("HmacSHA256") => Ok(Self::HmacSha256),
            Some(_) => Err(AuthError::InvalidAuthorization(
                "SignatureMethod is HmacSHA1 or HmacSHA256",
            )),
        }
    }

    fn sign(self, key: &[u8], text: &[u8]) -> Vec<u8> {
        match self {
            Self::HmacSha1 => hmac_sha1(key, text).to_vec(),
            Self::HmacSha256 => hmac_sha256(key, text).to_vec(),
        }
    }
}

#[cfg(test)]
mod tests;
