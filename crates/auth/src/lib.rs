//! Who is calling: credentials and the TC3-HMAC-SHA256 and v1 signatures (CONTRACT 2.2 to 2.4).
//!
//! Owns what a valid signature is, for the one that checks it and the one that makes it. Reads no clock: `now` comes
//! in as an argument. Invariant: a secret key is never shown, not in an error, a log or a `Debug` text.
//!
//! **Replays.** A v1 signature carries a nonce, and the same one is not taken twice. A TC3 signature carries none and
//! has a resolution of one second, so a replay inside 300 s cannot be told from a client that sends the same request
//! again in the same second: it is taken, as by the service this one is compatible with. Outside it is
//! `AuthFailure.SignatureExpire`. What official clients do not sign, the action above all, a replay cannot change: a
//! signature is taken with what it came with in its first 5 s, and with nothing else after them.

mod basic;
mod credentials;
mod digest;
mod error;
mod identity;
mod keyring;
mod link;
mod nonces;
mod policy;
mod request;
mod session;
mod tc3;
mod uses;
mod v1;

pub use basic::verify_basic;
pub use credentials::{CredentialFileError, Credentials, InvalidCredential, Loaded, SecretId, SecretKey};
pub use digest::{BodyHash, BodyHasher};
pub use error::AuthError;
pub use identity::{Identity, Session};
pub use keyring::Keyring;
pub use policy::{Grant, Pattern, Policy, Roles};
pub use request::{SignedRequest, verify, verify_head};
pub use session::{SESSION_LIFE, Temporary};
pub use tc3::{ToSign, UNSIGNED_PAYLOAD, sign_tc3};

/// How far a request's timestamp may be from the server's clock, in seconds (CONTRACT 2.1).
pub const CLOCK_SKEW_S_MAX: i64 = 300;
