//! What an operator sets: how much may run at once, how long instances are kept, and whose machine this is.

use std::time::Duration;

use skiff_domain::limits;

/// How much may run, wait and be kept. The defaults are the contract's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Most calls of one function at once, those that wait for an instance among them. The next is answered 432.
    pub function_concurrency_max: u32,
    /// Most memory of all calls at once, as the sum of their functions' limits, in MB. The next is answered 432.
    pub account_concurrency_mb: u64,
    /// Most calls of one function that wait for an instance. As every one of them can mean a start in flight, this
    /// also bounds the starts of one function. The next is answered 429.
    pub function_waiting_max: u32,
    /// How long an instance is kept with nothing to do.
    pub idle_timeout: Duration,
    /// Largest event, in bytes. A larger one is answered 406.
    pub event_bytes_max: usize,
    /// Most bytes that the events of all calls take together that wait or run, but for small ones. The next is answered
    /// 429.
    pub event_memory_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            function_concurrency_max: limits::FUNCTION_CONCURRENCY_MAX,
            account_concurrency_mb: limits::ACCOUNT_CONCURRENCY_MB,
            function_waiting_max: limits::FUNCTION_CONCURRENCY_MAX,
            idle_timeout: limits::IDLE_TIMEOUT,
            event_bytes_max: limits::EVENT_BYTES_MAX,
            event_memory_bytes: limits::EVENT_MEMORY_BYTES,
        }
    }
}

/// Whose functions these are: what `context.tencentcloud_*` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The region's name.
    pub region: String,
    /// The account's AppId.
    pub app_id: String,
    /// The account's Uin.
    pub uin: String,
}
