//! Records for tests.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use skiff_domain::{AttemptRecord, FunctionKey, FunctionUid, Origin, Qualifier, RequestId, StatusCode};

/// The `n`th record: another function, second, duration and text each time, the same for the same `n`.
pub(crate) fn record(n: u32) -> AttemptRecord {
    let function = u8::try_from(n % 3).unwrap();
    let status = match n % 5 {
        0 => StatusCode::UserException,
        1 => StatusCode::TimeLimitReached,
        _ => StatusCode::Success,
    };
    AttemptRecord {
        request_id: RequestId(uuid::Uuid::from_u128(u128::from(n) * 0x1_0001_0001_0001_0001_0001_0001)),
        uid: FunctionUid::from_random([function; 5]),
        key: FunctionKey {
            namespace: "default".parse().unwrap(),
            name: format!("fn-{function}").parse().unwrap(),
        },
        label: Qualifier::latest(),
        qualifier: if n.is_multiple_of(2) {
            Qualifier::latest()
        } else {
            "prod".parse().unwrap()
        },
        started_at: start() + Duration::from_secs(u64::from(n)),
        status,
        duration: Duration::from_micros(u64::from(n * 7919 % 1000) * 10),
        billed_ms: u64::from(n % 7),
        memory_mb: 128,
        memory_peak_bytes: u64::from(n * 104_729 % 1000) << 10,
        retry_num: n % 2,
        origin: Origin::Api,
        cold_start: n.is_multiple_of(4),
        ret_msg: Bytes::from(format!("\"result {n}\"")),
        log: Bytes::from(format!(
            "START RequestId: {n}\nline of {n}: {}\nEND",
            "word ".repeat(10)
        )),
    }
}

/// When record 0 was accepted.
pub(crate) fn start() -> Timestamp {
    "2026-03-01T10:00:00Z".parse().unwrap()
}
