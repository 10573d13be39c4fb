//! A future that wakes itself while it is polled is polled again at once.
//!
//! hyper does so with every request that has a body: whoever reads the body wakes the connection, which is the same
//! task. To the runtime that is a task which yields: it puts the task at the end of its queue and wakes another of its
//! threads to come and steal it. That thread is the dearest part of a short call.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::Mutex;

/// Polls in a row before the runtime gets its turn.
const POLLS_MAX: usize = 4;

const RESTING: u8 = 0;
const POLLED: u8 = 1;
const WOKEN: u8 = 2;

/// Keeps wake-ups from within to itself.
#[derive(Debug)]
pub(crate) struct Steady<F> {
    future: F,
    bell: Arc<Bell>,
    waker: Waker,
}

/// What the future inside is woken through.
#[derive(Debug)]
struct Bell {
    state: AtomicU8,
    /// The task's own waker.
    task: Mutex<Waker>,
}

impl<F> Steady<F> {
    pub(crate) fn new(future: F) -> Self {
        let bell = Arc::new(Bell {
            state: AtomicU8::new(RESTING),
            task: Mutex::new(Waker::noop().clone()),
        });
        let waker = Waker::from(Arc::clone(&bell));
        Self { future, bell, waker }
    }

    /// The future inside.
    pub(crate) fn inner(&mut self) -> &mut F {
        &mut self.future
    }
}

impl<F: Future + Unpin> Future for Steady<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        {
            let mut task = this.bell.task.lock();
            if !task.will_wake(cx.waker()) {
                task.clone_from(cx.waker());
            }
        }
        let mut inside = Context::from_waker(&this.waker);
        for _ in 0..POLLS_MAX {
            this.bell.state.store(POLLED, Ordering::SeqCst);
            if let Poll::Ready(output) = Pin::new(&mut this.future).poll(&mut inside) {
                return Poll::Ready(output);
            }
            let unwoken = this
                .bell
                .state
                .compare_exchange(POLLED, RESTING, Ordering::SeqCst, Ordering::SeqCst);
            if unwoken.is_ok() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // While it is polled, whoever polls sees it. Woken already, it will be polled.
        if self.state.swap(WOKEN, Ordering::SeqCst) == RESTING {
            self.task.lock().wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Counts how often a task is woken.
    #[derive(Debug, Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Wakes itself in its first polls, then rests and leaves its waker behind.
    struct Restless {
        wakes: usize,
        polls: usize,
        waker: Option<Waker>,
    }

    impl Future for Restless {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            self.polls += 1;
            self.waker = Some(cx.waker().clone());
            if self.wakes > 0 {
                self.wakes -= 1;
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        }
    }

    /// How often the future is polled and the task is woken by one poll from outside, and by a wake after it.
    fn check(wakes: usize) -> (usize, usize, usize) {
        let task = Arc::new(Task::default());
        let waker = Waker::from(Arc::clone(&task));
        let mut steady = Steady::new(Restless {
            wakes,
            polls: 0,
            waker: None,
        });
        assert_eq!(
            Pin::new(&mut steady).poll(&mut Context::from_waker(&waker)),
            Poll::Pending
        );
        let woken = task.0.load(Ordering::SeqCst);
        let inside = steady.inner().waker.clone().unwrap();
        inside.wake_by_ref();
        inside.wake();
        (steady.inner().polls, woken, task.0.load(Ordering::SeqCst))
    }

    #[test]
    fn wakes_from_within_are_polls_and_wakes_from_outside_are_wakes() {
        assert_eq!(check(0), (1, 0, 1));
        assert_eq!(check(1), (2, 0, 1));
        assert_eq!(check(3), (4, 0, 1));
    }

    #[test]
    fn the_runtime_gets_its_turn() {
        // Woken once for the turn; what comes then finds it woken.
        assert_eq!(check(4), (4, 1, 1));
        assert_eq!(check(100), (4, 1, 1));
    }
}
