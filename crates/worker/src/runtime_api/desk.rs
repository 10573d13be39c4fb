//! Where a program's questions and the instance's events meet: which event is open, and who answers it first.
//!
//! Decides and holds; HTTP is `http`'s.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use skiff_domain::UserFault;
use skiff_runtimes::wire::Response;
use tokio::sync::{Notify, oneshot, watch};

/// An event as a program is told of it.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// The invocation's id, as text.
    pub(super) id: String,
    /// The event itself.
    pub(super) body: Bytes,
    /// The function's memory, in MB.
    pub(super) memory_mb: u32,
    /// How long it may take, in milliseconds.
    pub(super) timeout_ms: u128,
    /// When it must be answered, in milliseconds of the epoch.
    pub(super) deadline_ms: i128,
    /// The function, in the words of AWS Lambda.
    pub(super) arn: String,
}

/// An answer, as a frame would say it.
pub(super) type Answer = (Response, Bytes);

/// Why a program is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// No event is open: none was given, or it was answered already.
    NothingOpen,
    /// Another event is open.
    OtherOpen,
}

/// One program's desk.
#[derive(Debug)]
pub(super) struct Desk {
    open: Mutex<Option<Open>>,
    /// Rung when an event comes.
    bell: Notify,
    init: watch::Sender<Option<Result<(), UserFault>>>,
    /// Whether the event that was open when it was closed last was not known to the program.
    unread: AtomicBool,
}

#[derive(Debug)]
struct Open {
    event: Event,
    /// Whether the program knows of it. Before, what it says without a name is about the one before.
    fetched: bool,
    answer: oneshot::Sender<Answer>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
            bell: Notify::new(),
            init: watch::Sender::new(None),
            unread: AtomicBool::new(false),
        }
    }
}

impl Desk {
    /// The program says how its initialisation ended. What it says first counts.
    pub(super) fn initialised(&self, how: Result<(), UserFault>) {
        self.init.send_if_modified(|said| {
            let first = said.is_none();
            if first {
                *said = Some(how);
            }
            first
        });
    }

    /// How the program's initialisation ended, once it says so.
    ///
    /// # Cancel safety
    /// Safe: what was said is kept.
    pub(super) async fn initialisation(&self) -> Result<(), UserFault> {
        let mut said = self.init.subscribe();
        let said = said.wait_for(Option::is_some).await;
        // The sender lives as long as the desk, and a value was waited for.
        said.ok().and_then(|said| said.clone()).unwrap_or(Ok(()))
    }

    /// Lays an event out. What was open before is not any more.
    pub(super) fn offer(&self, event: Event) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        *self.open.lock() = Some(Open {
            event,
            fetched: false,
            answer,
        });
        self.bell.notify_waiters();
        answered
    }

    /// The event that is open, the same one until it is answered; waits where none is.
    ///
    /// # Cancel safety
    /// Safe: an event stays open.
    pub(super) async fn next(&self) -> Event {
        loop {
            let rung = self.bell.notified();
            tokio::pin!(rung);
            // From here on no ring is missed.
            rung.as_mut().enable();
            if let Some(open) = &mut *self.open.lock() {
                open.fetched = true;
                return open.event.clone();
            }
            rung.await;
        }
    }

    /// Takes the first answer to an event.
    pub(super) fn answer(&self, id: Option<&str>, answer: Answer) -> Result<(), Refused> {
        let mut open = self.open.lock();
        match open.take() {
            None => Err(Refused::NothingOpen),
            Some(unknown) if !unknown.fetched => {
                *open = Some(unknown);
                Err(Refused::NothingOpen)
            }
            Some(other) if id.is_some_and(|id| id != other.event.id) => {
                *open = Some(other);
                Err(Refused::OtherOpen)
            }
            Some(Open { answer: sender, .. }) => {
                // Nobody waits any more where the time is up.
                drop(sender.send(answer));
                Ok(())
            }
        }
    }

    /// Nothing is open any more: the time is up, or the program has ended.
    pub(super) fn close(&self) {
        let unread = self.open.lock().take().is_some_and(|open| !open.fetched);
        self.unread.store(unread, Ordering::Relaxed);
    }

    /// True where what was open when it was closed had not been handed to the program.
    pub(super) fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn event(id: &str) -> Event {
        Event {
            id: id.to_owned(),
            body: Bytes::from_static(b"{}"),
            memory_mb: 128,
            timeout_ms: 3000,
            deadline_ms: 0,
            arn: String::new(),
        }
    }

    fn text(text: &'static str) -> Answer {
        (Response::Wrote, Bytes::from_static(text.as_bytes()))
    }

    #[tokio::test]
    async fn an_event_is_the_same_until_it_is_answered_and_the_first_answer_counts() {
        let desk = Desk::default();
        assert_eq!(desk.answer(None, text("early")), Err(Refused::NothingOpen));
        let answered = desk.offer(event("1"));
        assert_eq!(desk.answer(None, text("to the one before")), Err(Refused::NothingOpen));
        assert_eq!(desk.next().await.id, "1");
        assert_eq!(desk.next().await.id, "1");
        assert_eq!(desk.answer(Some("2"), text("another's")), Err(Refused::OtherOpen));
        assert_eq!(desk.answer(Some("1"), text("first")), Ok(()));
        assert_eq!(desk.answer(Some("1"), text("second")), Err(Refused::NothingOpen));
        assert_eq!(answered.await, Ok(text("first")));
    }

    #[tokio::test]
    async fn who_waits_for_an_event_gets_the_one_that_comes() {
        let desk = Desk::default();
        let mut waiting = Box::pin(desk.next());
        assert!(timeout(Duration::ZERO, &mut waiting).await.is_err());
        let _answered = desk.offer(event("1"));
        assert_eq!(waiting.await.id, "1");
    }

    #[tokio::test]
    async fn of_what_a_program_says_about_its_start_the_first_counts() {
        let desk = Desk::default();
        desk.initialised(Ok(()));
        desk.initialised(Err(UserFault {
            message: "late".to_owned(),
            stack_trace: String::new(),
        }));
        assert_eq!(desk.initialisation().await, Ok(()));
    }
}
