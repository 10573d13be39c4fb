//! Who is calling: credentials and the TC3-HMAC-SHA256 and v1 signatures.
