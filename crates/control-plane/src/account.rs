//! What the account has and may have: its document, its quotas, and how much of its concurrency can be set apart.

use skiff_domain::limits;

/// Memory of calls that is never set apart, so that what has no reservation can run, in MB (CONTRACT 2.5).
const UNRESERVABLE_MB: u64 = 12_800;
/// On an account that is smaller than the contract's, it is this part of it: as on that one.
const UNRESERVABLE_PART: u64 = 10;

/// What the operator allows the account. The defaults are the contract's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quotas {
    /// Namespaces, `default` among them.
    pub namespaces_max: usize,
    /// Functions in each.
    pub functions_per_namespace_max: usize,
    /// Most memory of all calls at once, as the sum of their functions' limits, in MB.
    pub concurrency_mb: u64,
    /// Most calls of one function at once.
    pub function_concurrency_max: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            namespaces_max: limits::NAMESPACES_MAX,
            functions_per_namespace_max: limits::FUNCTIONS_PER_NAMESPACE_MAX,
            concurrency_mb: limits::ACCOUNT_CONCURRENCY_MB,
            function_concurrency_max: limits::FUNCTION_CONCURRENCY_MAX,
        }
    }
}

/// The account's document. Written in the same commit as whatever it limits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct AccountRecord {
    /// How many namespaces there are.
    pub(crate) namespaces: usize,
    /// Most memory of all calls at once, in MB, where the account's owner has set it.
    pub(crate) concurrency_mb: Option<u64>,
}

impl AccountRecord {
    /// Most memory of all calls at once: never more than the operator allows now.
    pub(crate) fn total_mb(&self, quotas: &Quotas) -> u64 {
        let own = self.concurrency_mb.unwrap_or(quotas.concurrency_mb);
        own.min(quotas.concurrency_mb)
    }
}

/// How much of this total cannot be set apart.
pub(crate) fn unreservable_mb(total_mb: u64) -> u64 {
    UNRESERVABLE_MB.min(total_mb / UNRESERVABLE_PART)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_cannot_be_set_apart_and_12800_mb_at_most() {
        for (total, unreservable) in [(0, 0), (1_000, 100), (128_000, 12_800), (1_000_000, 12_800)] {
            assert_eq!(unreservable_mb(total), unreservable, "{total}");
        }
    }

    #[test]
    fn the_operators_limit_is_the_limit_of_what_the_owner_sets() {
        let record = |concurrency_mb| AccountRecord {
            namespaces: 1,
            concurrency_mb,
        };
        let quotas = Quotas {
            concurrency_mb: 1_000,
            ..Quotas::default()
        };
        for (set, total) in [(None, 1_000), (Some(500), 500), (Some(2_000), 1_000)] {
            assert_eq!(record(set).total_mb(&quotas), total);
        }
    }
}
