//! How a change is made: decided on a moment, committed against that moment, decided again when the moment has passed.

use std::sync::Arc;

use skiff_domain::Version;
use skiff_store::{Op, StoreError};

use crate::document::{Document, DocumentError, DocumentId};
use crate::plane::Inner;
use crate::state::{State, Write};

/// How often a change is decided anew. Each time another change has won, so only a crowd gets this far.
const ATTEMPTS_MAX: usize = 64;

/// Why a change was not made though nothing is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The store failed.
    #[error("the change could not be stored: try again")]
    Store(#[from] StoreError),
    /// It is longer than a document can be.
    #[error(
        "the change could not be stored: all that is set of it together is too long, use fewer or shorter settings"
    )]
    TooLong,
    /// What is stored cannot be read or written.
    #[error("the change could not be stored: what is there cannot be read")]
    Document(#[from] DocumentError),
    /// Others changed the same thing all the time.
    #[error("others are changing the same thing: try again")]
    Contended,
    /// The server is stopping.
    #[error("the server is stopping: try again")]
    Stopping,
    /// The change broke off. Whether it was made can be asked.
    #[error("the change was interrupted: look whether it was made, and try again")]
    Interrupted,
}

impl ChangeError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(_) | Self::Document(_) | Self::Stopping | Self::Interrupted => "InternalError.System",
            // The contract has no narrower one.
            Self::TooLong => "InvalidParameterValue",
            Self::Contended => "FailedOperation.OperationConflict",
        }
    }
}

impl Inner {
    /// Runs a change to its end whatever becomes of the caller, and one at a time: what was committed must reach the
    /// memory, and no later change may overtake it there.
    pub(crate) async fn run<T, E, F>(self: &Arc<Self>, work: impl FnOnce(Arc<Self>) -> F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<ChangeError> + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        if self.tasks.is_closed() {
            return Err(ChangeError::Stopping.into());
        }
        let this = Arc::clone(self);
        let work = work(Arc::clone(self));
        let in_turn = async move {
            let _turn = this.turn.acquire().await.map_err(|_| ChangeError::Stopping)?;
            work.await
        };
        match self.tasks.spawn(in_turn).await {
            Ok(result) => result,
            Err(error) => {
                tracing::error!(%error, "a change was interrupted");
                Err(ChangeError::Interrupted.into())
            }
        }
    }

    /// Makes a change. `decide` looks at a moment and says what is to be written; it may be asked again. Nothing to
    /// write is a change that is made already.
    pub(crate) async fn change<T, E>(&self, decide: impl Fn(&State) -> Result<(Vec<Write>, T), E>) -> Result<T, E>
    where
        E: From<ChangeError>,
    {
        for _ in 0..ATTEMPTS_MAX {
            let seen = self.state.load_full();
            let (writes, answer) = decide(&seen)?;
            if writes.is_empty() {
                return Ok(answer);
            }
            let ops = writes
                .iter()
                .map(|write| op(write, &seen))
                .collect::<Result<Vec<_>, _>>();
            match self.store.commit(ops.map_err(ChangeError::from)?).await {
                Ok(committed) => {
                    self.update(|state| writes.iter().for_each(|write| state.apply(write, committed.rev)));
                    self.deal();
                    self.changed.notify_one();
                    return Ok(answer);
                }
                Err(StoreError::Conflict { .. }) => self.refresh(&writes).await?,
                Err(StoreError::TooLarge { .. }) => return Err(ChangeError::TooLong.into()),
                Err(error) => {
                    // It may have gone through all the same. If the store cannot be asked either, memory stays what
                    // it was, and the next change of these documents will conflict and ask.
                    if let Err(again) = self.refresh(&writes).await {
                        tracing::warn!(
                            error = &again as &dyn std::error::Error,
                            "not known whether a commit went through"
                        );
                    }
                    return Err(ChangeError::Store(error).into());
                }
            }
        }
        Err(ChangeError::Contended.into())
    }

    /// Reads again what a change was about: somebody else wrote to the store, or it is not known who did.
    async fn refresh(&self, writes: &[Write]) -> Result<(), ChangeError> {
        for write in writes {
            let id = write.id();
            let key = id.key().map_err(DocumentError::from)?;
            match self.store.get(&key).await? {
                Some(doc) => {
                    let put = Write::Put(Document::decode(id, &doc.value)?);
                    self.update(|state| state.apply(&put, doc.rev));
                }
                None => self.update(|state| state.forget(&id)),
            }
        }
        self.deal();
        self.changed.notify_one();
        Ok(())
    }

    /// Replaces the moment by the next. What no function is any more is remembered until nobody runs it.
    fn update(&self, next: impl FnOnce(&mut State)) {
        // Held so that nobody sees a version that is neither in the table nor among the former ones.
        let mut former = self.former.lock();
        let before = self.state.load_full();
        let mut now = State::clone(&before);
        next(&mut now);
        let now = Arc::new(now);
        self.state.store(Arc::clone(&now));
        for (key, table) in before.tables() {
            let current = now.table(key);
            if current.is_some_and(|current| Arc::ptr_eq(current, table)) {
                continue;
            }
            let gone = table.versions().filter(|(at, version)| {
                let current = current.and_then(|current| current.version(*at));
                !current.is_some_and(|current| Arc::ptr_eq(current, version))
            });
            former.extend(gone.map(|(_, version)| Arc::<Version>::downgrade(version)));
        }
    }
}

fn op(write: &Write, seen: &State) -> Result<Op, DocumentError> {
    let id: DocumentId = write.id();
    let expect = seen.expect(&id);
    let key = id.key()?;
    Ok(match write {
        Write::Put(document) => Op::Put {
            key,
            value: document.encode()?,
            expect,
        },
        Write::Remove(_) => Op::Delete { key, expect },
    })
}
