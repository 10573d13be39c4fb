//! One request to run a function once, and what came of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::attempt::InitReport;
use crate::ids::{FunctionKey, FunctionUid, Qualifier, RequestId};
use crate::status::StatusCode;
use crate::version::Version;

/// Where an invocation came from. Becomes `TRIGGER_SRC` for those that name a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The control API's Invoke.
    Api,
    /// The gateway's direct invocation.
    Gateway,
    /// A timer trigger.
    Timer,
    /// An object trigger.
    Object,
    /// A queue or topic trigger.
    Queue,
    /// An HTTP trigger or function URL.
    Http,
}

/// The one shape every event source ends in.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The id; the same for every attempt.
    pub id: RequestId,
    /// What runs: already resolved.
    pub version: Arc<Version>,
    /// What the caller asked for, e.g. an alias.
    pub qualifier: Qualifier,
    /// The event as the caller wrote it: any JSON value, not parsed on the way.
    pub event: Bytes,
    /// Where it came from.
    pub origin: Origin,
}

/// What came of an invocation. A failed run is an outcome too: only a refusal before acceptance
/// is an API error.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The invocation.
    pub request_id: RequestId,
    /// How it ended.
    pub status: StatusCode,
    /// `RetMsg`: the result's JSON text, or the error JSON of CONTRACT 4.3.
    pub ret_msg: Bytes,
    /// `ErrMsg`: the error's text; empty on success.
    pub err_msg: String,
    /// Run time of the handler; initialisation is not in it.
    pub duration: Duration,
    /// What is billed, in whole milliseconds, rounded up.
    pub billed_ms: u64,
    /// Peak memory of the instance, in bytes.
    pub memory_peak_bytes: u64,
    /// Set when an instance had to be started for this call.
    pub init: Option<InitReport>,
    /// The log, all lines of it up to the limits, in the format of CONTRACT 5.1.
    pub log: Bytes,
}

/// What is kept of one attempt: the row behind GetFunctionLogs, metrics and metering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// The invocation.
    pub request_id: RequestId,
    /// The function's identity.
    pub uid: FunctionUid,
    /// The function's name.
    pub key: FunctionKey,
    /// The version that ran.
    pub label: Qualifier,
    /// What the caller asked for.
    pub qualifier: Qualifier,
    /// When the invocation was accepted.
    pub started_at: jiff::Timestamp,
    /// How it ended.
    pub status: StatusCode,
    /// Run time of the handler.
    pub duration: Duration,
    /// Billed time, in whole milliseconds.
    pub billed_ms: u64,
    /// The function's memory limit, in MB.
    pub memory_mb: u32,
    /// Peak memory, in bytes.
    pub memory_peak_bytes: u64,
    /// 0 for the first attempt.
    pub retry_num: u32,
    /// Where it came from.
    pub origin: Origin,
    /// True when an instance had to be started for it.
    pub cold_start: bool,
    /// `RetMsg`, cut at 8 KB (CONTRACT 5.1).
    pub ret_msg: Bytes,
    /// The log text in the format of CONTRACT 5.1.
    pub log: Bytes,
}
