//! What every engine refuses before it looks at its data.

use std::time::Duration;

use crate::error::StoreError;
use crate::op::{How, Op};
use crate::usage::COUNT_MAX;
use crate::{DURATION_MAX, OPS_MAX, VALUE_BYTES_MAX};

/// Checks a commit against the limits of this crate.
///
/// # Errors
/// The first limit that is broken.
pub fn check_ops(ops: &[Op]) -> Result<(), StoreError> {
    if ops.len() > OPS_MAX {
        return Err(StoreError::TooManyOps { ops: ops.len() });
    }
    ops.iter().enumerate().try_for_each(|(index, op)| check_op(index, op))
}

fn check_op(index: usize, op: &Op) -> Result<(), StoreError> {
    let in_range = match op {
        Op::Put { value, .. } => return check_size(index, value.len()),
        Op::Enqueue {
            body,
            visible_in,
            expires_in,
            ..
        } => {
            check_size(index, body.len())?;
            is_in_range(*visible_in) && is_in_range(*expires_in)
        }
        Op::Settle { how, .. } => match how {
            How::Retry { delay } => is_in_range(*delay),
            How::Extend { lease } => is_in_range(*lease),
            How::Ack | How::Dead { .. } => true,
        },
        Op::Usage(row) => {
            row.counts.max() <= COUNT_MAX
                && row.minute.as_nanosecond().rem_euclid(60_000_000_000) == 0
                && i64::try_from(row.epoch.0).is_ok()
                && i64::try_from(row.seq).is_ok()
        }
        Op::Delete { .. } | Op::Fire { .. } | Op::Fence { .. } => true,
    };
    if in_range {
        Ok(())
    } else {
        Err(StoreError::OutOfRange { index })
    }
}

fn check_size(index: usize, bytes: usize) -> Result<(), StoreError> {
    if bytes > VALUE_BYTES_MAX {
        return Err(StoreError::TooLarge { index, bytes });
    }
    Ok(())
}

fn is_in_range(duration: Duration) -> bool {
    duration <= DURATION_MAX
}
