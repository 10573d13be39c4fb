//! SIGTERM and SIGINT: the first asks for a drain, the second ends the process at once. SIGHUP: the runtimes have changed.

use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals so close together are one wish: `timeout`, `sudo` and terminals send theirs to a process and to its group.
const SAME_WISH: Duration = Duration::from_millis(10);

/// What the process is told to stop by.
pub(super) struct Stops {
    terminate: Signal,
    interrupt: Signal,
}

impl Stops {
    /// Takes both signals from now on.
    pub(super) fn listen() -> anyhow::Result<Self> {
        let take = |kind| signal(kind).context("listen for signals");
        Ok(Self {
            terminate: take(SignalKind::terminate())?,
            interrupt: take(SignalKind::interrupt())?,
        })
    }

    /// Waits for either and says its name and the exit code a shell would give it.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn next(&mut self) -> (&'static str, i32) {
        tokio::select! {
            _ = self.terminate.recv() => ("SIGTERM", 128 + 15),
            _ = self.interrupt.recv() => ("SIGINT", 128 + 2),
        }
    }

    /// Takes what came together with the signal just taken. To be awaited before anything is done about that one: then
    /// whoever has seen the first at work is not taken for its echo.
    pub(super) async fn settle(&mut self) {
        tokio::time::sleep(SAME_WISH).await;
        while tokio::time::timeout(Duration::ZERO, self.next()).await.is_ok() {}
    }
}

/// What the process is told by that its runtimes have changed.
pub(super) struct HangUps(Signal);

impl HangUps {
    /// Takes the signal from now on. To be done before anybody can know of this process, for untaken it ends it.
    pub(super) fn listen() -> anyhow::Result<Self> {
        Ok(Self(signal(SignalKind::hangup()).context("listen for SIGHUP")?))
    }

    /// Waits for one. Those that come meanwhile are one.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn next(&mut self) {
        self.0.recv().await;
    }
}
