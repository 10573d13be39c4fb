//! Where sandboxes go: killed, waited for, taken apart.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use skiff_sandbox::Sandbox;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::stock::Stock;

/// How long a killed process may take to end before its whole group is killed again.
const END_MAX: Duration = Duration::from_secs(5);

/// Takes sandboxes from those that cannot wait. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Graveyard {
    dead: mpsc::UnboundedSender<Sandbox>,
    stock: Arc<Stock>,
}

impl Graveyard {
    /// Opens it. Its task ends with the last clone.
    pub(crate) fn open(stock: Arc<Stock>, tasks: &TaskTracker) -> Self {
        // As many as there are sandboxes at most.
        let (dead, mut arrivals) = mpsc::unbounded_channel::<Sandbox>();
        let burials = tasks.clone();
        let into = Arc::clone(&stock);
        tasks.spawn(async move {
            while let Some(sandbox) = arrivals.recv().await {
                let stock = Arc::clone(&into);
                burials.spawn(async move { bury(sandbox, &stock).await });
            }
        });
        Self { dead, stock }
    }

    /// Takes care that a sandbox comes here in the end, however its holder ends.
    pub(crate) fn hold(&self, sandbox: Sandbox) -> Held {
        Held {
            sandbox: Some(sandbox),
            graveyard: self.clone(),
        }
    }

    /// Kills a sandbox at once and takes it apart later.
    fn receive(&self, sandbox: Sandbox) {
        sandbox.kill();
        self.stock.leaves();
        // Without a graveyard the server is ending, and the zygote takes everything along.
        drop(self.dead.send(sandbox));
    }
}

/// A sandbox that goes to the graveyard when it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    sandbox: Option<Sandbox>,
    graveyard: Graveyard,
}

impl Deref for Held {
    type Target = Sandbox;
    fn deref(&self) -> &Sandbox {
        self.sandbox.as_ref().expect("held until dropped")
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Sandbox {
        self.sandbox.as_mut().expect("held until dropped")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            self.graveyard.receive(sandbox);
        }
    }
}

async fn bury(mut sandbox: Sandbox, stock: &Arc<Stock>) {
    while timeout(END_MAX, sandbox.ended()).await.is_err() {
        tracing::error!("a killed sandbox does not end; killing its whole control group");
        let cgroup = Arc::clone(sandbox.cgroup());
        let killed = tokio::task::spawn_blocking(move || cgroup.kill_all()).await;
        if let Ok(Err(error)) = killed {
            tracing::error!(%error, "its control group could not be killed");
        }
    }
    if let Some(parts) = sandbox.bury().await {
        stock.give_back(parts).await;
    }
    stock.left();
}
