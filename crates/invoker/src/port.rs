//! What the invoker needs of others and what it offers: traits only.

use std::future::Future;
use std::sync::Arc;

use skiff_domain::{
    AttemptRecord, AttemptReport, Call, FunctionUid, InitReport, Invocation, Outcome, Qualifier, RequestId, StartError,
    Version,
};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::running::RunningCall;

/// Where instances come from. On one machine this is the worker itself; in a cluster, a client of many.
pub trait Instances: Send + Sync + 'static {
    /// An initialised instance of one version.
    type Instance: Instance;

    /// Starts and initialises an instance. Returns once its runtime is ready for an event.
    ///
    /// # Cancel safety
    /// Dropping the future kills the half-started instance and frees what it held.
    fn start(
        &self,
        version: &Arc<Version>,
    ) -> impl Future<Output = Result<(Self::Instance, InitReport), StartError>> + Send;
}

/// A handle at one initialised instance. Takes one event at a time. Dropping the last one kills what runs in it.
pub trait Instance: Sized + Send + 'static {
    /// Runs one event. Whether the instance lives on each end says for itself ([`skiff_domain::AttemptEnd`]); the last word
    /// has [`Instance::is_alive`].
    ///
    /// # Cancel safety
    /// Dropping the future kills the instance: what it was doing cannot be taken back. One with other handles takes no
    /// further event, and lets the others' calls finish.
    fn invoke(&mut self, call: Call) -> impl Future<Output = AttemptReport> + Send;

    /// Lets somebody in to the server that a web function's instance runs, for the time of one call. Ends as
    /// [`Instance::invoke`] does.
    ///
    /// # Cancel safety
    /// That of [`Instance::invoke`].
    fn visit(&mut self, call: Call, visit: Visit) -> impl Future<Output = AttemptReport> + Send;

    /// Another handle at the same instance, for one more event at the same time. Asked for only where the version's
    /// concurrency is above 1. Never waits.
    #[must_use]
    fn share(&self) -> Self;

    /// False once the instance can take no further event through any handle, e.g. because its process died while idle.
    fn is_alive(&self) -> bool;
}

/// A call of a web function: whoever makes it is let in to the instance's server, and says how it went.
#[derive(Debug)]
pub struct Visit {
    /// What the request has for a body, which is in memory until it has been sent.
    pub body_bytes: usize,
    /// Where a connection to the server is handed over.
    pub enter: oneshot::Sender<TcpStream>,
    /// How it went; dropped by who went away.
    pub leave: oneshot::Receiver<Departure>,
}

/// How a visit went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Departure {
    /// The server answered, with this HTTP status.
    Answered(u16),
    /// Its answer is larger than one may be; so much of it came.
    TooLarge {
        /// Bytes of the body so far.
        bytes: u64,
    },
    /// Whoever asked went away first.
    Gone,
    /// A WebSocket was silent for too long.
    Idle,
    /// A WebSocket's client went away without closing it.
    Aborted,
    /// The server broke the connection off, or did not speak HTTP. Text for the user.
    Broken(String),
}

/// Receives one record per attempt. Never blocks and never waits for a disk.
pub trait Recorder: Send + Sync + 'static {
    /// Takes the record.
    fn record(&self, record: AttemptRecord);
}

/// What the edges ask of the invoker.
#[async_trait::async_trait]
pub trait Invoke: Send + Sync + 'static {
    /// Runs one invocation to its end and says how it ended. Never touches a disk.
    ///
    /// # Cancel safety
    /// Dropping the future gives the call up: the instance that runs it is killed, and the attempt is recorded as
    /// canceled.
    async fn invoke(&self, invocation: Invocation) -> Outcome;

    /// Runs one call of a web function to its end, as [`Invoke::invoke`] does with an event.
    ///
    /// # Cancel safety
    /// That of [`Invoke::invoke`].
    async fn visit(&self, invocation: Invocation, visit: Visit) -> Outcome;

    /// Lets the idle instances of one version of a function go, of all its versions where none is named; running
    /// calls finish. For updates and deletions.
    fn retire(&self, uid: &FunctionUid, label: Option<&Qualifier>);

    /// The call of this id, while it runs.
    fn running(&self, id: RequestId) -> Option<RunningCall>;

    /// What every function with instances is doing now.
    fn load(&self) -> Vec<FunctionLoad>;
}

/// What one function is doing now.
#[derive(Debug, Clone, serde::Serialize)]
pub struct FunctionLoad {
    /// The version the numbers are of.
    #[serde(skip)]
    pub version: Arc<Version>,
    /// Calls accepted and not yet answered.
    pub running: u32,
    /// Of those, the calls waiting for an instance.
    pub waiting: u32,
    /// Instances that run calls.
    pub busy: u32,
    /// Initialised instances with nothing to do.
    pub idle: u32,
    /// Instances that are to be kept ready.
    pub provisioned: u32,
    /// Of those, the ones there are.
    pub ready: u32,
    /// Why there are not all of them, where starting them failed.
    pub failure: Option<String>,
}
