//! How the worker speaks to what runs in a sandbox, in each of the ways runtimes do.

use std::net::TcpListener;
use std::time::Duration;

use bytes::Bytes;
use skiff_domain::{Call, Version};
use skiff_invoker::{Departure, Visit};
use skiff_runtimes::Platform;
use skiff_runtimes::wire::{self, Response};
use skiff_sandbox::{Inside, Sandbox};
use tokio::time::Instant;

use crate::exchange::{Line, NoAnswer};
use crate::rpc::Rpc;
use crate::runtime_api::RuntimeApi;
use crate::web::Web;

/// Sequence of the request to load; events follow.
pub(crate) const LOAD_SEQUENCE: u32 = 1;

/// One conversation, from the stem cell to the end.
#[derive(Debug)]
pub(crate) enum Talk {
    /// In frames over the pipes.
    Frames {
        /// Of the latest request.
        sequence: u32,
        /// The runtime has said that it ends.
        ends: bool,
        /// It takes the order to load before the code is there.
        prepares: bool,
    },
    /// The program comes and asks.
    RuntimeApi(RuntimeApi),
    /// The program listens and answers.
    Rpc(Rpc),
    /// The program serves HTTP.
    Web(Web),
}

impl Talk {
    /// Over the pipes, with a runtime that may take the order to load before the code is there.
    pub(crate) fn frames(prepares: bool) -> Self {
        Self::Frames {
            sequence: LOAD_SEQUENCE,
            ends: false,
            prepares,
        }
    }

    /// With a program that will connect to this listener.
    pub(crate) fn runtime_api(listener: TcpListener) -> std::io::Result<Self> {
        Ok(Self::RuntimeApi(RuntimeApi::open(listener)?))
    }

    /// With a program that will listen in this network.
    pub(crate) fn rpc(inside: Inside) -> Self {
        Self::Rpc(Rpc::new(inside))
    }

    /// With a program that will serve HTTP in this network.
    pub(crate) fn web(inside: Inside) -> Self {
        Self::Web(Web::new(inside))
    }

    /// Has the code loaded and waits until it is initialised.
    pub(crate) async fn load(
        &mut self,
        line: &mut Line,
        sandbox: &mut Sandbox,
        order: &Bytes,
        version: &Version,
        platform: &Platform,
    ) -> Result<(Response, Bytes), NoAnswer> {
        let begun = Instant::now();
        let deadline = begun + version.init_timeout;
        if let Self::RuntimeApi(api) = self {
            api.assign(version, platform);
        }
        let answer = line.ask(order, LOAD_SEQUENCE, deadline).await;
        // The pipes of a program of the package's close when the process has become it.
        if matches!(self, Self::Frames { .. }) || !matches!(answer, Err(NoAnswer::Closed)) {
            return answer;
        }
        let initialised = match self {
            Self::Frames { .. } => Ok(()),
            Self::RuntimeApi(api) => line.attend(sandbox, deadline, api.initialisation()).await?,
            Self::Rpc(rpc) => Ok(line.attend(sandbox, deadline, rpc.initialise()).await??),
            Self::Web(web) => Ok(line.attend(sandbox, deadline, web.initialise()).await??),
        };
        Ok(match initialised {
            Ok(()) => (Response::Loaded, micros(begun.elapsed())),
            Err(fault) => (
                Response::LoadFailed,
                serde_json::to_vec(&fault).unwrap_or_default().into(),
            ),
        })
    }

    /// Runs one event.
    pub(crate) async fn invoke(
        &mut self,
        line: &mut Line,
        sandbox: &mut Sandbox,
        call: &Call,
        deadline: Instant,
    ) -> Result<(Response, Bytes), NoAnswer> {
        match self {
            Self::Frames { sequence, ends, .. } => {
                *sequence = sequence.wrapping_add(1);
                let Some(request) = wire::invoke(*sequence, &call.context, &call.event) else {
                    return Err(NoAnswer::Garbage("the event is too large for a frame".to_owned()));
                };
                match line.ask(&request, *sequence, deadline).await? {
                    (Response::RaisedLast, fault) => {
                        *ends = true;
                        Ok((Response::Raised, fault))
                    }
                    answer => Ok(answer),
                }
            }
            Self::RuntimeApi(api) => {
                let answer = line.attend(sandbox, deadline, api.ask(call)).await?;
                answer.ok_or_else(|| NoAnswer::Garbage("the event was taken back".to_owned()))
            }
            Self::Rpc(rpc) => line.attend(sandbox, deadline, rpc.ask(call)).await?,
            // Nobody sends it any: the edges refuse that.
            Self::Web(_) => Err(NoAnswer::Garbage("it takes no events".to_owned())),
        }
    }

    /// Lets somebody in.
    pub(crate) async fn visit(
        &mut self,
        line: &mut Line,
        sandbox: &mut Sandbox,
        visit: Visit,
        deadline: Instant,
    ) -> Result<Departure, NoAnswer> {
        match self {
            Self::Web(web) => line.attend(sandbox, deadline, web.receive(visit)).await,
            Self::Frames { .. } | Self::RuntimeApi(_) | Self::Rpc(_) => {
                Err(NoAnswer::Garbage("it serves no HTTP".to_owned()))
            }
        }
    }

    /// True for a program that serves HTTP.
    pub(crate) fn is_web(&self) -> bool {
        matches!(self, Self::Web(_))
    }

    /// True where the order to load is taken before the code is there.
    pub(crate) fn prepares(&self) -> bool {
        matches!(self, Self::Frames { prepares: true, .. })
    }

    /// True once the other side has closed its pipes, where it speaks over them.
    pub(crate) fn is_closed(&self, line: &Line) -> bool {
        matches!(self, Self::Frames { .. }) && line.is_closed()
    }

    /// True where the other side, which has ended, had read nothing of the last event.
    pub(crate) fn is_unread(&self, line: &Line) -> bool {
        match self {
            Self::Frames { .. } => line.is_unread(),
            Self::RuntimeApi(api) => api.is_unread(),
            // What was written to a connection may have been read.
            Self::Rpc(_) | Self::Web(_) => false,
        }
    }

    /// True once the other side has asked to be ended.
    pub(crate) fn asks_to_end(&self) -> bool {
        match self {
            Self::Frames { ends, .. } => *ends,
            Self::RuntimeApi(_) | Self::Web(_) => false,
            Self::Rpc(rpc) => rpc.asks_to_end(),
        }
    }
}

/// How long the user's code took to initialise, as [`Response::Loaded`] says it.
fn micros(duration: Duration) -> Bytes {
    duration.as_micros().to_string().into()
}
