//! TC3-HMAC-SHA256 as CONTRACT 2.2 states it, written from the contract and not from the product.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The `Authorization` value of a JSON POST to `/` of `host` at `timestamp` (unix seconds).
pub fn tc3(secret_id: &str, secret_key: &str, host: &str, timestamp: i64, body: &[u8]) -> String {
    let date = jiff::Timestamp::from_second(timestamp)
        .expect("a time")
        .strftime("%Y-%m-%d")
        .to_string();
    let scope = format!("{date}/scf/tc3_request");
    let canonical = format!(
        "POST\n/\n\ncontent-type:application/json\nhost:{host}\n\ncontent-type;host\n{}",
        sha256(body)
    );
    let to_sign = format!(
        "TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{}",
        sha256(canonical.as_bytes())
    );
    let key = ["scf", "tc3_request"].iter().fold(
        mac(format!("TC3{secret_key}").as_bytes(), date.as_bytes()),
        |key, part| mac(&key, part.as_bytes()),
    );
    let signature = hex(&mac(&key, to_sign.as_bytes()));
    format!("TC3-HMAC-SHA256 Credential={secret_id}/{scope}, SignedHeaders=content-type;host, Signature={signature}")
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_of_the_contract_is_reproduced() {
        let body = br#"{"FunctionName":"hello","ClientContext":"{}"}"#;
        let authorization = tc3("AKIDlocaltest", "localsecret", "127.0.0.1:9000", 1_516_060_800, body);
        let signature = "6ae2bb6165131ec97a73d485acb72dd860e23962d7bed39e0dd56a7a4c698644";
        assert!(authorization.ends_with(signature), "{authorization}");
    }
}
