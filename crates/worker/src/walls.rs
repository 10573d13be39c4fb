//! Looks after the walls of public functions: restarting a firewall of the host flushes them.

use std::time::Duration;

use skiff_sandbox::Networks;
use tokio::time::{MissedTickBehavior, interval};

/// Between two looks. One costs microseconds while nobody changes any rules.
const PERIOD: Duration = Duration::from_secs(1);

/// Looks again and again, for as long as it is polled.
pub(crate) async fn watch(networks: Networks) {
    let mut tick = interval(PERIOD);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let networks = networks.clone();
        match tokio::task::spawn_blocking(move || networks.keep_walls()).await {
            Ok(Ok(false)) => {}
            Ok(Ok(true)) => tracing::warn!("somebody changed the walls of public functions; they stand again"),
            Ok(Err(error)) => tracing::error!(%error, "the walls of public functions cannot be put up again"),
            // The blocking pool is gone: the server is ending.
            Err(_) => return,
        }
    }
}
