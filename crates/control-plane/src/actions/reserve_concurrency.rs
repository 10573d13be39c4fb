//! `PutReservedConcurrencyConfig`, `GetReservedConcurrencyConfig`, `DeleteReservedConcurrencyConfig`.

use std::sync::Arc;

use skiff_domain::FunctionKey;

use super::update_function_code::existing;
use crate::account::unreservable_mb;
use crate::change::ChangeError;
use crate::document::Document;
use crate::function::Function;
use crate::plane::{ControlPlane, Inner, ResolveError};
use crate::state::{State, Write};

/// Why nothing was set apart.
#[derive(Debug, thiserror::Error)]
pub enum ReserveConcurrencyError {
    /// There is no such function.
    #[error(transparent)]
    Missing(#[from] ResolveError),
    /// More than all functions together may have.
    #[error(
        "ReservedConcurrencyMem {wanted_mb} is more than can be set apart: use at most {reservable_mb}, of the account's \
         {total_mb} MB {} stay for functions without a reservation", .total_mb - .reservable_mb
    )]
    TooMuch {
        /// What was asked for.
        wanted_mb: u64,
        /// What can be set apart.
        reservable_mb: u64,
        /// What the account has.
        total_mb: u64,
    },
    /// More than other functions leave.
    #[error(
        "ReservedConcurrencyMem {wanted_mb} is more than is left: of {reservable_mb} MB that can be set apart, other \
         functions have {others_mb}"
    )]
    TooMuchWithOthers {
        /// What was asked for.
        wanted_mb: u64,
        /// What can be set apart.
        reservable_mb: u64,
        /// What others have of it.
        others_mb: u64,
    },
    /// Less than one call of it needs, and more than nothing.
    #[error(
        "ReservedConcurrencyMem {wanted_mb} is not valid: a call of {} needs {memory_mb} MB, so use {memory_mb} or more, \
         or 0 to switch the function off", .key.name
    )]
    TooLittle {
        /// What was asked for.
        wanted_mb: u64,
        /// Of which function.
        key: FunctionKey,
        /// Its memory.
        memory_mb: u64,
    },
    /// Less than the instances need that are kept ready of it.
    #[error("{provisioned_mb} MB are kept ready of the function: reserve as much, or keep less ready")]
    LessThanProvisioned {
        /// What they need.
        provisioned_mb: u64,
    },
    /// What is left does not hold the instances that are kept ready of other functions.
    #[error(
        "{provisioned_mb} MB are kept ready of functions without a reservation, and the account would have {left_mb} left"
    )]
    OthersProvisioned {
        /// What they need.
        provisioned_mb: u64,
        /// What would be left.
        left_mb: u64,
    },
    /// The change could not be stored.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl ReserveConcurrencyError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(error) => error.code(),
            Self::TooMuch { .. } => "LimitExceeded.FunctionReservedConcurrencyMemory",
            Self::TooMuchWithOthers { .. } => "FailedOperation.ReservedExceedTotal",
            Self::TooLittle { .. } => "InvalidParameterValue",
            Self::LessThanProvisioned { .. } => "FailedOperation.ProvisionedExceedReserved",
            Self::OthersProvisioned { .. } => "FailedOperation.ProvisionedExceedAvailable",
            Self::Change(error) => error.code(),
        }
    }
}

impl ControlPlane {
    /// Sets concurrency apart for a function: so much all its versions have for themselves, and no more. With 0 it does
    /// not run. Running calls finish.
    pub async fn reserve_concurrency(&self, key: FunctionKey, mb: u64) -> Result<(), ReserveConcurrencyError> {
        self.set_reserved(key, Some(mb)).await
    }

    /// What is set apart for a function, in MB, if anything is.
    pub fn reserved_concurrency(&self, key: &FunctionKey) -> Result<Option<u64>, ResolveError> {
        Ok(existing(&self.inner.state.load(), key)?.reserved_mb)
    }

    /// Sets nothing apart for a function any more: it runs on what is left of the account's, as others do.
    pub async fn release_concurrency(&self, key: FunctionKey) -> Result<(), ReserveConcurrencyError> {
        self.set_reserved(key, None).await
    }

    async fn set_reserved(&self, key: FunctionKey, wanted: Option<u64>) -> Result<(), ReserveConcurrencyError> {
        let write = |inner: Arc<Inner>| async move {
            let change = |state: &State| {
                let function = existing(state, &key)?;
                if function.reserved_mb == wanted {
                    return Ok((Vec::new(), ()));
                }
                match wanted {
                    Some(wanted_mb) => check(&inner, state, &function, wanted_mb)?,
                    None => check_release(&inner, state, &function)?,
                }
                let function = Function {
                    reserved_mb: wanted,
                    ..Function::clone(&function)
                };
                let writes = vec![
                    Write::Put(Document::Function(Box::new(function))),
                    // Written too, so that of two reservations at the same time one sees the other.
                    Write::Put(Document::Account(state.account().clone())),
                ];
                Ok::<_, ReserveConcurrencyError>((writes, ()))
            };
            inner.change(change).await
        };
        self.inner.run(write).await
    }
}

/// Whether what is kept ready of a function fits into what the account has left without what is reserved for it.
fn check_release(inner: &Inner, state: &State, function: &Function) -> Result<(), ReserveConcurrencyError> {
    let provisioned_mb = state.provisioned_shared_mb() + state.provisioned_mb(function);
    let others_mb = state.reserved_mb() - function.reserved_mb.unwrap_or(0);
    let left_mb = state.account().total_mb(&inner.quotas).saturating_sub(others_mb);
    if provisioned_mb > left_mb {
        return Err(ReserveConcurrencyError::OthersProvisioned {
            provisioned_mb,
            left_mb,
        });
    }
    Ok(())
}

fn check(inner: &Inner, state: &State, function: &Function, wanted_mb: u64) -> Result<(), ReserveConcurrencyError> {
    let memory_mb = u64::from(function.configuration.memory.mb());
    if wanted_mb > 0 && wanted_mb < memory_mb {
        return Err(ReserveConcurrencyError::TooLittle {
            wanted_mb,
            key: function.key.clone(),
            memory_mb,
        });
    }
    let total_mb = state.account().total_mb(&inner.quotas);
    let reservable_mb = total_mb - unreservable_mb(total_mb);
    if wanted_mb > reservable_mb {
        return Err(ReserveConcurrencyError::TooMuch {
            wanted_mb,
            reservable_mb,
            total_mb,
        });
    }
    let others_mb = state.reserved_mb() - function.reserved_mb.unwrap_or(0);
    // Giving back is always possible, also where an operator allows less than before.
    let is_less = function.reserved_mb.is_some_and(|before| wanted_mb <= before);
    if !is_less && others_mb + wanted_mb > reservable_mb {
        return Err(ReserveConcurrencyError::TooMuchWithOthers {
            wanted_mb,
            reservable_mb,
            others_mb,
        });
    }
    let provisioned_mb = state.provisioned_mb(function);
    if provisioned_mb > wanted_mb {
        return Err(ReserveConcurrencyError::LessThanProvisioned { provisioned_mb });
    }
    // Its own are within what it has for itself from now on.
    let own_mb = if function.reserved_mb.is_none() {
        provisioned_mb
    } else {
        0
    };
    let provisioned_mb = state.provisioned_shared_mb() - own_mb;
    let left_mb = total_mb.saturating_sub(others_mb + wanted_mb);
    if !is_less && provisioned_mb > left_mb {
        return Err(ReserveConcurrencyError::OthersProvisioned {
            provisioned_mb,
            left_mb,
        });
    }
    Ok(())
}
