//! `PutProvisionedConcurrencyConfig`, `GetProvisionedConcurrencyConfig`, `DeleteProvisionedConcurrencyConfig`.

use std::sync::Arc;

use skiff_domain::{Capacity, FunctionKey, FunctionUid, Qualifier, VersionNumber};

use super::update_function_code::existing;
use crate::change::ChangeError;
use crate::document::{Document, PROVISIONS_BYTES_MAX, provisions_bytes};
use crate::function::Function;
use crate::plane::{ControlPlane, Inner, ResolveError};
use crate::provision::{InvalidProvision, Provision, Provisions, TimedAction};
use crate::state::{State, Write};

/// Instances of a published version that are to be kept ready.
#[derive(Debug, Clone)]
pub struct ProvisionConcurrency {
    /// Of which function.
    pub key: FunctionKey,
    /// Of which version of it: its number.
    pub qualifier: Qualifier,
    /// How many.
    pub capacity: Capacity,
    /// How many from some times on.
    pub actions: Vec<TimedAction>,
}

/// Why nothing is kept ready, or goes on to be.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionConcurrencyError {
    /// There is no such function or version.
    #[error(transparent)]
    Missing(#[from] ResolveError),
    /// Something else than a published version.
    #[error("Qualifier {0} is not the number of a published version: only of those instances are kept ready")]
    NotPublished(Qualifier),
    /// Nothing is kept ready of it.
    #[error("of version {0} no instances are kept ready")]
    NotProvisioned(Qualifier),
    /// Not so.
    #[error(transparent)]
    Invalid(#[from] InvalidProvision),
    /// More than the function has for itself.
    #[error("{wanted_mb} MB are more than is left of what is reserved for the function: use at most {left_mb}")]
    ExceedsReserved {
        /// What was asked for.
        wanted_mb: u64,
        /// What is left.
        left_mb: u64,
    },
    /// More than the account has left.
    #[error("{wanted_mb} MB are more than the account has left: use at most {left_mb}")]
    ExceedsAvailable {
        /// What was asked for.
        wanted_mb: u64,
        /// What is left.
        left_mb: u64,
    },
    /// More than can be written down.
    #[error(
        "the timed actions of all versions of the function are {0} bytes long: use fewer or shorter ones, \
         {PROVISIONS_BYTES_MAX} bytes at most"
    )]
    TooLong(usize),
    /// The change could not be stored.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl ProvisionConcurrencyError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(error) => error.code(),
            Self::NotPublished(_) => "InvalidParameterValue.Qualifier",
            // The contract has no narrower one.
            Self::NotProvisioned(_) => "ResourceNotFound",
            Self::Invalid(error) => error.code(),
            Self::ExceedsReserved { .. } => "FailedOperation.ProvisionedExceedReserved",
            Self::ExceedsAvailable { .. } => "FailedOperation.ProvisionedExceedAvailable",
            Self::TooLong(_) => "LimitExceeded.ProvisionTriggerAction",
            Self::Change(error) => error.code(),
        }
    }
}

/// What is kept ready of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionedView {
    /// The function's identity.
    pub uid: FunctionUid,
    /// Each version, by number, with what is set, and how many it is now.
    pub versions: Vec<(VersionNumber, Provision, Capacity)>,
    /// How many more there can be, of the memory the function has now.
    pub unallocated: u64,
}

impl ControlPlane {
    /// Keeps instances of a published version ready from now on, whether or not there are calls. They come soon after
    /// this returns.
    pub async fn provision_concurrency(&self, input: ProvisionConcurrency) -> Result<(), ProvisionConcurrencyError> {
        let write = |inner: Arc<Inner>| async move {
            let change = |state: &State| {
                let function = existing(state, &input.key)?;
                let number = published(state, &function, &input.qualifier)?;
                let provision = Provision::new(input.capacity, input.actions.clone(), (inner.now)())?;
                provision.check_due()?;
                check(&inner, state, &function, number, &provision)?;
                let mut changed = Function::clone(&function);
                changed.provisions.insert(number, provision);
                check_room(&function.provisions, &changed.provisions)?;
                Ok::<_, ProvisionConcurrencyError>((writes(state, changed), ()))
            };
            inner.change(change).await
        };
        self.inner.run(write).await
    }

