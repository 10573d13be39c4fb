//! Opening: everything is read into memory once, and checked while it is read.

use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use skiff_domain::{InvalidName, NamespaceName};
use skiff_store::{Doc, InvalidKey, Key, LIMIT_MAX, StoreError};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::actions::{CreateNamespace, create_namespace_writes};
use crate::change::ChangeError;
use crate::document::{Document, DocumentError, DocumentId};
use crate::plane::{ControlPlane, Inner};
use crate::port::Ports;
use crate::settings::Description;
use crate::state::{State, Write};

/// Why the control plane cannot be opened. Nothing is repaired silently: what cannot be read stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store failed.
    #[error("functions cannot be read from the store")]
    Store(#[from] StoreError),
    /// A document is damaged, or of a newer Skiff.
    #[error("document {key} cannot be read")]
    Document {
        /// Which.
        key: Key,
        /// Why.
        #[source]
        source: DocumentError,
    },
    /// A document has a name that nothing can have.
    #[error("document {key} has an impossible name")]
    Name {
        /// Which.
        key: Key,
        /// Why.
        #[source]
        source: InvalidName,
    },
    /// A name no key can hold.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// The namespace `default` could not be made.
    #[error("namespace default cannot be created")]
    Default(#[from] ChangeError),
}

/// Loads everything.
pub(crate) async fn open(ports: Ports) -> Result<ControlPlane, OpenError> {
    let mut state = State::default();
    let account = DocumentId::Account.key()?;
    if let Some(doc) = ports.store.get(&account).await? {
        take_in(&mut state, &account, &doc)?;
    }
    for folder in DocumentId::folders()? {
        let mut after = None;
        loop {
            let page = ports.store.list(&folder, after.as_ref(), LIMIT_MAX).await?;
            for entry in &page.entries {
                take_in(&mut state, &entry.key, &entry.doc)?;
            }
            match page.next() {
                Some(key) => after = Some(key.clone()),
                None => break,
            }
        }
    }
    let inner = Inner {
        state: ArcSwap::from_pointee(state),
        former: Mutex::default(),
        store: ports.store,
        artifacts: ports.artifacts,
        runtimes: ports.runtimes,
        precompile: ports.precompile,
        retire: ports.retire,
        allot: ports.allot,
        pools: ports.pools,
        roles: ports.roles,
        dealt: Mutex::default(),
        used: Mutex::default(),
        changed: Notify::new(),
        quotas: ports.quotas,
        now: ports.now,
        new_uid: ports.new_uid,
        turn: Semaphore::new(1),
        tasks: TaskTracker::new(),
        stop: CancellationToken::new(),
    };
    make_default(&inner).await?;
    inner.deal();
    inner.collect().await;
    Ok(ControlPlane { inner: Arc::new(inner) })
}

fn take_in(state: &mut State, key: &Key, doc: &Doc) -> Result<(), OpenError> {
    let name = |source| OpenError::Name {
        key: key.clone(),
        source,
    };
    let document = |source| OpenError::Document {
        key: key.clone(),
        source,
    };
    if let Some(id) = DocumentId::parse(key).map_err(name)? {
        let read = Document::decode(id, &doc.value).map_err(document)?;
        state.apply(&Write::Put(read), doc.rev);
    }
    Ok(())
}

/// Makes the namespace that always exists.
async fn make_default(inner: &Inner) -> Result<(), ChangeError> {
    inner
        .change(|state| {
            let name = NamespaceName::default();
            if state.namespace(&name).is_some() {
                return Ok((Vec::new(), ()));
            }
            let input = CreateNamespace {
                name,
                description: Description::default(),
            };
            Ok((create_namespace_writes(state, inner, &input), ()))
        })
        .await
}
