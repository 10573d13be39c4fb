//! What a commit is made of.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::doc::Rev;
use crate::key::{DedupId, Key, QueueId};
use crate::queue::{MessageId, Receipt};
use crate::usage::UsageRow;

/// Counts how often a lease was taken: the first holder has 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// What must be true of a document for an operation to go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Anything.
    Any,
    /// There is none.
    Absent,
    /// It is there and was last written by this commit.
    Rev(Rev),
}

/// What becomes of a claimed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// Done: the message is gone.
    Ack,
    /// Delivered again after a while. The receipt is void from now on.
    Retry {
        /// How long it stays invisible, from now.
        delay: Duration,
    },
    /// Still being worked on: invisible this long from now. The receipt stays valid.
    Extend {
        /// The rest of the lease, from now.
        lease: Duration,
    },
    /// Moved to another queue, visible there at once, as if sent there now: its deliveries count from 0 again and its
    /// life begins again.
    Dead {
        /// Where it goes.
        queue: QueueId,
    },
}

/// One operation of a commit. They apply in order; each sees what those before it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Writes a document.
    Put {
        /// Its name.
        key: Key,
        /// The new value, at most [`crate::VALUE_BYTES_MAX`].
        value: Bytes,
        /// What it must find.
        expect: Expect,
    },
    /// Removes a document. Removing one that is not there changes nothing.
    Delete {
        /// Its name.
        key: Key,
        /// What it must find.
        expect: Expect,
    },
    /// Sends a message. Its id is returned in [`Committed::ids`].
    Enqueue {
        /// Where to.
        queue: QueueId,
        /// What, at most [`crate::VALUE_BYTES_MAX`].
        body: Bytes,
        /// How long it stays invisible, from now.
        visible_in: Duration,
        /// While a message with this id lives in the queue's memory (until the *first* one would have expired, even
        /// when it was settled), a second one is not sent and the first one's id is returned.
        dedup: Option<DedupId>,
        /// How long it lives. A message that is past this and not under a lease is gone, and nobody is told: who
        /// wants to be told keeps a deadline in the body and settles the message before.
        expires_in: Duration,
    },
    /// Says what becomes of a claimed message. Conflicts when the receipt is void: the message was settled, somebody
    /// else has claimed it, or its life is over. A lease that ran out without any of these does not void it.
    Settle {
        /// The claim's receipt.
        receipt: Receipt,
        /// What becomes of it.
        how: How,
    },
    /// Marks a due time of a trigger as fired. Conflicts unless it is later than every one fired before, so that it
    /// and what is committed with it happen once.
    Fire {
        /// Which trigger.
        trigger: Key,
        /// The due time, in whole milliseconds.
        at: Timestamp,
    },
    /// Adds to the meter. A row that was written before (same node, epoch and seq) changes nothing.
    Usage(UsageRow),
    /// Conflicts when the lease has another epoch than this: its holder is no longer who it thinks it is.
    Fence {
        /// The lease's name.
        lease: String,
        /// The epoch [`crate::Store::lease`] returned.
        epoch: Epoch,
    },
}

/// A commit that went through, and is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Its revision.
    pub rev: Rev,
    /// The ids of the messages it sent, one per [`Op::Enqueue`], in order.
    pub ids: Vec<MessageId>,
}