    /// What is kept ready of a function, of one version of it where one is named.
    pub fn provisioned_concurrency(
        &self,
        key: &FunctionKey,
        qualifier: Option<&Qualifier>,
    ) -> Result<ProvisionedView, ProvisionConcurrencyError> {
        let state = self.inner.state.load();
        let function = existing(&state, key)?;
        let wanted = qualifier.map(|qualifier| published(&state, &function, qualifier));
        let wanted = wanted.transpose()?;
        let now = (self.inner.now)();
        let versions = function.provisions.iter();
        let versions = versions.filter(|(number, _)| wanted.is_none_or(|wanted| wanted == **number));
        let left_mb = left_mb(&self.inner, &state, &function);
        Ok(ProvisionedView {
            uid: function.uid.clone(),
            versions: versions
                .map(|(number, provision)| (*number, provision.clone(), provision.capacity(now)))
                .collect(),
            unallocated: left_mb / u64::from(function.configuration.memory.mb()),
        })
    }

    /// Keeps no instances of a published version ready any more. Those there are serve on, and grow old as others do.
    pub async fn unprovision_concurrency(
        &self,
        key: FunctionKey,
        qualifier: Qualifier,
    ) -> Result<(), ProvisionConcurrencyError> {
        let write = |inner: Arc<Inner>| async move {
            let change = |state: &State| {
                let function = existing(state, &key)?;
                let number = published(state, &function, &qualifier)?;
                let mut changed = Function::clone(&function);
                if changed.provisions.remove(&number).is_none() {
                    return Err(ProvisionConcurrencyError::NotProvisioned(qualifier.clone()));
                }
                Ok((writes(state, changed), ()))
            };
            inner.change(change).await
        };
        self.inner.run(write).await
    }
}

fn writes(state: &State, function: Function) -> Vec<Write> {
    vec![
        Write::Put(Document::Function(Box::new(function))),
        // Written too, so that of two who take from the account at the same time one sees the other.
        Write::Put(Document::Account(state.account().clone())),
    ]
}

/// The published version that is meant.
fn published(
    state: &State,
    function: &Function,
    qualifier: &Qualifier,
) -> Result<VersionNumber, ProvisionConcurrencyError> {
    let Ok(number) = qualifier.as_str().parse() else {
        return Err(ProvisionConcurrencyError::NotPublished(qualifier.clone()));
    };
    match state.published_version(function, number) {
        Some(_) => Ok(number),
        None => Err(ResolveError::VersionMissing {
            key: function.key.clone(),
            number,
        }
        .into()),
    }
}

/// Whether a function's document has room for what is kept ready.
fn check_room(before: &Provisions, after: &Provisions) -> Result<(), ProvisionConcurrencyError> {
    let bytes = |provisions| provisions_bytes(provisions).map_err(ChangeError::from);
    let after = bytes(after)?;
    if after > PROVISIONS_BYTES_MAX && after > bytes(before)? {
        return Err(ProvisionConcurrencyError::TooLong(after));
    }
    Ok(())
}

fn check(
    inner: &Inner,
    state: &State,
    function: &Function,
    number: VersionNumber,
    provision: &Provision,
) -> Result<(), ProvisionConcurrencyError> {
    let of = |provision| state.provision_mb(function, number, provision);
    let wanted_mb = of(provision);
    let before_mb = function.provisions.get(&number).map_or(0, of);
    let left_mb = left_mb(inner, state, function) + before_mb;
    // Giving back is always possible, also where there is less than before.
    if wanted_mb <= left_mb || wanted_mb <= before_mb {
        return Ok(());
    }
    Err(match function.reserved_mb {
        Some(_) => ProvisionConcurrencyError::ExceedsReserved { wanted_mb, left_mb },
        None => ProvisionConcurrencyError::ExceedsAvailable { wanted_mb, left_mb },
    })
}

/// How much more may be kept ready of a function: of what is reserved for it, or else of what the account has left.
fn left_mb(inner: &Inner, state: &State, function: &Function) -> u64 {
    match function.reserved_mb {
        Some(reserved_mb) => reserved_mb.saturating_sub(state.provisioned_mb(function)),
        None => {
            let total_mb = state.account().total_mb(&inner.quotas);
            total_mb.saturating_sub(state.reserved_mb() + state.provisioned_shared_mb())
        }
    }
}
