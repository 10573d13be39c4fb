//! `CreateAlias`, `UpdateAlias`, `DeleteAlias`, `GetAlias` and `ListAliases`.

use std::sync::Arc;

use skiff_domain::limits::ALIASES_PER_FUNCTION_MAX;
use skiff_domain::{AliasName, FunctionKey, FunctionName, VersionRef};

use super::update_function_code::existing;
use crate::alias::Alias;
use crate::change::ChangeError;
use crate::document::{ALIASES_BYTES_MAX, Document, aliases_bytes};
use crate::function::Function;
use crate::listing::{Listing, Page};
use crate::plane::{ControlPlane, Inner, ResolveError};
use crate::routing::Routing;
use crate::settings::Description;
use crate::state::{State, Write};

/// What an alias is to be.
#[derive(Debug, Clone)]
pub struct PutAlias {
    /// Of which function.
    pub key: FunctionKey,
    /// Its name.
    pub name: AliasName,
    /// The main version.
    pub version: VersionRef,
    /// Which calls go elsewhere.
    pub routing: Routing,
    /// What it is for; empty, or as before, where none is given.
    pub description: Option<Description>,
}

/// Which aliases, and which part of them.
#[derive(Debug, Clone)]
pub struct ListAliases {
    /// Of which function.
    pub key: FunctionKey,
    /// Only those that lead to this version.
    pub version: Option<VersionRef>,
    /// Which part.
    pub page: Page,
}

/// Why something cannot be done with an alias.
#[derive(Debug, thiserror::Error)]
pub enum AliasError {
    /// There is no such function.
    #[error(transparent)]
    FunctionMissing(#[from] ResolveError),
    /// There is no such alias.
    #[error("Function {function} has no alias {alias}")]
    Missing {
        /// The function.
        function: FunctionName,
        /// The alias.
        alias: AliasName,
    },
    /// There is one of this name.
    #[error("Function {function} has the alias {alias} already")]
    Exists {
        /// The function.
        function: FunctionName,
        /// The alias.
        alias: AliasName,
    },
    /// A version it names does not exist.
    #[error("Function {function} has no version {version}: publish it first")]
    VersionMissing {
        /// The function.
        function: FunctionName,
        /// The version.
        version: VersionRef,
    },
    /// It would send calls elsewhere that is where they go anyway.
    #[error("RoutingConfig names version {0}, which is FunctionVersion itself: name another one")]
    RoutedToMain(VersionRef),
    /// The function has as many as it can have.
    #[error("Function {0} has {ALIASES_PER_FUNCTION_MAX} aliases, the most it can have: delete one first")]
    TooMany(FunctionName),
    /// More than can be written down.
    #[error(
        "the aliases of function {function} are {bytes} bytes long with their rules and descriptions: use fewer or shorter \
         ones, {ALIASES_BYTES_MAX} bytes at most"
    )]
    TooLong {
        /// The function.
        function: FunctionName,
        /// How long they are.
        bytes: usize,
    },
    /// `$DEFAULT` always exists.
    #[error("Alias $DEFAULT cannot be deleted: every function has it. UpdateAlias leads it back to $LATEST")]
    Default,
    /// The change could not be stored.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl AliasError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::FunctionMissing(error) => error.code(),
            Self::Missing { .. } => "ResourceNotFound.Alias",
            Self::Exists { .. } => "ResourceInUse.Alias",
            Self::VersionMissing { .. } => "ResourceNotFound.FunctionVersion",
            Self::RoutedToMain(_) => "InvalidParameterValue.RoutingConfig",
            Self::TooMany(_) | Self::TooLong { .. } => "LimitExceeded.Alias",
            Self::Default => "FailedOperation.DeleteAlias",
            Self::Change(error) => error.code(),
        }
    }
}

impl ControlPlane {
    /// Creates an alias. Once this returns it can be invoked.
    pub async fn create_alias(&self, input: PutAlias) -> Result<(), AliasError> {
        self.change_aliases(input.key.clone(), move |state, inner, function| {
            let of = function.key.name.clone();
            if function.aliases.get(&input.name).is_some() {
                let alias = input.name.clone();
                return Err(AliasError::Exists { function: of, alias });
            }
            if function.aliases.len() >= ALIASES_PER_FUNCTION_MAX {
                return Err(AliasError::TooMany(of));
            }
            check_versions(state, function, &input)?;
            let now = (inner.now)();
            function.aliases.put(Alias {
                name: input.name.clone(),
                description: input.description.clone().unwrap_or_default(),
                created_at: now,
                modified_at: now,
                version: input.version,
                routing: input.routing.clone(),
            });
            Ok(())
        })
        .await
    }

