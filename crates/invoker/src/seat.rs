//! A call's place: the right to run, and the instance it waits for or holds. Dropping it gives everything back.

use std::mem;
use std::sync::Arc;

use skiff_domain::{StartError, Version};
use tokio::sync::oneshot;

use crate::invoker::{Shared, Warm};
use crate::port::Instances;
use crate::schedule::{Arrival, Lent, Refusal, Returned, Ticket};

/// What a waiter is sent.
pub(crate) type Supply<I> = Result<Lent<Warm<I>>, StartError>;

/// An accepted call's place.
pub(crate) struct Seat<'a, I: Instances> {
    shared: &'a Arc<Shared<I>>,
    version: &'a Arc<Version>,
    holds: Holds<I>,
    waited: bool,
}

enum Holds<I: Instances> {
    /// The right to run only.
    Nothing,
    /// A place in the queue.
    Place(Ticket, oneshot::Receiver<Supply<I::Instance>>),
    /// An instance.
    Instance(Lent<Warm<I::Instance>>),
    /// Everything was given back.
    Finished,
}

impl<'a, I: Instances> Seat<'a, I> {
    /// Takes a place for one call of `version`, and an instance when one is idle.
    pub(crate) fn take(shared: &'a Arc<Shared<I>>, version: &'a Arc<Version>) -> Result<Self, Refusal> {
        let (arrival, let_go) = shared.schedule.lock().arrive(version, Warm::is_alive, oneshot::channel);
        drop(let_go);
        let mut waited = false;
        let holds = match arrival? {
            Arrival::Run(lent) => Holds::Instance(lent),
            Arrival::Wait { ticket, start, supply } => {
                if let Some(start) = start {
                    shared.begin(start);
                }
                waited = true;
                Holds::Place(ticket, supply)
            }
        };
        Ok(Self {
            shared,
            version,
            holds,
            waited,
        })
    }

    /// Whether there was no instance at once.
    pub(crate) const fn has_waited(&self) -> bool {
        self.waited
    }

    /// The instance, once there is one.
    ///
    /// # Cancel safety
    /// Dropping the future keeps the place; dropping the seat gives it up.
    pub(crate) async fn instance(&mut self) -> Result<&mut Lent<Warm<I::Instance>>, StartError> {
        if let Holds::Place(_, supply) = &mut self.holds {
            let supplied = supply.await;
            self.holds = Holds::Nothing;
            if let Ok(supplied) = supplied {
                self.holds = Holds::Instance(supplied?);
            }
        }
        match &mut self.holds {
            Holds::Instance(lent) => Ok(lent),
            // The other end is never dropped unanswered, so this is a fault of the schedule.
            Holds::Nothing | Holds::Place(..) | Holds::Finished => {
                Err(StartError::Platform("a waiting call was forgotten".to_owned()))
            }
        }
    }

    /// Ends the call on an instance that can take another, if it lives. Every other end is by dropping.
    pub(crate) fn give_back(mut self) {
        match mem::replace(&mut self.holds, Holds::Finished) {
            Holds::Instance(lent) if lent.instance.is_alive() => {
                self.shared.finish(self.version, lent.give_back());
            }
            other => self.holds = other,
        }
    }
}

impl<I: Instances> Drop for Seat<'_, I> {
    fn drop(&mut self) {
        let Self {
            shared, version, holds, ..
        } = self;
        match mem::replace(holds, Holds::Finished) {
            Holds::Finished => {}
            Holds::Nothing => shared.finish(version, Returned::Nothing),
            Holds::Place(ticket, mut supply) => {
                // Closed first: what is sent later comes back to its sender, what was sent before is still here.
                supply.close();
                shared.schedule.lock().leave(version, ticket);
                if let Ok(Ok(lent)) = supply.try_recv() {
                    shared.return_unclaimed(version, lent);
                }
                shared.finish(version, Returned::Nothing);
            }
            Holds::Instance(lent) => {
                // Killed first, then its place given away: at no time does more run than may.
                let buried = lent.bury();
                shared.finish(version, buried);
            }
        }
    }
}
