//! The runtime API of one instance, served inside its network namespace: nobody else can reach it.

mod desk;
mod http;

use std::net::TcpListener;
use std::sync::Arc;

use bytes::Bytes;
use skiff_domain::{Call, UserFault, Version};
use skiff_runtimes::Platform;
use skiff_runtimes::wire::Response;
use tokio::task::JoinSet;

use desk::{Desk, Event};
pub(crate) use http::CONNECTIONS_MAX;

/// A program's desk and the listener it comes to. Dropping it closes every connection.
#[derive(Debug)]
pub(crate) struct RuntimeApi {
    desk: Arc<Desk>,
    /// What is the same for every event, once the function is known.
    facts: Facts,
    _serving: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Facts {
    memory_mb: u32,
    arn: String,
}

impl RuntimeApi {
    /// Serves what connects to the listener.
    pub(crate) fn open(listener: TcpListener) -> std::io::Result<Self> {
        let desk = Arc::<Desk>::default();
        Ok(Self {
            _serving: http::serve(listener, &desk)?,
            desk,
            facts: Facts::default(),
        })
    }

    /// Whose events these will be.
    pub(crate) fn assign(&mut self, version: &Version, platform: &Platform) {
        let Platform { region, app_id, .. } = platform;
        let name = &version.key.name;
        self.facts = Facts {
            memory_mb: version.memory_mb,
            arn: format!("arn:aws:lambda:{region}:{app_id}:function:{name}:{}", version.label),
        };
    }

    /// Waits until the program says that it is initialised, or that it cannot be.
    ///
    /// # Cancel safety
    /// Safe.
    pub(crate) async fn initialisation(&self) -> Result<(), UserFault> {
        self.desk.initialisation().await
    }

    /// True where the program was not told of the last event by the time that it was taken back.
    pub(crate) fn is_unread(&self) -> bool {
        self.desk.is_unread()
    }

    /// Offers an event and waits for its answer. When the future is dropped the event is no longer open.
    pub(crate) async fn ask(&self, call: &Call) -> Option<(Response, Bytes)> {
        struct Closing<'a>(&'a Desk);
        impl Drop for Closing<'_> {
            fn drop(&mut self) {
                self.0.close();
            }
        }
        let closing = Closing(&self.desk);
        let until = jiff::Timestamp::now().as_millisecond();
        let timeout_ms = call.timeout.as_millis();
        let answered = self.desk.offer(Event {
            id: call.request_id.to_string(),
            body: call.event.clone(),
            memory_mb: self.facts.memory_mb,
            timeout_ms,
            deadline_ms: i128::from(until).saturating_add_unsigned(timeout_ms),
            arn: self.facts.arn.clone(),
        });
        let answer = answered.await.ok();
        drop(closing);
        answer
    }
}
