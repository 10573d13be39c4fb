//! What happens to instances without a call: idle ones go when their time is over, and those that are to be ready come.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use crate::invoker::{Shared, Warm};
use crate::port::Instances;

impl<I: Instances> Shared<I> {
    /// Lets idle instances go when they have been idle for long enough. Ends when told to stop.
    pub(crate) async fn reap(self: Arc<Self>) {
        loop {
            let (let_go, next) = self.schedule.lock().reap(Instant::now().into_std(), Warm::is_alive);
            drop(let_go);
            let due = async {
                match next {
                    Some(next) => sleep_until(next.into()).await,
                    None => self.idle.notified().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// Has instances ready that are to be. Ends when told to stop.
    pub(crate) async fn provision(self: Arc<Self>) {
        loop {
            let now = Instant::now().into_std();
            let due = self.schedule.lock().provision(now, Warm::is_alive);
            drop(due.let_go);
            if due.fewer {
                self.idle.notify_one();
            }
            due.starts.into_iter().for_each(|start| self.begin(start));
            let later = async {
                match due.next {
                    Some(next) => sleep_until(next.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = later => {}
                () = self.provision.notified() => {}
                () = self.stop.cancelled() => return,
            }
        }
    }
}
