//! Links to packages, as GetFunctionAddress and GetLayerVersion answer them.

use jiff::{SignedDuration, Timestamp};
use skiff_domain::CodeDigest;

use super::Call;
use crate::download::path;

/// How long a link is good.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(10);

/// A link to a package, at the address the caller reached this server by.
pub(super) fn link(call: &Call<'_>, code: &CodeDigest) -> String {
    let path = path(code);
    let until = Timestamp::now() + GOOD_FOR;
    let signature = call.context.keyring.sign_link(&path, until);
    format!(
        "{}{path}?expires={}&signature={signature}",
        call.origin,
        until.as_second()
    )
}
