//! Queues: messages, claims and their receipts.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::key::QueueId;

/// A message's identity, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(pub u64);

/// The right to settle one claim of one message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Receipt {
    /// The queue it was claimed from.
    pub queue: QueueId,
    /// The message.
    pub id: MessageId,
    /// The fencing token: another claim of the same message has another one.
    pub token: u64,
}

/// A claimed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The right to settle it, and its id.
    pub receipt: Receipt,
    /// What was sent.
    pub body: Bytes,
    /// How often it has been claimed, this time included: 1 at first.
    pub deliveries: u32,
    /// When it was sent.
    pub enqueued_at: Timestamp,
    /// When its life ends.
    pub expires_at: Timestamp,
}

/// How many messages a queue holds. Expired ones are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueueStats {
    /// Ready to be claimed.
    pub ready: u64,
    /// Sent or retried with a delay that is not over.
    pub delayed: u64,
    /// Under a lease that is not over.
    pub leased: u64,
    /// When the longest-waiting of the ready ones became visible.
    pub ready_since: Option<Timestamp>,
}
