//! `PutTotalConcurrencyConfig`: what all functions together may run at once.

use std::sync::Arc;

use skiff_domain::FunctionKey;

use crate::account::{AccountRecord, unreservable_mb};
use crate::change::ChangeError;
use crate::document::Document;
use crate::plane::{ControlPlane, Inner};
use crate::state::{State, Write};

/// Why the account's concurrency stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum TotalConcurrencyError {
    /// More than the operator allows.
    #[error("TotalConcurrencyMem {wanted_mb} is more than this server allows: use at most {allowed_mb} MB")]
    TooMuch {
        /// What was asked for.
        wanted_mb: u64,
        /// What the operator allows.
        allowed_mb: u64,
    },
    /// Less than one call of the largest function needs.
    #[error(
        "TotalConcurrencyMem {wanted_mb} is not valid: a call of {} needs {memory_mb} MB, so use {memory_mb} or more", .key.name
    )]
    LessThanFunction {
        /// What was asked for.
        wanted_mb: u64,
        /// The largest function.
        key: FunctionKey,
        /// Its memory.
        memory_mb: u64,
    },
    /// Less than is set apart for functions, and what has to be left beside that.
    #[error(
        "TotalConcurrencyMem {wanted_mb} is too little: {reserved_mb} MB are set apart for functions, and {} of it stay \
         for the others", unreservable_mb(*.wanted_mb)
    )]
    TooLittle {
        /// What was asked for.
        wanted_mb: u64,
        /// What is set apart.
        reserved_mb: u64,
    },
    /// Less than is set apart and kept ready.
    #[error(
        "TotalConcurrencyMem {wanted_mb} is too little: {reserved_mb} MB are set apart for functions, and {provisioned_mb} \
         are kept ready of others"
    )]
    LessThanProvisioned {
        /// What was asked for.
        wanted_mb: u64,
        /// What is set apart.
        reserved_mb: u64,
        /// What is kept ready of functions for which nothing is.
        provisioned_mb: u64,
    },
    /// The change could not be stored.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl TotalConcurrencyError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooMuch { .. } => "LimitExceeded.UserTotalConcurrencyMemory",
            Self::LessThanFunction { .. } => "InvalidParameterValue",
            Self::TooLittle { .. } | Self::LessThanProvisioned { .. } => "LimitExceeded.TotalConcurrencyMemory",
            Self::Change(error) => error.code(),
        }
    }
}

impl ControlPlane {
    /// Sets what all functions together may run at once, as the sum of their memory limits, in MB.
    pub async fn set_total_concurrency(&self, wanted_mb: u64) -> Result<(), TotalConcurrencyError> {
        let write = |inner: Arc<Inner>| async move {
            let change = |state: &State| {
                let allowed_mb = inner.quotas.concurrency_mb;
                if wanted_mb > allowed_mb {
                    return Err(TotalConcurrencyError::TooMuch { wanted_mb, allowed_mb });
                }
                // What is switched off needs nothing.
                let running = state.functions().filter(|function| function.reserved_mb != Some(0));
                if let Some(largest) = running.max_by_key(|function| function.configuration.memory.mb()) {
                    let memory_mb = u64::from(largest.configuration.memory.mb());
                    if wanted_mb < memory_mb {
                        return Err(TotalConcurrencyError::LessThanFunction {
                            wanted_mb,
                            key: largest.key.clone(),
                            memory_mb,
                        });
                    }
                }
                let reserved_mb = state.reserved_mb();
                if wanted_mb - unreservable_mb(wanted_mb) < reserved_mb {
                    return Err(TotalConcurrencyError::TooLittle { wanted_mb, reserved_mb });
                }
                let provisioned_mb = state.provisioned_shared_mb();
                if wanted_mb < reserved_mb + provisioned_mb {
                    return Err(TotalConcurrencyError::LessThanProvisioned {
                        wanted_mb,
                        reserved_mb,
                        provisioned_mb,
                    });
                }
                let account = AccountRecord {
                    concurrency_mb: Some(wanted_mb),
                    ..state.account().clone()
                };
                Ok((vec![Write::Put(Document::Account(account))], ()))
            };
            inner.change(change).await
        };
        self.inner.run(write).await
    }
}
