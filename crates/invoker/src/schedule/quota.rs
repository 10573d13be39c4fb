//! How much may run at once: the account's quota, what single functions have of it for themselves, and what is left.

use std::collections::HashMap;

use skiff_domain::{Allotment, FunctionUid, Version};

use super::Refusal;
use crate::settings::Limits;

/// The quotas and what is used of them, in MB of the running calls' functions.
#[derive(Debug)]
pub(super) struct Quota {
    /// What the operator allows.
    limit_mb: u64,
    /// Most calls at once of a function that has nothing for itself.
    function_calls_max: u32,
    account_mb: u64,
    reserved_mb: HashMap<FunctionUid, u64>,
    /// What functions without a reservation may use together.
    shared_mb: u64,
    /// What is kept ready of those, in use or not: it is taken off both.
    kept_mb: u64,
    /// What is used, but for calls on instances that are kept ready.
    pub(super) running_mb: u64,
    /// Of it, what functions without a reservation use.
    running_shared_mb: u64,
}

impl Quota {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            limit_mb: limits.account_concurrency_mb,
            function_calls_max: limits.function_concurrency_max,
            account_mb: limits.account_concurrency_mb,
            reserved_mb: HashMap::new(),
            shared_mb: limits.account_concurrency_mb,
            kept_mb: 0,
            running_mb: 0,
            running_shared_mb: 0,
        }
    }

    /// Whether one more call may run of a function with so many, using so much.
    pub(super) fn check(&self, version: &Version, calls: u32, used_mb: u64) -> Result<(), Refusal> {
        let memory_mb = u64::from(version.memory_mb);
        let (account_mb, shared_mb) = (
            self.account_mb.saturating_sub(self.kept_mb),
            self.shared_mb.saturating_sub(self.kept_mb),
        );
        let of_account = |quota_mb| Err(Refusal::AccountConcurrency { quota_mb });
        let of_function = |quota_mb| Err(Refusal::FunctionConcurrency { quota_mb });
        match self.reserved_mb.get(&version.uid).copied() {
            Some(quota_mb) if used_mb + memory_mb > quota_mb => return of_function(quota_mb),
            Some(_) => {}
            None if self.running_shared_mb + memory_mb > shared_mb => return of_account(shared_mb),
            None if calls >= self.function_calls_max => {
                return of_function(u64::from(self.function_calls_max) * memory_mb);
            }
            None => {}
        }
        // Calls go on when what was set apart for their function goes to others, and when there is less for all.
        if self.running_mb + memory_mb > account_mb {
            return of_account(account_mb);
        }
        Ok(())
    }

    /// Whether one more call may run of a function with an instance kept ready for it, which no quota is asked about but
    /// the function's own.
    pub(super) fn check_covered(&self, version: &Version, used_mb: u64) -> Result<(), Refusal> {
        match self.reserved_mb.get(&version.uid).copied() {
            Some(quota_mb) if used_mb + u64::from(version.memory_mb) > quota_mb => {
                Err(Refusal::FunctionConcurrency { quota_mb })
            }
            _ => Ok(()),
        }
    }

    /// A call begins.
    pub(super) fn add(&mut self, uid: &FunctionUid, memory_mb: u64) {
        self.running_mb += memory_mb;
        if !self.reserved_mb.contains_key(uid) {
            self.running_shared_mb += memory_mb;
        }
    }

    /// A call ends.
    pub(super) fn remove(&mut self, uid: &FunctionUid, memory_mb: u64) {
        self.running_mb -= memory_mb;
        if !self.reserved_mb.contains_key(uid) {
            self.running_shared_mb -= memory_mb;
        }
    }

    /// Takes other quotas. What is used of them is to be counted again.
    pub(super) fn allot(&mut self, allotment: &Allotment) {
        self.account_mb = allotment.account_mb.unwrap_or(self.limit_mb).min(self.limit_mb);
        self.reserved_mb.clone_from(&allotment.reserved_mb);
        self.shared_mb = self.account_mb.saturating_sub(allotment.reserved_sum_mb());
    }

    /// Counts what is used: for each function the memory of its calls that count, and of its instances that are kept
    /// ready, whose calls do not.
    pub(super) fn recount<'a>(&mut self, functions: impl Iterator<Item = (&'a FunctionUid, u64, u64)>) {
        (self.running_mb, self.running_shared_mb, self.kept_mb) = (0, 0, 0);
        for (uid, running_mb, kept_mb) in functions {
            self.add(uid, running_mb);
            // A reservation holds what is kept ready of its function.
            if !self.reserved_mb.contains_key(uid) {
                self.kept_mb += kept_mb;
            }
        }
    }
}