    /// Says anew where an alias leads. Once this returns new calls go there; running ones finish where they are.
    pub async fn update_alias(&self, input: PutAlias) -> Result<(), AliasError> {
        self.change_aliases(input.key.clone(), move |state, inner, function| {
            let current = find(function, &input.name)?.clone();
            check_versions(state, function, &input)?;
            function.aliases.put(Alias {
                description: input.description.clone().unwrap_or_else(|| current.description.clone()),
                modified_at: (inner.now)(),
                version: input.version,
                routing: input.routing.clone(),
                ..current
            });
            Ok(())
        })
        .await
    }

    /// Deletes an alias. The versions stay.
    pub async fn delete_alias(&self, key: FunctionKey, name: AliasName) -> Result<(), AliasError> {
        self.change_aliases(key, move |_, _, function| {
            find(function, &name)?;
            if name.is_default() {
                return Err(AliasError::Default);
            }
            function.aliases.remove(&name);
            Ok(())
        })
        .await
    }

    /// An alias.
    pub fn get_alias(&self, key: &FunctionKey, name: &AliasName) -> Result<Alias, AliasError> {
        let function = existing(&self.inner.state.load(), key)?;
        find(&function, name).cloned()
    }

    /// A function's aliases, by name, `$DEFAULT` among them.
    pub fn list_aliases(&self, input: &ListAliases) -> Result<Listing<Alias>, AliasError> {
        let function = existing(&self.inner.state.load(), &input.key)?;
        let wanted = |alias: &&Alias| input.version.is_none_or(|version| alias.leads_to(version));
        let found = function.aliases.iter().filter(wanted).cloned().collect();
        Ok(Listing::cut(found, input.page))
    }

    /// Changes a function's aliases. They are part of its document, as is the number of its last version: of two
    /// changes that exclude each other one wins.
    async fn change_aliases(
        &self,
        key: FunctionKey,
        change: impl Fn(&State, &Inner, &mut Function) -> Result<(), AliasError> + Send + Sync + 'static,
    ) -> Result<(), AliasError> {
        let write = |inner: Arc<Inner>| async move {
            let decide = |state: &State| {
                let before = existing(state, &key)?;
                let mut function = Function::clone(&before);
                change(state, &inner, &mut function)?;
                check_room(&before, &function)?;
                Ok((vec![Write::Put(Document::Function(Box::new(function)))], ()))
            };
            inner.change(decide).await
        };
        self.inner.run(write).await
    }
}

/// Whether a function's document has room for its aliases.
fn check_room(before: &Function, after: &Function) -> Result<(), AliasError> {
    let bytes_of = |function: &Function| aliases_bytes(&function.aliases).map_err(ChangeError::from);
    let bytes = bytes_of(after)?;
    if bytes > ALIASES_BYTES_MAX && bytes > bytes_of(before)? {
        let function = after.key.name.clone();
        return Err(AliasError::TooLong { function, bytes });
    }
    Ok(())
}

fn find<'a>(function: &'a Function, name: &AliasName) -> Result<&'a Alias, AliasError> {
    function.aliases.get(name).ok_or_else(|| AliasError::Missing {
        function: function.key.name.clone(),
        alias: name.clone(),
    })
}

/// Every version an alias is to lead to exists, and none twice.
fn check_versions(state: &State, function: &Function, input: &PutAlias) -> Result<(), AliasError> {
    let exists = |version: VersionRef| match version {
        VersionRef::Latest => true,
        VersionRef::Number(number) => state.published_version(function, number).is_some(),
    };
    let mut versions = std::iter::once(input.version).chain(input.routing.versions());
    if let Some(version) = versions.find(|version| !exists(*version)) {
        return Err(AliasError::VersionMissing {
            function: function.key.name.clone(),
            version,
        });
    }
    if input.routing.versions().any(|other| other == input.version) {
        return Err(AliasError::RoutedToMain(input.version));
    }
    Ok(())
}
