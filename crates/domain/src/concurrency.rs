//! How the account's concurrency is dealt out: decided by the control plane, kept to by the invoker.

use std::collections::HashMap;

use crate::ids::FunctionUid;

/// Who may run how much at once. Replaced as a whole whenever any of it changes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Allotment {
    /// Most memory of all calls at once, in MB, where the account's owner has set less than the operator allows.
    pub account_mb: Option<u64>,
    /// What single functions have for themselves, and at most, in MB. With 0 a function does not run.
    pub reserved_mb: HashMap<FunctionUid, u64>,
}

impl Allotment {
    /// What is set apart altogether, in MB.
    #[must_use]
    pub fn reserved_sum_mb(&self) -> u64 {
        self.reserved_mb.values().sum()
    }
}
