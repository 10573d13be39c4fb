//! A namespace: a drawer for functions.

use jiff::Timestamp;
use skiff_domain::NamespaceName;

use crate::settings::Description;

/// A namespace as users know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Its name.
    pub name: NamespaceName,
    /// What its user says it is for.
    pub description: Description,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its description last changed.
    pub modified_at: Timestamp,
    /// How many functions are in it. Written in the same commit as each of them, so that the limit holds whoever
    /// writes at the same time.
    pub functions: usize,
}
